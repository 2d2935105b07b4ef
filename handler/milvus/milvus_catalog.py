"""The products of a Milvus collection."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from handler.milvus.candidates import MilvusCandidates
from handler.milvus.collection import ID, ID_KEY, IMAGE_KEY, LABEL, RETIRED_SUFFIX, key
from handler.milvus.expressions import among, filter_expression

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handler.manifest import CatalogInfo
    from handler.milvus.client import Milvus
    from handler.milvus.rows import Rows
    from handler.products.engine import Product
    from handler.products.filters import Filter

FILTERS_KEPT = 64


class MilvusCatalog:
    """Raises IndexUnavailable where the server does not answer in time."""

    def __init__(self, milvus: Milvus, collection: str, rows: Rows, info: CatalogInfo, *, retired: bool) -> None:
        """`retired` tells whether any product has left the catalog, and with it whether their collection exists."""
        self.info = info
        self._milvus = milvus
        self._collection = collection
        self._rows = rows
        self._retired = retired
        self._passing: OrderedDict[str, MilvusCandidates] = OrderedDict()

    def __len__(self) -> int:
        return self.info.count

    def by_labels(self, labels: Sequence[int]) -> dict[int, Product]:
        return {label: known.product for label, known in self._rows.by_labels(labels).items()}

    def by_id(self, product_id: str) -> Product | None:
        found = self._rows.by_key(ID_KEY, [key(product_id)])
        return next((known.product for known in found if known.product.id == product_id), None)

    def has_image(self, image: str) -> bool:
        found = self._rows.by_key(IMAGE_KEY, [key(image)])
        return any(known.product.image == image for known in found)

    def labels_of(self, ids: Sequence[str]) -> dict[str, int]:
        wanted = set(ids)
        found = self._rows.with_ids(wanted)
        keys = [key(product_id) for product_id in wanted - found.keys()]
        read = self._rows.by_key(ID_KEY, keys)
        found |= {known.product.id: known.product.label for known in read if known.product.id in wanted}
        return found | self._retired_labels(wanted - found.keys())

    def passing(self, wanted: Filter) -> MilvusCandidates:
        expression = filter_expression(wanted, self.info.fields)
        if expression not in self._passing:
            size = self.info.count
            self._passing[expression] = MilvusCandidates(self._milvus, self._collection, self._rows, size, expression)
        self._passing.move_to_end(expression)
        if len(self._passing) > FILTERS_KEPT:
            self._passing.popitem(last=False)
        return self._passing[expression]

    def _retired_labels(self, wanted: set[str]) -> dict[str, int]:
        if not self._retired or not wanted:
            return {}
        keys = [key(product_id) for product_id in wanted]
        rows = self._milvus.query(self._collection + RETIRED_SUFFIX, among(keys, ID_KEY), [LABEL, ID])
        named = {row[ID]: int(row[LABEL]) for row in rows}
        return {product_id: label for product_id, label in named.items() if product_id in wanted}
