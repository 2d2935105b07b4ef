"""A bound on photo searches. They wait in the event loop, not in the threads that other requests need."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from handler.errors import PhotoSearchBusy
from handler.photos.cores import available_cores

if TYPE_CHECKING:
    from collections.abc import Callable

WAITING_PER_WORKER = 4
"""A photo of 25 million pixels takes a core about half a second, so that the last in the queue waits two seconds."""

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


class PhotoQueue:
    """Runs up to `workers` photos at a time in threads; `waiting` more wait as bytes, and others are refused."""

    def __init__(self, workers: int | None = None, waiting: int | None = None) -> None:
        """By default all cores of the container but one, which stays free for pages."""
        self.workers = workers or max(1, available_cores() - 1)
        self.waiting = self.workers * WAITING_PER_WORKER if waiting is None else waiting
        self._limiter = CapacityLimiter(self.workers)
        self._admitted = 0  # the limiter learns of a task only when that task next gets its turn

    def check(self) -> None:
        """Raise PhotoSearchBusy if another photo would find the queue full."""
        if self._admitted >= self.workers + self.waiting:
            raise PhotoSearchBusy(
                f"{self._admitted} photo searches are running or waiting.",
                value=self._admitted,
                limit=self.workers + self.waiting,
                remedy=f"Send the photo again in {PhotoSearchBusy.retry_after} seconds.",
            )

    async def run(
        self, work: Callable[_Parameters, _Result], *args: _Parameters.args, **kwargs: _Parameters.kwargs
    ) -> _Result:
        """The result of `work`, called in a thread. Raises PhotoSearchBusy, and what `work` raises."""
        self.check()
        self._admitted += 1
        try:
            return await run_sync(partial(work, *args, **kwargs), limiter=self._limiter)
        finally:
            self._admitted -= 1
