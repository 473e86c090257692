"""What a study shows: figures and tables, each drawn from one table of a statistic."""

# Statistics that can be shown. A figure's name is a module here, with a function `draw`; a table's name
# has its layout in `tables`.
FIGURES = ("pass_at_k", "accuracy_histogram")
TABLES = ("pass_at_k", "accuracy_histogram", "verdicts", "samples", "agreement")
# What is the same under every verifier, and what compares a second opinion with the study's own.
OF_SAMPLES = ("samples",)
SECOND_OPINIONS = ("agreement",)
