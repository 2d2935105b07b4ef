"""Nearest neighbors in a Milvus collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from handler.milvus.candidates import MilvusCandidates
from handler.milvus.client import MAX_ROWS
from handler.milvus.expressions import both, without
from handler.products.engine import Neighbor

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from handler.manifest import IndexInfo
    from handler.milvus.client import Milvus
    from handler.milvus.rows import Rows
    from handler.products.engine import Candidates

QUERIES_ASKED = 50
"""Searches in one request that measures recall. A request for each of them takes twenty times as long."""


class MilvusIndex:
    """The vectors of one collection. Each method raises IndexUnavailable where the server does not answer in time."""

    def __init__(self, milvus: Milvus, collection: str, rows: Rows, info: IndexInfo) -> None:
        """Asks nothing of the server yet."""
        self.dim = info.dim
        self.everything = MilvusCandidates(milvus, collection, rows, info.count)
        self._milvus = milvus
        self._collection = collection
        self._rows = rows
        self._info = info

    def load(self) -> None:
        """Raise IndexUnavailable unless the collection is loaded and has all its rows."""
        self._milvus.require_rows(self._collection, self._info.count)

    def nearest(
        self,
        query: NDArray[np.float32],
        count: int,
        *,
        excluded: Collection[int] = (),
        allowed: Candidates | None = None,
    ) -> list[Neighbor]:
        assert allowed is None or isinstance(allowed, MilvusCandidates)  # noqa: S101  the same engine's catalog made it
        candidates = self.everything if allowed is None else allowed
        if count <= 0 or not len(candidates):
            return []
        count = min(count, MAX_ROWS)
        if count + len(excluded) <= MAX_ROWS:
            best = self._nearest(query, count, excluded, candidates, candidates.expression)
        else:  # more than an answer can hold: the server has to leave them out, which takes it longer
            best = self._nearest(query, count, (), candidates, both(candidates.expression, without(excluded)))
        self.expect([neighbor.label for neighbor in best])
        return best

    def neighborhood(
        self, query: NDArray[np.float32], count: int, *, excluded: Collection[int], allowed: Candidates | None
    ) -> tuple[list[int], NDArray[np.float32]]:
        found = self.nearest(query, count, excluded=excluded, allowed=allowed)
        return self.vectors([neighbor.label for neighbor in found])

    def _nearest(
        self,
        query: NDArray[np.float32],
        count: int,
        excluded: Collection[int],
        candidates: MilvusCandidates,
        expression: str,
    ) -> list[Neighbor]:
        """Asks for more than `count` and drops those excluded, as HnswIndex does.

        To leave 5,000 labels out, an expression takes the server 30 ms, and a search that is this much deeper 10 ms.
        """
        enough = min(len(candidates), count + len(excluded))
        ask, ef = min(enough, 2 * count + len(excluded) // 2), self._info.ef
        while True:
            [found] = self._milvus.search(self._collection, query[None], ask, ef, expression)
            pairs = zip(found.labels, found.scores, strict=True)
            best = [Neighbor(label, score) for label, score in pairs if label not in excluded][:count]
            if len(best) == count:
                return best
            if len(found.labels) == ask < enough:
                ask = min(enough, 4 * ask)
            elif len(found.labels) < ask and ef < MAX_ROWS:
                # A graph search can end before it has met so many rows that pass.
                ef = min(8 * max(ef, ask), MAX_ROWS)
            else:
                return best

    def expect(self, labels: Collection[int]) -> None:
        self._rows.expect(labels)

    def vectors(self, labels: Sequence[int] | NDArray[np.int64]) -> tuple[list[int], NDArray[np.float32]]:
        wanted = np.asarray(labels, dtype=np.int64).reshape(-1).tolist()
        known = self._rows.by_labels(wanted)
        held = [label for label in wanted if label in known]
        stacked = [known[label].vector for label in held]
        return held, np.asarray(stacked, dtype=np.float32).reshape(len(held), self.dim)

    def graph_scores(self, queries: NDArray[np.float32], count: int) -> Iterator[list[float]]:
        """For each of `queries` (n, dim), the scores of up to `count` neighbors without exclusions: for measuring."""
        for start in range(0, len(queries), QUERIES_ASKED):
            block = queries[start : start + QUERIES_ASKED]
            for found in self._milvus.search(self._collection, block, count, self._info.ef):
                yield found.scores
