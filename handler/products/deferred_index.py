"""An index that is opened by the first request that searches: a session's first page is random and needs none."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from numpy.typing import NDArray

    from handler.products.engine import Candidates, Neighbor, NeighborIndex


class DeferredIndex:
    """Stands for the index that `open_index` fetches, verifies and opens, once for all threads.

    Every method but `dim` and `everything` may raise what `open_index` raises, and tries again at the next call.
    """

    def __init__(self, open_index: Callable[[], NeighborIndex], dim: int, everything: Candidates) -> None:
        """`everything` are the catalog's products; `open_index` checks that the index holds the same."""
        self.dim = dim
        self.everything = everything
        self._open_index = open_index
        self._opened: NeighborIndex | None = None
        self._lock = threading.Lock()

    def load(self) -> None:
        self._index().load()

    def nearest(
        self,
        query: NDArray[np.float32],
        count: int,
        *,
        excluded: Collection[int] = (),
        allowed: Candidates | None = None,
    ) -> list[Neighbor]:
        if count <= 0:
            return []
        return self._index().nearest(query, count, excluded=excluded, allowed=allowed)

    def neighborhood(
        self, query: NDArray[np.float32], count: int, *, excluded: Collection[int], allowed: Candidates | None
    ) -> tuple[list[int], NDArray[np.float32]]:
        return self._index().neighborhood(query, count, excluded=excluded, allowed=allowed)

    def expect(self, labels: Collection[int]) -> None:
        """Nothing to do: the vectors will be here."""

    def vectors(self, labels: Sequence[int] | NDArray[np.int64]) -> tuple[list[int], NDArray[np.float32]]:
        if not len(labels):  # a first page asks for none
            return [], np.empty((0, self.dim), dtype=np.float32)
        return self._index().vectors(labels)

    def _index(self) -> NeighborIndex:
        if self._opened is None:
            with self._lock:
                self._opened = self._opened or self._open_index()
        return self._opened
