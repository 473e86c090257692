"""Figure: maj@k, how often the most frequent of k answers is right, against k."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from boundary.exhibits.curves import draw_curves


def draw(table: pd.DataFrame) -> Figure:
    """Panels of curves. ``table`` is the gathered statistic majority_at_k."""
    return draw_curves(table, "majority_at_k", "maj@k")
