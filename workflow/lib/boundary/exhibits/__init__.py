"""What a study shows: figures and tables, each drawn from one table of a statistic, and sheets."""

# Each kind with the statistic that it shows, the name of a file (boundary.study.sources says which files).
# A figure's name is a module here, with a function `draw`; a table's has its layout in `tables`.
FIGURES = {
    "pass_at_k": "pass_at_k",
    "folded_pass_at_k": "pass_at_k",
    "majority_at_k": "majority_at_k",
    "accuracy_histogram": "accuracy_histogram",
    "difference": "difference",
    "coverage": "coverage",
    "perplexity": "perplexity",
    "perplexity_by_step": "perplexity",
    "entropy_matched": "pass_at_k",
    "training_dynamics": "metrics",
}
TABLES = {
    "pass_at_k": "pass_at_k",
    "majority_at_k": "majority_at_k",
    "accuracy_histogram": "accuracy_histogram",
    "verdicts": "verdicts",
    "samples": "samples",
    "agreement": "agreement",
    "difference": "difference",
    "coverage": "coverage",
    "comparison": "measures",
    "efficiency_gap": "measures",
    "claims": "measures",
    "published": "pass_at_k",
    "perplexity": "perplexity_quantile",
    "entropy": "entropy",
}
# What a person judges of a cell: the command that lays it out has the kind's name.
SHEETS = {"chains": "chains"}
# Kinds that show models by themselves, and no cells.
OF_MODELS = ("training_dynamics",)
# Statistics that are the same under every verifier, that compare a second opinion with the study's own, and
# that need a model's base beside it.
OF_SAMPLES = ("samples", "entropy")
SECOND_OPINIONS = ("agreement",)
OF_PAIRS = ("difference", "coverage", "measures", "perplexity", "perplexity_quantile")
# Kinds that show scores of a subset of the responses, and those that only do where a subset is named.
OF_SCORES = ("perplexity", "perplexity_by_step", "entropy_matched", "entropy")
MAY_HAVE_SCORES = ("claims",)
