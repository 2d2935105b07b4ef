"""Waits, with progress, until Milvus has indexed and loaded what was inserted, and shows all of it to a search."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from handler.errors import IndexUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.progress import Progress

    from handler.milvus.client import Milvus

FLUSH_SECONDS = 600
"""To write what was inserted to the server's storage. It takes 3 s, and about 1 s more a gigabyte."""
STALLED_SECONDS = 900.0
"""Without any progress. The server counts rows by segments of up to 1 GB, whose graph takes two cores minutes."""
_POLL_SECONDS = 0.2


def settle_collections(milvus: Milvus, written: Mapping[str, int], progress: Progress) -> None:
    """Wait until collections, by name with the number of rows written, answer searches with every row.

    Raises IndexUnavailable if the server fails, or stops short for STALLED_SECONDS.
    """
    with milvus.translated():
        for name in written:
            milvus.client.flush(name, timeout=FLUSH_SECONDS)
    for name, count in written.items():
        _await(milvus, progress, "Indexing in Milvus", name, count, partial(_indexed, milvus, name))
    with milvus.translated():
        for name in written:
            milvus.client.load_collection(name, timeout=milvus.request_seconds, _async=True)
    for name, count in written.items():
        _await(milvus, progress, "Loading in Milvus", name, count, partial(_loaded, milvus, name))


def _await(
    milvus: Milvus, progress: Progress, description: str, name: str, expected: int, done: Callable[[], int]
) -> None:
    """Wait until `done` says `expected`."""
    task = progress.add_task(description, total=expected)
    best, moved = -1, time.monotonic()
    while (rows := done()) != expected:
        if rows > best:
            best, moved = rows, time.monotonic()
        progress.update(task, completed=rows)
        if time.monotonic() - moved > STALLED_SECONDS:
            raise IndexUnavailable(
                f"{description} at {milvus.address} stands at {rows:,} of {expected:,} rows of {name} for "
                f"{STALLED_SECONDS:,.0f} seconds.",
                value=rows,
                limit=expected,
                remedy="Read the server's log, check its memory and its cores, and run `vitrine index` again.",
            )
        time.sleep(_POLL_SECONDS)
    progress.update(task, completed=expected)


def _indexed(milvus: Milvus, name: str) -> int:
    """Rows that all of the collection's indexes cover."""
    with milvus.translated():
        names = milvus.client.list_indexes(name, timeout=milvus.request_seconds)
        indexes = [milvus.client.describe_index(name, index, timeout=milvus.request_seconds) for index in names]
    return min(int(index["indexed_rows"]) for index in indexes)


def _loaded(milvus: Milvus, name: str) -> int:
    """Rows that a search finds; none before the collection is loaded."""
    from pymilvus.client.types import LoadState

    with milvus.translated():
        state = milvus.client.get_load_state(name, timeout=milvus.request_seconds)["state"]
    return milvus.count(name) if state == LoadState.Loaded else 0
