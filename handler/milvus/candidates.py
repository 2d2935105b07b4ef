"""The products of a collection that a page may show: all of them, or those that pass a filter."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from handler.milvus.client import MAX_ROWS
from handler.milvus.collection import LABEL, SLOT
from handler.milvus.expressions import among, both
from handler.products.labels import LabelSet

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Iterable

    from handler.milvus.client import Milvus
    from handler.milvus.rows import Rows

SLOTS_ASKED = 4_000
"""Random slots in one request, at most."""


class MilvusCandidates:
    """Up to MAX_ROWS candidates are kept as a set of labels; of more, only the expression."""

    def __init__(self, milvus: Milvus, collection: str, rows: Rows, size: int, expression: str = "") -> None:
        """`size` is the number of rows in the collection, `expression` admits the candidates among them."""
        self.expression = expression
        self._milvus = milvus
        self._collection = collection
        self._rows = rows
        self._size = size

    def __len__(self) -> int:
        return self._count

    @cached_property
    def _count(self) -> int:
        return self._milvus.count(self._collection, self.expression) if self.expression else self._size

    @cached_property
    def _few(self) -> LabelSet | None:
        if self._count > MAX_ROWS:
            return None
        # Every expression that Milvus evaluates needs a condition; all labels are above -1.
        rows = self._milvus.query(self._collection, self.expression or f"{LABEL} > -1", [LABEL])
        return LabelSet(np.asarray([row[LABEL] for row in rows], dtype=np.int64))

    def among(self, labels: Iterable[int]) -> set[int]:
        if not self.expression:
            return self._rows.held(list(labels))
        if self._few is not None:
            return self._few.among(labels)
        rows = self._milvus.query(self._collection, both(self.expression, among(labels)), [LABEL])
        return {int(row[LABEL]) for row in rows}

    def count_without(self, shown: Collection[int]) -> int:
        if not self.expression:
            return self._size - len(self._rows.held(shown))
        if self._few is not None:
            return self._few.count_without(shown)
        if not shown:
            return len(self)
        return len(self) - self._milvus.count(self._collection, both(self.expression, among(shown)))

    def draw(self, count: int, shown: Collection[int], rng: random.Random) -> list[int]:
        """Rejection sampling over random slots, which is exact: a slot is one product, and each is as probable."""
        if self._few is not None:
            drawn = self._few.draw(count, shown, rng)
            self._rows.expect(drawn)
            return drawn
        # Counting is a request of its own, and decides nothing while most candidates are left.
        left = len(self) - len(shown)
        if 2 * left < len(self) or left < count:
            left = self.count_without(shown)
        wanted = min(count, left)
        drawn = []
        tried: set[int] = set()
        while len(drawn) < wanted:
            asked = _enough(wanted - len(drawn), left / self._size)
            fresh = [slot for slot in _distinct(asked, self._size, rng) if slot not in tried]
            tried.update(fresh)
            found = self._at_slots(fresh)
            passing = [found[slot] for slot in fresh if slot in found and found[slot] not in shown]
            drawn += passing[: wanted - len(drawn)]
        return drawn

    def _at_slots(self, slots: Collection[int]) -> dict[int, int]:
        """The candidates at these slots: labels by slot. Their rows are read now, or with the next rows."""
        if not slots:
            return {}
        if not self.expression:
            return self._rows.at_slots(slots)
        condition = both(self.expression, among(slots, SLOT))
        found = {
            int(row[SLOT]): int(row[LABEL]) for row in self._milvus.query(self._collection, condition, [LABEL, SLOT])
        }
        self._rows.expect(found.values())
        return found


def _enough(wanted: int, share: float) -> int:
    """Random slots of which `wanted` are probably accepted (in 97 of 100 cases), if `share` of all slots are."""
    return min(SLOTS_ASKED, math.ceil((wanted + 2 * math.sqrt(wanted * (1 - share))) / share))


def _distinct(count: int, size: int, rng: random.Random) -> list[int]:
    """Up to `count` different numbers below `size`, each equally probable, in random order."""
    return list(dict.fromkeys(rng.randrange(size) for _ in range(count)))
