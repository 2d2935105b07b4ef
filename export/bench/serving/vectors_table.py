"""The table and the plot of `vectors`, from the rows that it measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from export.bench.serving import charts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


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
    count, rows = list(measured.items())[-1]
    names = [f"{row['dim']} {row['kind']}" for row in rows]
    groups = {
        "bytes of the file a product": [row["bytes_a_product"] for row in rows],
        "a search, ms": [row["search"]["median_ms"] for row in rows],
        "memory gained, MB": [_least_memory(row) / 1e6 for row in rows],
    }
    return charts.write_log_bars(
        out,
        "vectors",
        f"Stored vectors of {count:,} products, by dimensions, library and number",
        "",
        {group: dict(zip(names, values, strict=True)) for group, values in groups.items()},
    )


def _least_memory(row: Mapping[str, Any]) -> float:
    least: float = min(opened["anonymous"] + opened["mapped"] for opened in row["opened"].values())
    return least
