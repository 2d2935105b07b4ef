"""The encoder's benchmark as bars: time of one picture for each side, with the time to reach as a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from export.bench.results import INK, MUTED, OURS, TARGET

if TYPE_CHECKING:
    from pathlib import Path


def plot_encoder(results: dict[str, Any], out: Path, name: str) -> Path:
    """`<out>/<name>.png`: milliseconds a picture, one at a time and of eight, with the time to reach as a line."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    import numpy as np

    plt.rcParams.update({"font.size": 10, "text.color": INK, "axes.labelcolor": INK, "xtick.color": INK})
    sides = results["sides"]
    places = np.arange(len(sides))
    figure, axes = plt.subplots(figsize=(9, 4), layout="constrained")
    for shift, batch, color in ((-0.2, 1, OURS), (0.2, 8, MUTED)):
        times = [side["latency_ms"][batch] for side in sides.values()]
        bars = axes.bar(places + shift, times, 0.38, color=color, label=f"{batch} at a time")
        axes.bar_label(bars, fmt="%.0f", padding=2, fontsize=9)
    peer = next((side for key, side in sides.items() if "OpenVINO" in key), None)
    if peer is not None:
        reach = results["target"] * peer["latency_ms"][1]
        axes.axhline(reach, color=TARGET, linewidth=1, label=f"{results['target']}x OpenVINO, for int8")
    axes.set_xticks(places, [name.replace(" ", "\n") for name in sides])
    axes.set_ylabel("CPU milliseconds a picture, one thread")
    axes.set_title(f"{results['encoder']}, {results['pooling']} pooling", loc="left", fontweight="bold")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    path = out / f"{name}.png"
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return path
