"""Found-by-round curves: a row a judge, a panel a shopper, a line an arm, browsing at random dashed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from export.bench.arms import REFERENCE
from export.bench.measures import CURVE_TO
from export.bench.results import INK, MUTED, OURS, TARGET

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.axes import Axes

SHOWN_TO = 30
_COLORS = {"mean": INK, "recency": "#a9a29a", "rocchio": "#d08a2e", "bayes": OURS}
_COLUMNS = 5


def plot_rounds(results: Mapping[str, Any], out: Path, name: str) -> Path:
    """Write `<out>/<name>.png` from the results under each judge."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({"font.size": 10, "text.color": INK, "axes.labelcolor": INK, "xtick.color": INK})
    first = next(iter(results.values()))
    panel_of = [(judge, name, one) for judge, found in results.items() for name, one in found["shoppers"].items()]
    columns = min(_COLUMNS, len(first["shoppers"]))
    lines = -(-len(panel_of) // columns)
    figure, panels = plt.subplots(
        lines, columns, figsize=(3.1 * columns + 1, 2.9 * lines + 1.1), layout="constrained", squeeze=False, sharey=True
    )
    title = f"Rounds of {first['count']} until the target is on the page: {first['catalog']['name']}"
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=12 if columns > 2 else 8)
    for panel, (judge, shopper, one) in zip(panels.flat, panel_of, strict=False):
        _draw(panel, f"{shopper}, by {judge}", one)
    for panel in panels.flat[len(panel_of) :]:
        panel.set_visible(False)
    for row in panels:
        row[0].set_ylabel("share found", size=9)
    handles, labels = panels.flat[0].get_legend_handles_labels()
    spare = len(panel_of) < len(panels.flat)
    where = {"loc": "lower right", "bbox_to_anchor": (0.99, 0.06)} if spare else {"loc": "outside lower left"}
    figure.legend(handles, labels, frameon=False, fontsize=9, ncols=2 if spare else 6, **where)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{name}.png"
    figure.savefig(path, dpi=65)
    plt.close(figure)
    return path


def _draw(axes: Axes, title: str, one: Mapping[str, Any]) -> None:
    rounds = range(1, CURVE_TO + 1)
    for arm, found in one["arms"].items():
        axes.plot(rounds, found["found_by_round"], label=arm, **_style(arm))
    axes.plot(rounds, one["random"]["found_by_round"], label="random, exact", color=TARGET, ls=(0, (4, 3)), lw=1.2)
    best = _best(one)
    summary = f"{best} {one['arms'][best]['mean']['value']:.1f}, {REFERENCE} {_mean(one):.1f}"
    axes.set_title(title, loc="left", fontsize=10, fontweight="bold", pad=16)
    axes.annotate(f"mean: {summary}", (0, 1), (0, 4), "axes fraction", textcoords="offset points", size=8, color=MUTED)
    axes.set_xlim(1, SHOWN_TO)
    axes.set_ylim(0, 1.01)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    axes.set_xticks([1, 5, 10, 15, 20, 25, 30])
    axes.set_xlabel("rounds", size=9)
    axes.grid(axis="y", color="#e6e9ec", lw=0.8)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=0, labelsize=9)


def _best(one: Mapping[str, Any]) -> str:
    means = {str(arm): float(found["mean"]["value"]) for arm, found in one["arms"].items()}
    return min(means, key=means.__getitem__)


def _mean(one: Mapping[str, Any]) -> float:
    return float(one["arms"][str(REFERENCE)]["mean"]["value"])


def _style(arm: str) -> dict[str, Any]:
    """Color is the strategy; dotted is a whole page of similar ones, thin is varied, dash-dotted is another bundle."""
    strategy, _, rest = arm.partition(":")
    line = "-." if "@" in rest else ":" if rest.startswith("10") else "-"
    varied = "+diverse" in rest
    return {
        "color": _COLORS.get(strategy, MUTED),
        "ls": line,
        "lw": 1.0 if varied else 1.9,
        "alpha": 0.6 if varied else 1,
    }
