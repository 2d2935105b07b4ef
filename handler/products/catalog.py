"""The products of a bundle: labels, ids, fields, and the products that pass a filter."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

from handler.products.engine import Product
from handler.products.filters import to_sql
from handler.products.labels import LabelSet
from handler.products.sqlite_file import SqliteFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from handler.manifest import CatalogInfo
    from handler.products.filters import Filter

SCHEMA = """
CREATE TABLE products (
    label INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    image TEXT NOT NULL,          -- path below the photos' root, with forward slashes
    fields TEXT NOT NULL          -- JSON object
) STRICT;
CREATE INDEX products_by_image ON products (image);
CREATE TABLE retired (            -- products that are gone; their labels are never handed out again
    label INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE field_values (
    field INTEGER NOT NULL,       -- position in the manifest's list of fields
    value ANY NOT NULL,           -- text, real, or 0 and 1
    label INTEGER NOT NULL,
    PRIMARY KEY (field, value, label)
) STRICT, WITHOUT ROWID;
"""
FILTERS_KEPT = 64
RECENT = 10_000
"""Products kept in memory, about 6 MB: an answer names products of the page before, reasons those liked."""
MAPPED_BYTES = 2**31
"""Pages of the file within this are read in place: a quarter faster, and processes share them."""
_CHUNK = 500  # well below SQLite's limit on bound parameters


class Catalog:
    """Read-only view of a bundle's verified `catalog.sqlite`. Every method raises BundleCorrupt for a crafted one."""

    def __init__(self, path: Path, info: CatalogInfo) -> None:
        """Raises BundleCorrupt if the file is not a catalog."""
        self.info = info
        self._passing: OrderedDict[str, LabelSet] = OrderedDict()
        self._recent: dict[int, Product] = {}
        self._recent_labels: dict[str, int] = {}
        self._file = SqliteFile(path, self)
        self._file.rows(f"PRAGMA mmap_size = {MAPPED_BYTES}")
        self._file.rows("SELECT 1 FROM products, field_values, retired LIMIT 1")

    def __len__(self) -> int:
        return self.info.count

    def labels(self) -> NDArray[np.int64]:
        """The labels of all products (n,), ascending.

        SQLite concatenates them into one text, which numpy parses: 8 ms for 100,000 products. Fetching a row per
        label takes 26 ms.
        """
        # The cast makes a number of whatever a crafted file has in this place.
        ((text,),) = self._file.rows("SELECT group_concat(CAST(label AS INTEGER)) FROM products")
        labels = self._in_range(np.sort(np.fromstring(text or "", dtype=np.int64, sep=",")))
        if len(labels) != self.info.count:
            raise self._file.corrupt(f"it has {len(labels):,} products, its manifest says {self.info.count:,}")
        return labels

    def by_labels(self, labels: Sequence[int]) -> dict[int, Product]:
        """Those of `labels` that are still in the catalog, with their products."""
        recent = self._recent
        known = {label: product for label in labels if (product := recent.get(label))}
        missing = [label for label in labels if label not in known]
        read = self._products("label", missing)
        self._keep(read)
        return known | {product.label: product for product in read}

    def by_id(self, product_id: str) -> Product | None:
        return next(iter(self._products("id", [product_id])), None)

    def has_image(self, image: str) -> bool:
        return bool(self._file.rows("SELECT 1 FROM products WHERE image = ? LIMIT 1", [image]))

    def labels_of(self, ids: Sequence[str]) -> dict[str, int]:
        """Labels by id, retired products included, since a shopper may still see one."""
        recent = self._recent_labels
        known = {one: label for one in ids if (label := recent.get(one)) is not None}
        found = self._labels_in("products", [one for one in ids if one not in known]) | known
        return self._labels_in("retired", [one for one in ids if one not in found]) | found

    def passing(self, wanted: Filter) -> LabelSet:
        """The labels of the products that pass a filter; recent filters are cached.

        Raises InvalidFilter.
        """
        query, parameters = to_sql(wanted, self.info.fields)
        key = json.dumps([query, parameters])
        if key in self._passing:
            self._passing.move_to_end(key)
            return self._passing[key]
        found = (label for (label,) in self._file.rows(query, parameters))
        try:
            labels = LabelSet(self._in_range(np.fromiter(found, dtype=np.int64)))
        except (TypeError, ValueError, OverflowError) as error:
            raise self._file.corrupt(error) from error
        self._passing[key] = labels
        if len(self._passing) > FILTERS_KEPT:
            self._passing.popitem(last=False)
        return labels

    def _in_range(self, labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """`labels` (n,) themselves; a set of labels takes memory up to the largest of them. Raises BundleCorrupt."""
        limit = self.info.next_label
        if len(labels) and not 0 <= labels.min() <= labels.max() < limit:
            raise self._file.corrupt(f"it has labels from {labels.min()} to {labels.max()}; the next one is {limit}")
        return labels

    def _keep(self, products: Sequence[Product]) -> None:
        if len(self._recent) + len(products) > RECENT:
            self._recent, self._recent_labels = {}, {}  # other threads may be reading the old ones
        self._recent.update((product.label, product) for product in products[:RECENT])
        self._recent_labels.update((product.id, product.label) for product in products[:RECENT])

    def _labels_in(self, table: str, ids: Sequence[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for chunk in _chunks(ids):
            query = f"SELECT id, label FROM {table} WHERE id IN ({_marks(chunk)})"  # noqa: S608  only our own text
            found.update(self._file.rows(query, chunk))
        return found

    def _products(self, column: str, keys: Sequence[object]) -> list[Product]:
        products: list[Product] = []
        for chunk in _chunks(keys):
            query = f"SELECT label, id, image, fields FROM products WHERE {column} IN ({_marks(chunk)})"  # noqa: S608
            for label, product_id, image, fields in self._file.rows(query, chunk):
                if not (type(product_id) is type(image) is type(fields) is str and type(label) is int):
                    raise self._file.corrupt(f"the product with label {label} lacks its id, image or fields")
                products.append(Product(label, product_id, image, fields))
        return products


def field_rows(fields: Mapping[str, Any], names: Sequence[str]) -> Iterable[tuple[int, object]]:
    """The (field, value) pairs by which filters find a product; a list contributes each of its values."""
    for number, name in enumerate(names):
        value = fields.get(name)
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                yield number, one


def _chunks(keys: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (keys[start : start + _CHUNK] for start in range(0, len(keys), _CHUNK))


def _marks(keys: Sequence[Any]) -> str:
    return ", ".join("?" * len(keys))
