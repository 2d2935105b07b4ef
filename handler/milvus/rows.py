"""Products and vectors by label, kept after they were read once: a collection never changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from handler.milvus.client import MAX_ROWS
from handler.milvus.collection import FIELDS, ID, IMAGE, LABEL, VECTOR
from handler.milvus.expressions import among
from handler.products.engine import Product
from handler.products.json_text import JsonText

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from handler.milvus.client import Milvus, Row

ROWS_KEPT = 4_096
"""8 MB at 384 dimensions: the products of some hundred sessions, however large the catalog is."""
COLUMNS = (LABEL, VECTOR, ID, IMAGE, FIELDS)


class Known(NamedTuple):
    product: Product
    vector: NDArray[np.float32]


class Rows:
    """The rows of one collection that were read last. Safe to use from several threads."""

    def __init__(self, milvus: Milvus, collection: str) -> None:
        self._milvus = milvus
        self._collection = collection
        self._known: OrderedDict[int, Known] = OrderedDict()
        self._lock = threading.Lock()

    def by_labels(self, labels: Iterable[int]) -> dict[int, Known]:
        """Those of `labels` that the collection holds. Raises IndexUnavailable."""
        wanted = list(dict.fromkeys(map(int, labels)))
        with self._lock:
            found = {label: self._known[label] for label in wanted if label in self._known}
        missing = [label for label in wanted if label not in found]
        for start in range(0, len(missing), MAX_ROWS):
            chunk = missing[start : start + MAX_ROWS]
            found |= self.remember(self._milvus.query(self._collection, among(chunk), COLUMNS))
        return found

    def by_key(self, column: str, keys: Sequence[int]) -> dict[int, Known]:
        """Rows by label whose `column` holds one of `keys`. Raises IndexUnavailable."""
        return self.remember(self._milvus.query(self._collection, among(keys, column), COLUMNS)) if keys else {}

    def with_ids(self, ids: Iterable[str]) -> dict[str, int]:
        """Labels by id, of the products that are remembered."""
        wanted = set(ids)
        with self._lock:
            return {known.product.id: label for label, known in self._known.items() if known.product.id in wanted}

    def remember(self, rows: Iterable[Row]) -> dict[int, Known]:
        """Rows that have COLUMNS, by label."""
        found = {int(row[LABEL]): _parsed(row) for row in rows}
        with self._lock:
            for label, known in found.items():
                self._known[label] = known
                self._known.move_to_end(label)
            while len(self._known) > ROWS_KEPT:
                self._known.popitem(last=False)
        return found


def _parsed(row: Row) -> Known:
    product = Product(int(row[LABEL]), row[ID], row[IMAGE], JsonText(row[FIELDS]))
    return Known(product, np.asarray(row[VECTOR], dtype=np.float32))
