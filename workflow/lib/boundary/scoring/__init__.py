"""Perplexity and token entropy of given responses under a model."""
