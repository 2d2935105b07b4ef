"""The results as tables: one for each shopper, with a row for each arm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from export.bench.arms import REFERENCE
from export.bench.measures import WITHIN
from export.bench.shoppers import EXPLAINED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console


def show_rounds(judge: str, results: Mapping[str, Any], console: Console) -> None:
    """Print the results under one judge, best mean first, the exact random baseline last."""
    catalog, targets = results["catalog"], results["targets"]
    console.print(
        f"\n[bold]{catalog['name']}, judged by {judge}[/], pages of {results['count']}; {targets['sessions']} sessions "
        f"a shopper and arm ({targets['half']} targets). Brackets are 95% intervals; differences are to "
        f"{REFERENCE}, by session."
    )
    for name, one in results["shoppers"].items():
        console.print(_rounds(name, one))
    for name, one in results["shoppers"].items():
        if any("pages" in arm for arm in one["arms"].values()):
            console.print(_pages(name, one, catalog["categories"]))


def _rounds(name: str, one: Mapping[str, Any]) -> Table:
    table = _table(f"{name}: {EXPLAINED[name.partition(':')[0]]}")
    for column in ("rounds, mean", "median", "p90", *(f"in {limit}" for limit in WITHIN), "difference"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("token, max", justify="right", no_wrap=True)
    capped = any(arm["capped"] for arm in one["arms"].values())
    if capped:
        table.add_column("given up", justify="right")
    for arm, found in sorted(one["arms"].items(), key=lambda pair: float(pair[1]["mean"]["value"])):
        tokens = found["token_chars"]
        row = [arm, _interval(found["mean"], ".2f"), f"{found['median']:.0f}", f"{found['p90']:.0f}"]
        row += _within(found)
        row += ["" if arm == str(REFERENCE) else _interval(found["to_reference"], "+.2f")]
        row += [f"{tokens['mean']:,.0f}, {tokens['max']:,}"]
        table.add_row(*row, *([str(found["capped"])] if capped else []))
    random = one["random"]
    table.add_row(
        "random, exact",
        f"{random['mean']:.2f}",
        str(random["median"]),
        str(random["p90"]),
        *_within(random),
        style="dim",
    )
    return table


def _pages(name: str, one: Mapping[str, Any], categories: int) -> Table:
    rounds = next(iter(one["arms"].values()))["pages"]["rounds"]
    table = _table(f"{name}: the first {rounds} pages, found or not")
    columns = ["alike on a page", "ms a round", f"to {REFERENCE}"]
    if categories > 1:
        columns[1:1] = ["categories on a page", f"all {categories} seen by round", f"seen within {rounds}"]
    for column in columns:
        table.add_column(column, justify="right")
    for arm, found in one["arms"].items():
        pages = found["pages"]
        row = [arm, f"{pages['likeness']:.3f}"]
        if categories > 1:
            row += [f"{pages['categories']:.1f}", f"{pages['all_seen']:.1f}", f"{pages['all_seen_share']:.0%}"]
        table.add_row(*row, f"{pages['milliseconds']:.2f}", f"x {_interval(pages['cost_to_reference'], '.2f')}")
    return table


def _table(title: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("arm", no_wrap=True)
    return table


def _within(found: Mapping[str, Any]) -> Iterator[str]:
    return (f"{found['within'][str(limit)]:.0%}" for limit in WITHIN)


def _interval(value: Mapping[str, float], form: str) -> str:
    return rf"{value['value']:{form}} \[{value['low']:{form}}, {value['high']:{form}}]"
