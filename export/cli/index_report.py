"""The summary that `vitrine index` prints."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from export.index_catalog import IndexReport

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
    if report.skipped:
        skipped = f"{len(report.skipped):,} photo{'s' * (len(report.skipped) != 1)}"
        table.add_row("Skipped", f"[yellow]{skipped}[/]; full list in {escape(str(report_path))}")
    console.print(table)
    for image, reason in list(report.skipped.items())[:SHOWN]:
        console.print(f"  [yellow]{escape(image)}[/]: {escape(reason)}", soft_wrap=True)
    if len(report.skipped) > SHOWN:
        reasons = Counter(report.skipped.values()).most_common(1)[0]
        console.print(
            f"  ... and {len(report.skipped) - SHOWN:,} more; most often ({reasons[1]}): {escape(reasons[0])}"
        )
