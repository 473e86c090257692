"""Rows of benchmarks that tests make up, and change key by key."""

DROPPED = object()


def changed(row, changes):
    """The row with other values, and without the keys that are DROPPED."""
    return {key: value for key, value in {**row, **changes}.items() if value is not DROPPED}
