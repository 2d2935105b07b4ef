"""The plot of `export.bench.sizes`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from export.bench.results import INK, OURS, TARGET

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_PANELS = (
    ("cold_ms", 1e3, "first page, s", 3.0),
    ("serving_peak_rss", 1e6, "serving, peak MB", 3_008.0),
    ("build_peak_bytes", 1e6, "build, peak MB", None),
    ("build_s", 60, "build, minutes", None),
)
"""Field, its divisor, the panel's title, and what to stay below at a million products."""


def plot_sizes(out: Path, measured: Sequence[dict[str, Any]]) -> Path:
    """`<out>/sizes.png`: one panel a figure over the number of products, both axes logarithmic."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({"font.size": 10, "text.color": INK, "axes.labelcolor": INK, "xtick.color": INK})
    figure, panels = plt.subplots(1, len(_PANELS), figsize=(11, 3.4), layout="constrained")
    figure.suptitle("What a catalog's size costs", x=0.01, ha="left", fontweight="bold", fontsize=12)
    counts = [one["products"] for one in measured]
    for axes, (field, divisor, title, limit) in zip(panels, _PANELS, strict=True):
        values = [one[field] / divisor for one in measured]
        axes.loglog(counts, values, "o-", color=OURS)
        for count, value in zip(counts, values, strict=True):
            axes.annotate(f"{value:.3g}", (count, value), (0, 7), textcoords="offset points", ha="center", size=9)
        if limit is not None:
            axes.axhline(limit, color=TARGET, linestyle="--", linewidth=1.2)
        axes.set_title(title, loc="left", size=10)
        axes.set_xlabel("products", size=9)
        axes.margins(0.2)
        axes.spines[["top", "right"]].set_visible(False)
    path = out / "sizes.png"
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return path
