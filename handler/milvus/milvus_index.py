"""Nearest neighbors in a Milvus collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from handler.milvus.candidates import MilvusCandidates
from handler.milvus.client import MAX_ROWS
from handler.milvus.collection import LABEL
from handler.milvus.expressions import both, without
from handler.milvus.rows import COLUMNS
from handler.products.engine import Neighbor

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from handler.manifest import IndexInfo
    from handler.milvus.client import Milvus
    from handler.milvus.rows import Rows
    from handler.products.engine import Candidates


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
        if count <= 0 or (allowed is not None and not len(allowed)):
            return []
        condition = both(allowed.expression if allowed else "", without(excluded))
        limit, ef = min(count, MAX_ROWS), self._info.ef
        while True:
            found = self._milvus.search(self._collection, query, limit, ef, condition, COLUMNS)
            if len(found) == limit or ef >= MAX_ROWS:
                break
            # A graph search can end before it has met `limit` rows that pass; most of them may be excluded.
            if len(found) >= (allowed or self.everything).count_without(excluded):
                break
            ef = min(8 * ef, MAX_ROWS)
        self._rows.remember(row for _, row in found)
        return [Neighbor(int(row[LABEL]), score) for score, row in found]

    def vectors(self, labels: Sequence[int] | NDArray[np.int64]) -> tuple[list[int], NDArray[np.float32]]:
        wanted = np.asarray(labels, dtype=np.int64).reshape(-1).tolist()
        known = self._rows.by_labels(wanted)
        held = [label for label in wanted if label in known]
        stacked = [known[label].vector for label in held]
        return held, np.asarray(stacked, dtype=np.float32).reshape(len(held), self.dim)

    def search_graph(self, query: NDArray[np.float32], count: int) -> tuple[list[int], list[float]]:
        """Labels and scores without exclusions, to measure recall."""
        found = self._milvus.search(self._collection, query, count, self._info.ef, "", [LABEL])
        return [int(row[LABEL]) for _, row in found], [score for score, _ in found]
