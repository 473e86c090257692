"""Benchmarks: files of others, at a pinned revision, as problem records."""
