"""The bundle that a process serves from, replaced between requests when another one is published."""

from __future__ import annotations

import gc
import logging
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from handler.errors import CacheTooSmall, VitrineError
from handler.open_bundle import OpenBundle

if TYPE_CHECKING:
    from collections.abc import Callable

    from handler.metrics import Metrics
    from handler.milvus.client import Milvus
    from handler.stores.pointer import Current, Pointer
    from handler.stores.store import BundleStore

logger = logging.getLogger(__name__)

PROCESS_MEGABYTES = 300
"""Memory of a process apart from its indexes: Python, the libraries and requests. Measured: 140 MB, and headroom."""


class Stale(NamedTuple):
    """Why the process still serves from an older bundle, or cannot tell which one is current."""

    code: str
    """Of the error that the last refresh met."""
    seconds: float
    """Since the first of the refreshes that failed in a row."""


class CurrentBundle:
    """Opens the current bundle at the first request, and asks for a newer one at most every `refresh_seconds`."""

    def __init__(
        self,
        store: BundleStore,
        refresh_seconds: float,
        metrics: Metrics,
        memory_megabytes: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        milvus: Milvus | None = None,
    ) -> None:
        """`memory_megabytes` is the process's limit; two indexes that exceed it are never in memory together.

        `milvus` is the server that holds the products of bundles which name a collection.
        """
        self._store = store
        self._milvus = milvus
        self._refresh_seconds = refresh_seconds
        self._metrics = metrics
        self._memory_megabytes = memory_megabytes
        self._clock = clock
        self._lock = threading.Lock()
        self._bundle: OpenBundle | None = None
        self._serving: Current | None = None
        self._pointer: Pointer | None = None
        self._checked_at = float("-inf")
        self._failing: tuple[str, float] | None = None
        self._too_large: tuple[str, str] | None = None

    @property
    def due(self) -> bool:
        """Whether it is time to ask the store which bundle is current."""
        return self._bundle is None or self._clock() - self._checked_at >= self._refresh_seconds

    @property
    def stale(self) -> Stale | None:
        """None while the last refresh succeeded."""
        return self._failing and Stale(self._failing[0], self._clock() - self._failing[1])

    def get(self) -> OpenBundle:
        """The current bundle. A new one is opened and loaded beside the old one, which stays if that fails.

        Where the disk or the memory cannot hold both, the old one is released first, and opened again if the new one
        does not open. Raises BundleError, or an OSError, only if there is no bundle to serve from.
        """
        # No local variable may hold the old bundle during a refresh: it would keep the space that has to be released.
        if not self.due and (serving := self._bundle):
            return serving
        if not self._lock.acquire(blocking=False):
            if serving := self._bundle:
                return serving  # another thread is refreshing, perhaps from a store that takes seconds to answer
            self._lock.acquire()
        try:
            if self.due:
                self._refresh()
            assert self._bundle is not None  # noqa: S101  _refresh raises otherwise
            return self._bundle
        finally:
            self._lock.release()

    def forget_when_checked(self) -> None:
        """Ask the store again at the next request: a process restored from a snapshot may have slept for days."""
        self._checked_at = float("-inf")

    def _refresh(self) -> None:
        try:
            pointer = self._store.current(self._pointer)
            if self._bundle is None or not self._serves(pointer.current):
                self._switch_to(pointer.current)
                self._serving = pointer.current
            self._pointer = pointer
            self._failing = None
        except (VitrineError, OSError) as error:
            if self._bundle is None:
                raise
            self._record(error, self._bundle.version)
        self._checked_at = self._clock()

    def _record(self, error: VitrineError | OSError, version: str) -> None:
        code = error.code if isinstance(error, VitrineError) else "cache_unusable"
        self._failing = (code, self._failing[1] if self._failing else self._clock())
        self._metrics.put(RefreshFailures=1, StaleSeconds=self._clock() - self._failing[1])
        logger.error("staying with bundle %s: %s: %s", version, code, str(error))

    def _serves(self, wanted: Current) -> bool:
        serving = self._serving
        return (
            serving is not None
            and serving.version == wanted.version
            and wanted.manifest_sha256 in (None, serving.manifest_sha256)
        )

    def _open(self, current: Current, *, cold: bool = False) -> OpenBundle:
        """A cold process defers the index, which its first page does not need, and has no older bundle to keep."""
        return OpenBundle(self._store, current.version, current.manifest_sha256, self._milvus, defer_index=cold)

    def _switch_to(self, wanted: Current) -> None:
        if self._bundle is None or self._serving is None:
            try:
                self._bundle = self._open(wanted, cold=self._serving is None)
            except (VitrineError, OSError):
                if self._serving is None:
                    raise
                self._bundle = self._open(self._serving)  # it was released before, and could not be opened again
                raise
            return
        if self._too_large and self._too_large[0] == wanted.version:
            # The old bundle was released for it in vain before; every refresh would do so again.
            raise CacheTooSmall(self._too_large[1])
        try:
            opened = self._open(wanted)
        except CacheTooSmall:
            self._release()
            opened = self._open_alone(wanted, self._serving)
        if self._bundle and not self._both_fit(self._bundle, opened):
            self._release()
        try:
            opened.load()
        except (VitrineError, OSError):
            self._bundle = self._bundle or self._open(self._serving)
            raise
        self._bundle = opened

    def _release(self) -> None:
        """Close the bundle in service, unless a request is still using it."""
        self._bundle = None
        # The error of a download that failed keeps its frames, and so a bundle, alive in a reference cycle.
        gc.collect()

    def _open_alone(self, wanted: Current, serving: Current) -> OpenBundle:
        """Open `wanted` with the old bundle released; open `serving` again if that fails."""
        try:
            return self._open(wanted)
        except (VitrineError, OSError) as error:
            if isinstance(error, CacheTooSmall):
                self._too_large = (wanted.version, str(error))
            self._bundle = self._open(serving)
            raise

    def _both_fit(self, old: OpenBundle, new: OpenBundle) -> bool:
        needed = (old.index_bytes + new.index_bytes) / 1e6 + PROCESS_MEGABYTES
        return self._memory_megabytes is None or needed <= self._memory_megabytes
