"""Products and vectors by label, kept after they were read once: a collection never changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from handler.milvus.client import MAX_ROWS
from handler.milvus.collection import FIELDS, ID, IMAGE, LABEL, SLOT, VECTOR
from handler.milvus.expressions import among, either
from handler.products.engine import Product

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from numpy.typing import NDArray

    from handler.milvus.client import Milvus, Row

ROWS_KEPT = 4_096
"""8 MB at 384 dimensions: the products of some hundred sessions, however large the catalog is."""
HELD_KEPT = 65_536
"""6 MB: labels of which it is known whether the collection has them."""
EXPECTED_KEPT = 1_024
COLUMNS = (LABEL, VECTOR, ID, IMAGE, FIELDS)


class Known(NamedTuple):
    product: Product
    vector: NDArray[np.float32]


class Rows:
    """The rows of one collection that were read last. Safe to use from several threads.

    A request takes milliseconds however few rows it reads, and a page's labels come from several places. So each place
    says which rows it expects to be wanted, and the first request that reads rows reads those, too.

    This request follows the search, which names the similar products. For both at once, the search would have to return
    rows itself, and such a search alone takes a busy Milvus 2.3.5 nearly as long as the two in turn: 5.5 to 6.0 ms, not
    6.4, with 50,000 products of which 110 are seen.
    """

    def __init__(self, milvus: Milvus, collection: str, complete_below: int = 0) -> None:
        """The collection holds every label below `complete_below`, which is 0 if that is not known."""
        self._complete_below = complete_below
        self._milvus = milvus
        self._collection = collection
        self._known: OrderedDict[int, Known] = OrderedDict()
        self._label_by_id: dict[str, int] = {}
        """Of the rows in `_known`."""
        self._held: dict[int, bool] = {}
        self._expected: set[int] = set()
        self._lock = threading.Lock()

    def expect(self, labels: Iterable[int]) -> None:
        """Let the next request for rows read these, too."""
        with self._lock:
            self._expected.update(label for label in labels if label not in self._known)
            if len(self._expected) > EXPECTED_KEPT:
                self._expected.clear()  # nobody asked for them: whoever needs one reads it then

    def by_labels(self, labels: Iterable[int]) -> dict[int, Known]:
        """Those of `labels` that the collection holds, in the order given. Raises IndexUnavailable."""
        wanted = list(dict.fromkeys(map(int, labels)))
        with self._lock:
            found = {label: self._known[label] for label in wanted if label in self._known}
            missing = [label for label in wanted if label not in found and self._held.get(label, True)]
        if missing:
            missing = list({*missing, *self._take_expected()})
        for start in range(0, len(missing), MAX_ROWS):
            chunk = missing[start : start + MAX_ROWS]
            read = self.remember(self._milvus.query(self._collection, among(chunk), COLUMNS))
            self._note(chunk, read)
            found |= read
        return {label: found[label] for label in wanted if label in found}

    def at_slots(self, slots: Collection[int]) -> dict[int, int]:
        """Labels by slot. Their rows are remembered afterwards. Raises IndexUnavailable."""
        expected = self._take_expected()
        condition = either(among(slots, SLOT), among(expected) if expected else "")
        rows = self._milvus.query(self._collection, condition, [*COLUMNS, SLOT])
        self.remember(rows)
        return {int(row[SLOT]): int(row[LABEL]) for row in rows}

    def by_key(self, column: str, keys: Sequence[int]) -> list[Known]:
        """Rows whose `column` holds one of `keys`, and maybe others. Raises IndexUnavailable."""
        if not keys:
            return []
        expected = self._take_expected()
        condition = either(among(keys, column), among(expected) if expected else "")
        return list(self.remember(self._milvus.query(self._collection, condition, COLUMNS)).values())

    def held(self, labels: Collection[int]) -> set[int]:
        """Those of `labels` that the collection holds; reads no rows. Raises IndexUnavailable."""
        with self._lock:
            answers = {label: 0 <= label < self._complete_below or self._held.get(label) for label in labels}
        unknown = [label for label, answer in answers.items() if answer is None]
        held = {label for label, answer in answers.items() if answer}
        for start in range(0, len(unknown), MAX_ROWS):
            chunk = unknown[start : start + MAX_ROWS]
            read = {int(row[LABEL]) for row in self._milvus.query(self._collection, among(chunk), [LABEL])}
            self._note(chunk, read)
            held |= read
        return held

    def with_ids(self, ids: Iterable[str]) -> dict[str, int]:
        """Labels by id, of the products that are remembered; the cost depends on `ids`, not on how many those are."""
        with self._lock:
            return {one: self._label_by_id[one] for one in ids if one in self._label_by_id}

    def remember(self, rows: Iterable[Row]) -> dict[int, Known]:
        """Rows that have COLUMNS, by label."""
        found = {int(row[LABEL]): _parsed(row) for row in rows}
        with self._lock:
            for label, known in found.items():
                self._known[label] = known
                self._known.move_to_end(label)
                self._label_by_id[known.product.id] = label
            while len(self._known) > ROWS_KEPT:
                _, oldest = self._known.popitem(last=False)
                del self._label_by_id[oldest.product.id]
        self._note(found, found)
        return found

    def forget(self) -> None:
        """Be as a process that has read nothing: for measuring."""
        with self._lock:
            self._known.clear()
            self._label_by_id.clear()
            self._held.clear()
            self._expected.clear()

    def _take_expected(self) -> set[int]:
        with self._lock:
            expected, self._expected = self._expected, set()
        return expected

    def _note(self, asked: Collection[int], read: Collection[int]) -> None:
        """Keep in mind which of the labels asked for the collection holds."""
        with self._lock:
            if len(self._held) + len(asked) > HELD_KEPT:
                self._held.clear()
            self._held.update((label, label in read) for label in asked)


def _parsed(row: Row) -> Known:
    product = Product(int(row[LABEL]), row[ID], row[IMAGE], row[FIELDS])
    return Known(product, np.asarray(row[VECTOR], dtype=np.float32))
