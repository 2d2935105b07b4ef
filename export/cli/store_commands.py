"""Commands that manage the bundles of a store: publish, tune, bundles, rollback, prune."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer evaluates the annotations
from typing import TYPE_CHECKING, Annotated

import typer
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from export.cli.console import answer, console
from export.store.prune import KEEP
from handler.errors import ConfigurationError
from handler.stores.open_store import open_store

if TYPE_CHECKING:
    from export.store.prune import Waste


ENGINE_HELP = "A Milvus server for vectors and products, instead of the bundle's files: milvus+http://HOST:PORT."
Engine = Annotated[str | None, typer.Option(metavar="ADDRESS", envvar="VITRINE_INDEX", help=ENGINE_HELP)]
Store = Annotated[str, typer.Argument(metavar="STORE", help="Store of the bundles: a directory or s3://BUCKET/PREFIX.")]


def register(app: typer.Typer) -> None:
    """Add these commands to `vitrine`."""
    for command in (publish, bundles, rollback, prune, tune):
        app.command()(command)


def publish(
    source: Annotated[str, typer.Argument(metavar="BUNDLES", help="Store that `vitrine index` wrote to.")],
    store: Annotated[str, typer.Argument(metavar="STORE", help="Target store: s3://BUCKET/PREFIX or a directory.")],
) -> None:
    """Copy the current bundle into another store and make it current there.

    The pointer moves last, so readers see either the old bundle or the new one. Running it again repairs damaged files
    in the target. If two publishers race, one succeeds and the other fails with an error.
    """
    from export.bundle.publish_bundle import copy_bundle

    with console.status("Publishing"):
        target = open_store(store)
        manifest = copy_bundle(open_store(source), target)
    console.print(
        f"{manifest.version} with {manifest.catalog.count:,} products is current in {escape(target.address)}."
    )


def tune(
    store: Store,
    by: Annotated[
        str | None, typer.Option(metavar="FIELD", help="Field whose values say which products are alike.")
    ] = None,
    by_events: Annotated[
        Path | None,
        typer.Option(metavar="LOG", help="Log of this shop's events, JSON lines: what shoppers liked on each page."),
    ] = None,
) -> None:
    """Tune the vectors of the current bundle to a field or to shoppers' likes, and publish the result.

    Pass either --by or --by-events. Nothing changes unless tuning gains on held-out products and loses nothing on
    held-out kinds of product. Running sessions end. Later index runs keep the tuned projection; `vitrine index --refit`
    drops it.
    """
    from export.bundle.tune_by_events import tune_by_events
    from export.bundle.tune_by_field import tune_by_field
    from export.terminal import progress_bar

    opened = open_store(store)
    with progress_bar(console) as progress:
        if by is not None and by_events is None:
            tuning = tune_by_field(opened, by, progress)
            measure, groups = "Neighbors of the same kind among ten", "kinds"
        elif by_events is not None and by is None:
            tuning, evidence = tune_by_events(opened, by_events, progress)
            measure, groups = "Products passed over that are farther from earlier likes than the liked one", "regions"
            console.print(
                f"{evidence.choices:,} choices in {evidence.sessions:,} sessions; "
                f"{evidence.broken:,} damaged lines, {evidence.unknown:,} unknown products."
            )
        else:
            raise ConfigurationError("Pass either --by FIELD or --by-events LOG.", field="by")
    trial = tuning.trial
    console.print(
        f"{measure}, before and after: held-out products {trial.products[0]:.3f}, {trial.products[1]:.3f}; "
        f"held-out {groups} {trial.groups[0]:.3f}, {trial.groups[1]:.3f}."
    )
    if tuning.manifest is None:
        console.print("Tuning does not help on both: nothing was changed.")
    else:
        console.print(f"{tuning.manifest.version} is current in {escape(store)}.")


def bundles(store: Store) -> None:
    """List the bundles of a store, newest first."""
    from export.store.versions import list_versions

    table = Table(box=None, pad_edge=False)
    for name in ("", "version", "created (UTC)", "products", "recall", "size"):
        table.add_column(name, justify="right" if name in ("products", "recall", "size") else "left", no_wrap=True)
    opened = open_store(store)
    versions = list_versions(opened)
    for version in versions:
        manifest = version.manifest
        table.add_row(
            "current" if version.current else "",
            version.name,
            f"{version.created_at:%Y-%m-%d %H:%M}",
            f"{manifest.catalog.count:,}" if manifest else "",
            f"{manifest.index.recall.value:.4f}" if manifest else escape(version.problem or ""),
            decimal(version.size),
        )
    if not versions:
        console.print(f"No bundles in {escape(opened.address)}.")
        return
    answer.print(table)


def rollback(
    store: Store,
    version: Annotated[
        str | None,
        typer.Argument(
            metavar="[VERSION]", show_default="the previous one", help="Version, as listed by `vitrine bundles`."
        ),
    ] = None,
) -> None:
    """Make an older bundle current again; with VERSION, any bundle.

    Nothing is deleted. Handlers switch within their refresh interval, and running sessions continue.
    """
    from export.store.rollback import roll_back

    before, after = roll_back(open_store(store), version)
    if before == after:
        console.print(f"{after.version} is already current.")
        return
    console.print(f"{after.version} is now current; it was {before.version}.")


def prune(
    store: Store,
    keep: Annotated[int, typer.Option(min=1, help="Number of newest bundles to keep besides the current one.")] = KEEP,
    engine: Engine = None,
    yes: Annotated[bool, typer.Option("--yes", help="Delete the files; without this, only list them.")] = False,
) -> None:
    """Delete old bundles, unused models and leftovers of interrupted runs.

    The current bundle is always kept, and so is the one that records which labels are taken. Unfinished files are
    deleted once they are a day old.
    """
    from export.store.collections import Collections
    from export.store.prune import delete, find_waste

    opened = open_store(store)
    current = opened.current().version
    collections = Collections.at(engine, opened.address) if engine else None
    waste = find_waste(opened, keep, collections=collections)
    if not waste:
        console.print(f"Nothing to delete in {escape(opened.address)}.")
        return
    answer.print(_table(waste))
    total = f"{len(waste):,} of these, {decimal(sum(one.size for one in waste))}"
    if not yes:
        console.print(f"{total}, would be deleted. Rerun with --yes to delete.")
        return
    delete(opened, waste, current, collections)
    console.print(f"{total}, deleted.")


def _table(waste: list[Waste]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for one in waste:
        table.add_row(escape(one.name), decimal(one.size), escape(one.reason))
    return table
