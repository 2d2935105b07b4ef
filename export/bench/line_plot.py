"""One plot of a benchmark: lines over the same x values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def plot_lines(
    path: Path,
    results: Sequence[Mapping[str, Any]],
    x: str,
    lines: Sequence[tuple[str, str, str]],
    *,
    logarithmic: bool = False,
    level: tuple[float, str, str] | None = None,
    **axes: Any,
) -> Path:
    """Write a PNG: each of `lines` (key, label, color) over the key `x` of `results`, and a dashed horizontal `level`.

    `axes` are properties of the axes, such as xlabel and ylim.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, plot = plt.subplots(figsize=(6, 3.4), layout="constrained")
    draw = plot.loglog if logarithmic else plot.plot
    for key, label, color in lines:
        draw([one[x] for one in results], [one[key] for one in results], "o-", color=color, label=label)
    if level is not None:
        height, label, color = level
        plot.axhline(height, color=color, ls=(0, (4, 3)), lw=1.2, label=label)
    plot.set(**axes)
    plot.legend(frameon=False, fontsize=9)
    figure.savefig(path, dpi=80)
    plt.close(figure)
    return path
