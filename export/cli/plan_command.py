"""`vitrine plan`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from export.cli.console import answer
from export.planning.deployment import DEFAULT_DIM, INDEX_CORES

if TYPE_CHECKING:
    from export.planning.deployment import Deployment
    from export.planning.suggest import Plan


def plan(
    products: Annotated[int, typer.Option(help="Products in the catalog.")],
    rounds_per_month: Annotated[
        float, typer.Option(help="Pages that shoppers are shown in a month; 1e6 is a million.")
    ],
    dim: Annotated[int, typer.Option(help="Dimensions of a vector in the index, as `vitrine index` reports them.")] = (
        DEFAULT_DIM
    ),
    changes_per_day: Annotated[
        float | None,
        typer.Option(show_default="a thousandth of the products", help="Photos that are new or replaced each day."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, for scripts.")] = False,
) -> None:
    """Estimate which deployment fits a shop: memory, cold start, speed, dollars a month, and the limits that decide.

    It compares one Lambda function, one with fewer dimensions, Milvus on a node, in a cluster and managed, and S3
    Vectors. The first that fits is suggested, because a function that holds its index needs no server.

    Nothing is asked of AWS: prices are list prices of us-east-1 with their dates, and speeds were measured on other
    machines, so read them as orders of magnitude. Beyond the measured sizes they are extrapolated.

    Example: vitrine plan --products 500000 --rounds-per-month 1e6
    """
    from export.planning.deployment import Workload
    from export.planning.suggest import suggest, to_json

    found = suggest(Workload(products, rounds_per_month, dim, changes_per_day))
    if as_json:
        answer.file.write(json.dumps(to_json(found), indent=1) + "\n")
        return
    work = found.workload
    answer.print(
        f"{work.products:,} products of {work.dim} dimensions, {work.rounds:,.0f} rounds a month, "
        f"{work.changed_a_day:,.0f} changes a day; the first index on {INDEX_CORES} cores",
        soft_wrap=True,
    )
    answer.print(_compared(found))
    if found.suggested is None:
        answer.print("No deployment fits. The limits that are reached:")
    else:
        _explain(found.suggested)
        answer.print("The others:")
    for one in found.deployments:
        if one is not found.suggested:
            answer.print(f"  {escape(one.name)}: {escape(_why_not(one))}", soft_wrap=True)


def _compared(found: Plan) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("", "fits"):
        table.add_column(name)
    for name in ("memory", "cold", "round", "index", "$ a month"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in found.deployments:
        table.add_row(
            escape(one.name),
            "suggested" if one is found.suggested else "yes" if one.fits else "no",
            "" if one.memory_gb is None else f"{one.memory_gb:,.1f} GB",
            f"{one.cold_seconds:,.1f} s",
            f"{one.round_ms:.1f} ms",
            f"{one.index_hours:,.1f} h",
            f"{one.month.total:,.2f}" if one.fits else "",
        )
    return table


def _explain(one: Deployment) -> None:
    answer.print(f"\n[bold]{escape(one.name)}[/] ({escape(one.tried)})")
    for limit in one.limits:
        answer.print(f"  {escape(str(limit))}; beyond it: {escape(limit.setting)}", soft_wrap=True)
    for remark in one.remarks:
        answer.print(f"  {escape(remark)}", soft_wrap=True)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    for name, dollars in one.month.lines.items():
        if dollars:
            table.add_row(f"  {name}", f"{dollars:,.2f}")
    table.add_row("  [bold]dollars a month[/]", f"[bold]{one.month.total:,.2f}[/]")
    answer.print(table)


def _why_not(one: Deployment) -> str:
    broken = [str(limit) for limit in one.limits if not limit.holds]
    if broken:
        return "; ".join(broken)
    if not one.suggestible:
        return one.tried
    return f"fits, at {one.month.total:,.2f} dollars a month"
