"""Sampling: engines, shards and their seeds."""
