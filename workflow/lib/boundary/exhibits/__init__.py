"""What a study shows: figures and tables, each drawn from one table of a statistic."""

# Each kind with the statistic that it shows, which is the name of a file of the cell or of the pair.
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
# What is the same under every verifier, what compares a second opinion with the study's own, and the
# statistics of a model and its base together.
OF_SAMPLES = ("samples", "entropy")
SECOND_OPINIONS = ("agreement",)
OF_PAIRS = ("difference", "coverage", "measures", "perplexity", "perplexity_quantile")
# What shows scores of a subset of the responses, and what only does where a subset is named.
OF_SCORES = ("perplexity", "perplexity_by_step", "entropy_matched", "entropy")
MAY_HAVE_SCORES = ("claims",)
