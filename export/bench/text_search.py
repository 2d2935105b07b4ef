"""Measure the text index: size and build time beside its catalog's, search time beside a scan without an index.

    python -m export.bench.text_search --products 100000

Products have titles such as "Red dress no. 17", a category and a color. Searches for two words: in `all` products have
both, in `any` no product has one of them, so that the other is enough. `common` is a word that all products have. The
scan compares lower-case text.
"""

from __future__ import annotations

import argparse
import contextlib
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from export.bench.line_plot import plot_lines
from export.bench.results import DEFAULT_OUT, INK, MUTED, OURS, TARGET, write_json
from export.bench.serving.published import product_rows
from export.bundle.write_catalog import write_catalog
from export.bundle.write_texts import write_texts
from export.store.assign_labels import NO_LABELS, assign_labels
from handler.words.text_index import TextIndex
from handler.words.text_search import DEPTH

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ALL = (["red", "dress"], ["blue", "shi"], ["sand", "hat"], ["white", "shoes"], ["green", "skirt"], ["black", "short"])
ANY = tuple([first, "unheard"] for first, _ in ALL)
COMMON = (["no"],)
REPEATS = 5
SCAN = "SELECT label FROM products WHERE lower(fields) LIKE ? AND lower(fields) LIKE ? LIMIT ?"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, nargs="+", default=[1_000, 10_000, 100_000], metavar="N")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="directory for the JSON and the plot")
    arguments = parser.parse_args()
    results = [_measure(count) for count in arguments.products]
    path = write_json(arguments.out, "text_search", {"results": results})
    table = Table(
        "products", "index MB", "of catalog", "build to catalog's", "all, ms", "any, ms", "common, ms", "scan to all"
    )
    for one in results:
        table.add_row(
            f"{one['products']:,}",
            f"{one['index_bytes'] / 1e6:.1f}",
            f"{one['index_bytes'] / one['catalog_bytes']:.2f}",
            f"{one['index_seconds'] / one['catalog_seconds']:.2f}",
            f"{one['all_ms']:.2f}",
            f"{one['any_ms']:.2f}",
            f"{one['common_ms']:.2f}",
            f"{one['scan_ms'] / one['all_ms']:.0f}",
        )
    console = Console(width=100)
    console.print(table)
    console.print(f"Written: {path}, {_plot(results, arguments.out)}")


def _measure(count: int) -> dict[str, Any]:
    rows = product_rows(count)
    labels = assign_labels([row.id for row in rows], NO_LABELS)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "catalog.sqlite"
        catalog_seconds = _seconds(lambda: write_catalog(path, rows, labels, ()))
        catalog_bytes = path.stat().st_size
        products = [(labels.current[row.id], row.fields) for row in rows]
        index_seconds = _seconds(lambda: write_texts(path, products, "unicode61"))
        index = TextIndex(path, "unicode61")
        with contextlib.closing(sqlite3.connect(path)) as db:
            return {
                "products": count,
                "catalog_bytes": catalog_bytes,
                "index_bytes": path.stat().st_size - catalog_bytes,
                "catalog_seconds": catalog_seconds,
                "index_seconds": index_seconds,
                "all_ms": _median(lambda words: index.search(words, DEPTH), ALL),
                "any_ms": _median(lambda words: index.search(words, DEPTH), ANY),
                "common_ms": _median(lambda words: index.search(words, DEPTH), COMMON),
                "scan_ms": _median(
                    lambda words: db.execute(SCAN, [*(f"%{word}%" for word in words), count]).fetchall(), ALL
                ),
            }


def _seconds(work: Callable[[], object]) -> float:
    """CPU time of this thread, which does all the work: other processes do not count."""
    started = time.thread_time()
    work()
    return time.thread_time() - started


def _median(search: Callable[[list[str]], object], queries: Sequence[list[str]]) -> float:
    """Median milliseconds of a search, over REPEATS of every query."""
    taken = [_seconds(lambda words=words: search(words)) for _ in range(REPEATS) for words in queries]  # type: ignore[misc]
    return 1_000 * statistics.median(taken)


def _plot(results: Sequence[dict[str, Any]], out: Path) -> Path:
    """`<out>/text_search.png`: search time by the number of products."""
    lines = (
        ("all_ms", "all words", OURS),
        ("any_ms", "any word", INK),
        ("common_ms", "a word that all products have", TARGET),
        ("scan_ms", "scan without an index", MUTED),
    )
    return plot_lines(
        out / "text_search.png",
        results,
        "products",
        lines,
        logarithmic=True,
        xlabel="products",
        ylabel="median CPU time, ms",
    )


if __name__ == "__main__":
    main()
