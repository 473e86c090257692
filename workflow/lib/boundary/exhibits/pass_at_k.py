"""Figure: pass@k against k, with its interval (the paper, fig. 2)."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from boundary.exhibits.curves import draw_curves


def draw(table: pd.DataFrame) -> Figure:
    """Panels of curves. ``table`` is the gathered statistic pass_at_k."""
    return draw_curves(table, "pass_at_k", "pass@k")
