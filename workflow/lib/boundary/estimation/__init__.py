"""Estimators: counts in, statistics with intervals out."""
