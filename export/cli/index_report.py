"""The summary that `vitrine index` prints."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rich.console import Console

    from export.index_catalog import IndexReport
    from export.shards.embed_shard import ShardReport

SHOWN = 10


def show_report(report: IndexReport, console: Console, report_path: Path) -> None:
    """Print counts, rate and recall, then why photos were skipped; `report_path` has it all as JSON."""
    table = Table(show_header=False, box=None)
    state = "published" if report.published else "unchanged, nothing to publish"
    table.add_row("Bundle", f"{report.version} ({state})")
    table.add_row("Products", f"{report.products:,} ({report.new:,} new, {report.removed:,} removed)")
    rate = f" at {report.embedded / report.embedding_seconds:.1f} photos/s" if report.embedded else ""
    table.add_row("Embedded", f"{report.embedded:,}{rate}")
    table.add_row("Dimensions", f"{report.dim}")
    table.add_row("Recall@10", f"{report.recall:.4f} with ef={report.ef}")
    table.add_row("Time", f"{report.seconds:.1f} s")
    table.add_row("Memory", f"{report.peak_memory / 1e6:,.0f} MB at most")
    if report.skipped:
        skipped = f"{len(report.skipped):,} photo{'s' * (len(report.skipped) != 1)}"
        table.add_row("Skipped", f"[yellow]{skipped}[/]; full list in {escape(str(report_path))}")
    console.print(table)
    _show_reasons(report.skipped, console)


def show_shard(report: ShardReport, console: Console) -> None:
    """Print what a shard holds, and what an earlier run had left unusable."""
    table = Table(show_header=False, box=None)
    table.add_row("Shard", f"{report.shard}")
    table.add_row("Photos", f"{report.photos:,} ({report.kept:,} embedded earlier)")
    table.add_row("Embedded", f"{report.embedded:,}")
    table.add_row("Time", f"{report.seconds:.1f} s")
    if report.damaged:
        table.add_row("Redone", f"[yellow]{len(report.damaged):,} damaged[/]; the first: {escape(report.damaged[0])}")
    console.print(table)
    _show_reasons(report.unreadable, console)
    console.print(f"When all {report.shard.count} shards are done, merge them with --merge {report.shard.count}.")


def _show_reasons(skipped: Mapping[str, str], console: Console) -> None:
    for image, reason in list(skipped.items())[:SHOWN]:
        console.print(f"  [yellow]{escape(image)}[/]: {escape(reason)}", soft_wrap=True)
    if len(skipped) > SHOWN:
        reason, times = Counter(skipped.values()).most_common(1)[0]
        console.print(f"  ... and {len(skipped) - SHOWN:,} more; most often ({times}): {escape(reason)}")
