"""Estimators: counts in, statistics with intervals out."""

# Statistics of a cell's counts. A name is a module here, with a function `estimate`.
ESTIMATORS = ("pass_at_k", "accuracy_histogram")
