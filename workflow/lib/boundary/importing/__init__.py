"""Importers of samples and verdicts that were made elsewhere."""

# What can be imported. A name is a module here, with a function `read`.
FORMATS = ("counts", "published", "lm_eval", "evalplus", "livecodebench", "jsonl")
