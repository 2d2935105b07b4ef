"""What the benchmarks of serving show: a table on the terminal, and bars beside the ratio to reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from export.bench.results import INK, MUTED, OURS, TARGET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes


def write_bars(
    out: Path,
    name: str,
    title: str,
    unit: str,
    pairs: Mapping[str, Mapping[str, tuple[float, float]]],
    ratios: Mapping[str, Mapping[str, float]],
    targets: Mapping[str, float],
) -> Path:
    """`<out>/<name>.png`: on the left median (and 90th percentile) of each side, on the right the ratios to reach.

    `pairs` is side -> group -> (median, p90); `ratios` group -> ratio, low, high; `targets` group -> ratio.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({"font.size": 10, "text.color": INK, "axes.labelcolor": INK, "xtick.color": INK})
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), width_ratios=(3, 2), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=12)
    _draw_pairs(left, unit, pairs)
    _draw_ratios(right, ratios, targets)
    figure.legend(frameon=False, loc="outside lower left", ncols=len(pairs))
    path = out / f"{name}.png"
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return path


def write_log_bars(out: Path, name: str, title: str, unit: str, groups: Mapping[str, Mapping[str, float]]) -> Path:
    """`<out>/<name>.png`: one panel a group, one bar a side, on a logarithmic axis."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, len(groups), figsize=(11, 3.6), squeeze=False, layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=12)
    for axes, (group, sides) in zip(panels[0], groups.items(), strict=True):
        ordered = sorted(sides.items(), key=lambda side: side[1], reverse=True)
        bars = axes.barh(
            [side for side, _ in ordered],
            [value for _, value in ordered],
            color=[OURS if side == next(iter(sides)) else "#9db4c0" for side, _ in ordered],
        )
        axes.bar_label(bars, fmt="{:.3g}", padding=3, size=9)
        axes.set_xscale("log")
        axes.margins(x=0.18)
        axes.set_title(group, loc="left", size=10)
        axes.set_xlabel(unit, size=9)
        _tidy(axes)
    path = out / f"{name}.png"
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return path


def print_table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[place]) for row in (header, *rows)) for place in range(len(header))]
    for row in (header, tuple("-" * width for width in widths), *rows):
        cells = zip(row, widths, strict=True)
        print("  ".join(c.ljust(w) if place == 0 else c.rjust(w) for place, (c, w) in enumerate(cells)))


def verdict(ratio: Mapping[str, float], target: float | None) -> str:
    """Whether a ratio is within its target; undecided where the interval holds both answers."""
    if target is None:
        return ""
    if ratio["high"] <= target:
        return f"<= {target}: met"
    return f"<= {target}: NOT MET" if ratio["low"] > target else f"<= {target}: undecided, repeat more"


def _draw_pairs(axes: Axes, unit: str, pairs: Mapping[str, Mapping[str, tuple[float, float]]]) -> None:
    colours = [OURS, "#9db4c0", "#c2d0d7", "#dfe6ea"]
    width = 0.8 / len(pairs)
    for place, (side, groups) in enumerate(pairs.items()):
        medians = [median for median, _ in groups.values()]
        at = [group + (place - (len(pairs) - 1) / 2) * width for group in range(len(groups))]
        above: list[list[float]] = [[0] * len(groups), [max(0, p90 - median) for median, p90 in groups.values()]]
        axes.bar(at, medians, width * 0.92, label=side, color=colours[place % len(colours)])
        axes.errorbar(at, medians, above, fmt="none", ecolor=MUTED, elinewidth=1, capsize=3)
        for x, (_, p90), median in zip(at, groups.values(), medians, strict=True):
            axes.annotate(
                f"{median:.3g}", (x, max(p90, median)), (0, 3), textcoords="offset points", ha="center", size=9
            )
    axes.set_xticks(range(len(next(iter(pairs.values())))), list(next(iter(pairs.values()))))
    axes.set_ylabel(f"{unit}: median, whisker to the 90th percentile", size=9)
    axes.margins(y=0.18)
    _tidy(axes)


def _draw_ratios(axes: Axes, ratios: Mapping[str, Mapping[str, float]], targets: Mapping[str, float]) -> None:
    names = list(ratios)
    for place, name in enumerate(names):
        one = ratios[name]
        axes.plot([one["low"], one["high"]], [place, place], color=OURS, linewidth=2.5, solid_capstyle="round")
        axes.plot(one["ratio"], place, "o", color=OURS, markersize=8)
        axes.annotate(f"{one['ratio']:.2f}", (one["ratio"], place), (0, 9), textcoords="offset points", ha="center")
        if name in targets:
            axes.plot([targets[name]] * 2, [place - 0.3, place + 0.3], color=TARGET, linestyle="--", linewidth=1.2)
            axes.text(targets[name], place - 0.35, f"{targets[name]:g}", color=TARGET, size=9, ha="center", va="top")
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.6, len(names) - 0.3)
    axes.set_xlim(left=min(1.0, *(one["low"] for one in ratios.values())) - 0.05)
    axes.margins(x=0.15)
    axes.set_xlabel("ratio of medians, 95 % interval; dashed: to reach")
    _tidy(axes)


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=0)
