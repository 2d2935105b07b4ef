"""How Vitrine grows: what was measured at several sizes, fitted, and extrapolated to 100 million products.

    python -m export.bench.scale                         # the tables of infra/SCALE.md, and infra/scale.png
    python -m export.bench.scale --data RUN.json --out DIRECTORY

`infra/scale.json` holds the measurements, each with its command. A fit is a straight line over the products, or over
their logarithm for the time of a round, which minimizes the squared relative error. Everything beyond the largest
measured size is an extrapolation and is drawn dashed.
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from export.bench import scale_limits
from export.planning import limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

INFRA = Path(__file__).parents[2] / "infra"
SIZES = (1_000_000, 10_000_000, 100_000_000)
_COLUMNS = 3
_DRAWN = np.logspace(3.5, 8, 100)


@dataclass(frozen=True)
class Figure:
    """One thing that grows."""

    key: str
    title: str
    law: Literal["linear", "logarithmic"]
    limit: tuple[float, str] | None = None
    """Where it ends, and what sets that limit."""


FIGURES = (
    Figure("index_seconds", "Index from vectors, s", "linear", (limits.LAMBDA_SECONDS, "Lambda's 900 s")),
    Figure("build_mb", "Memory of a build, MB", "linear", (limits.LAMBDA_MEMORY_MB, "Lambda's 10,240 MB")),
    Figure("resident_mb", "Memory, MB", "linear", (limits.LAMBDA_MEMORY_MB, "Lambda's 10,240 MB")),
    Figure("disk_mb", "On disk, MB", "linear", (limits.LAMBDA_STORAGE_MB / 2, "two in Lambda's /tmp")),
    Figure("cold_seconds", "Cold start with the index, s", "linear", (limits.GATEWAY_SECONDS, "the gateway's 30 s")),
    Figure("round_ms", "Warm round, ms", "logarithmic"),
)


@dataclass(frozen=True)
class Fit:
    """`fixed` + `slope` x, x being the products, or the decimal logarithm of the products."""

    fixed: float
    slope: float
    law: Literal["linear", "logarithmic"]

    @classmethod
    def of(cls, products: Sequence[float], values: Sequence[float], law: Literal["linear", "logarithmic"]) -> Fit:
        """Through at least two sizes. What starts at nothing cannot go below: `fixed` is at least 0 for a line."""
        x = np.asarray(products, dtype=float)
        y = np.asarray(values, dtype=float)
        if law == "logarithmic":
            x = np.log10(x)
        slope, fixed = np.polyfit(x, y, 1, w=1 / y)
        if law == "linear" and fixed < 0:
            slope, fixed = float(np.mean(y / x)), 0.0
        return cls(float(fixed), float(slope), law)

    def at(self, products: float) -> float:
        return self.fixed + self.slope * (products if self.law == "linear" else math.log10(products))

    def __str__(self) -> str:
        if self.law == "linear":
            return f"{self.fixed:,.4g} + {self.slope * 1e6:,.4g} a million"
        return f"{self.at(1e5):,.3g} at 100,000, {self.slope:+,.3g} for ten times as many"


def series(row: Mapping[str, Any]) -> str:
    """What a row belongs to: only sizes of one engine and one number of dimensions are fitted together."""
    return f"{row['engine']}, {row['dim']} dimensions"


def _rows(measured: Sequence[dict[str, Any]], name: str, key: str) -> list[dict[str, Any]]:
    return [row for row in measured if series(row) == name and key in row]


def fits(measured: Sequence[dict[str, Any]]) -> dict[tuple[str, str], Fit]:
    """By series and figure, where at least two sizes were measured."""
    found = {}
    for name in dict.fromkeys(map(series, measured)):
        for figure in FIGURES:
            rows = _rows(measured, name, figure.key)
            if len({row["products"] for row in rows}) > 1:
                products, values = [row["products"] for row in rows], [row[figure.key] for row in rows]
                found[name, figure.key] = Fit.of(products, values, figure.law)
    return found


def table(measured: Sequence[dict[str, Any]]) -> str:
    """Markdown: each figure's fit, and what it says about SIZES. Sizes that were measured are not repeated here."""
    head = ["", "", "fitted to", "fit", *(f"{size:,}" for size in SIZES)]
    rows = [head, ["---", "---", "---", "---", *("---:" for _ in SIZES)]]
    for (name, key), fit in fits(measured).items():
        figure = next(one for one in FIGURES if one.key == key)
        sizes = sorted({row["products"] for row in _rows(measured, name, key)})
        said = (f"{fit.at(size):,.3g}" if fit.at(size) < 1_000 else f"{fit.at(size):,.0f}" for size in SIZES)
        rows.append([name, figure.title, f"{sizes[0]:,} to {sizes[-1]:,}", str(fit), *said])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def draw(measured: Sequence[dict[str, Any]], path: Path) -> None:
    """One panel a figure; points are measured, lines are fitted, dashes extrapolate."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    drawn = [one for one in FIGURES if any(one.key in row for row in measured)]
    lines = math.ceil(len(drawn) / _COLUMNS)
    figure, grid = plt.subplots(lines, _COLUMNS, figsize=(11, 3.6 * lines), squeeze=False, layout="constrained")
    panels = list(grid.flat)
    for unused in panels[len(drawn) :]:
        unused.axis("off")
    fitted = fits(measured)
    for panel, one in zip(panels, drawn, strict=False):
        for number, name in enumerate(dict.fromkeys(map(series, measured))):
            rows = _rows(measured, name, one.key)
            if not rows:
                continue
            sizes = [row["products"] for row in rows]
            panel.plot(sizes, [row[one.key] for row in rows], "o", color=f"C{number}", label=name)
            if (name, one.key) in fitted:
                fit = fitted[name, one.key]
                within, beyond = _DRAWN[max(sizes) >= _DRAWN], _DRAWN[max(sizes) <= _DRAWN]
                for part, style in ((within, "-"), (beyond, "--")):
                    panel.plot(part, [fit.at(size) for size in part], style, color=f"C{number}")
        if one.limit:
            panel.axhline(one.limit[0], color="0.5", linewidth=1)
            panel.annotate(one.limit[1], (_DRAWN[0], one.limit[0]), va="bottom", color="0.4", fontsize=8)
        panel.set(title=one.title, xlabel="products", xscale="log", yscale="log")
    handles, labels = panels[0].get_legend_handles_labels()
    for panel in panels[1:]:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            if label not in labels:
                handles, labels = [*handles, handle], [*labels, label]
    figure.legend(handles, labels, frameon=False, loc="outside lower left", ncols=len(labels))
    figure.savefig(path, dpi=90)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=INFRA / "scale.json")
    parser.add_argument("--out", type=Path, default=INFRA)
    arguments = parser.parse_args()
    measured = json.loads(arguments.data.read_text(encoding="utf-8"))["measured"]
    draw(measured, arguments.out / "scale.png")
    print(f"{table(measured)}\n\n{scale_limits.table()}")  # noqa: T201


if __name__ == "__main__":
    main()
