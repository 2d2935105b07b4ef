"""The table and the plot of `vectors`, from the rows that it measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from export.bench.results import OURS
from export.bench.serving import charts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_WHOLE = 100
"""From here on a panel's numbers have no decimals."""


def print_rows(count: int, rows: Sequence[Mapping[str, Any]]) -> None:
    header = (
        "dim kind",
        "bytes a product",
        "ef",
        "found",
        "kept",
        "search ms",
        "to first",
        "build CPU s",
        "load ms",
        "view ms",
        "load MB (mapped)",
        "view MB (mapped)",
    )
    table = []
    for row in rows:
        load, view = row["opened"]["load"], row["opened"].get("view")
        table.append(
            (
                f"{row['dim']} {row['kind']}",
                f"{row['bytes_a_product']:,.0f}",
                f"{row['ef']}",
                f"{min(row['found'].values()):.3f}",
                f"{min(row['kept'].values()):.3f}",
                f"{row['search']['median_ms']:.3f}",
                f"{row['to_first']['ratio']:.2f}",
                f"{row['build_s']:.1f}",
                f"{1000 * load['open_s']:.1f}",
                f"{1000 * view['open_s']:.1f}" if view else "",
                _memory(load),
                _memory(view) if view else "",
            )
        )
    print(f"\n{count:,} products; found and kept of the worst kind of query; memory gained after 100 queries")
    charts.print_table(header, table)


def _memory(opened: Mapping[str, float]) -> str:
    return f"{opened['anonymous'] / 1e6:.1f} ({opened['mapped'] / 1e6:.1f})"


def plot_rows(out: Path, measured: Mapping[int, Sequence[Mapping[str, Any]]]) -> Path:
    """`<out>/vectors.png`: bars of the largest catalog's rows, a panel for each of four figures."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    count, rows = list(measured.items())[-1]
    names = [f"{row['dim']} {row['kind']}" for row in rows]
    panels = {
        "file, bytes a product": [row["bytes_a_product"] for row in rows],
        "neighbors kept": [min(row["kept"].values()) for row in rows],
        "a search, CPU ms": [row["search"]["median_ms"] for row in rows],
        "memory gained, MB": [_least_memory(row) / 1e6 for row in rows],
    }
    figure, axes = plt.subplots(1, len(panels), figsize=(11, 3.6), sharey=True, layout="constrained")
    title = f"Stored vectors of {count:,} products, by dimensions, library and number"
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=12)
    for panel, (name, values) in zip(axes, panels.items(), strict=True):
        colors = [OURS if row["kind"].startswith("hnswlib") else "#9db4c0" for row in rows]
        bars = panel.barh(names, values, color=colors)
        panel.bar_label(bars, fmt="{:,.3g}" if max(values) < _WHOLE else "{:,.0f}", padding=3, size=9)
        panel.margins(x=0.25)
        panel.set_title(name, loc="left", size=10)
        panel.spines[["top", "right"]].set_visible(False)
    axes[0].invert_yaxis()
    path = out / "vectors.png"
    figure.savefig(path, dpi=100)
    plt.close(figure)
    return path


def _least_memory(row: Mapping[str, Any]) -> float:
    least: float = min(opened["anonymous"] + opened["mapped"] for opened in row["opened"].values())
    return least
