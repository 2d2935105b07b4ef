"""The commands that look after a store of bundles: publish, bundles, rollback, prune."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from export.store.prune import KEEP
from handler.stores.open_store import open_store

if TYPE_CHECKING:
    from export.store.prune import Waste

console = Console(stderr=True, highlight=False)
# Rich takes 80 columns where there is no terminal, and would cut what another program reads.
answer = Console(highlight=False, width=None if sys.stdout.isatty() else 200)

Store = Annotated[str, typer.Argument(metavar="STORE", help="A folder of bundles, or s3://BUCKET/PREFIX.")]


def register(app: typer.Typer) -> None:
    """Add these commands to `vitrine`."""
    for command in (publish, bundles, rollback, prune):
        app.command()(command)


def publish(
    source: Annotated[str, typer.Argument(metavar="BUNDLES", help="Where `vitrine index` put its bundles.")],
    store: Annotated[str, typer.Argument(metavar="STORE", help="Where they go: s3://BUCKET/PREFIX, or a folder.")],
) -> None:
    """Copy the current bundle into another store and make it current there.

    The model goes up once, then the bundle's files, its manifest, and last the pointer: who reads meanwhile sees the
    old bundle or the new one. Run again, it repairs what is damaged there. Of two publishers one wins.
    """
    from export.bundle.publish_bundle import copy_bundle

    with console.status("Publishing"):
        target = open_store(store)
        manifest = copy_bundle(open_store(source), target)
    console.print(
        f"{manifest.version} with {manifest.catalog.count:,} products is current in {escape(target.address)}."
    )


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
        console.print(f"There are no bundles in {escape(opened.address)}.")
        return
    answer.print(table)


def rollback(
    store: Store,
    version: Annotated[
        str | None, typer.Argument(metavar="[VERSION]", help="As `vitrine bundles` shows it; default: the one before.")
    ] = None,
) -> None:
    """Make an older bundle current again. Nothing is deleted; `vitrine rollback STORE VERSION` goes forward, too.

    Handlers switch within their refresh time, and sessions go on.
    """
    from export.store.rollback import roll_back

    before, after = roll_back(open_store(store), version)
    if before == after:
        console.print(f"{after.version} is current already.")
        return
    console.print(f"{after.version} is current; it was {before.version}.")


def prune(
    store: Store,
    keep: Annotated[int, typer.Option(min=1, help="How many of the newest bundles stay, beside the current.")] = KEEP,
    yes: Annotated[bool, typer.Option("--yes", help="Delete; without it, only shows what would be deleted.")] = False,
) -> None:
    """Delete old bundles, models that no bundle uses, and what broken-off runs left behind.

    Never the current bundle, nor the one that tells which labels must not be used again. What looks unfinished goes
    only when it is a day old.
    """
    from export.store.prune import delete, find_waste

    opened = open_store(store)
    current = opened.current().version
    waste = find_waste(opened, keep)
    if not waste:
        console.print(f"Nothing to delete in {escape(opened.address)}.")
        return
    answer.print(_table(waste))
    total = f"{len(waste):,} of these, {decimal(sum(one.size for one in waste))}"
    if not yes:
        console.print(f"{total}, would be deleted. Do it with --yes.")
        return
    delete(opened, waste, current)
    console.print(f"{total}, deleted.")


def _table(waste: list[Waste]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for one in waste:
        table.add_row(escape(one.name), decimal(one.size), escape(one.reason))
    return table
