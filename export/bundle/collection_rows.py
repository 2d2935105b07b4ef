"""Products as rows of a Milvus collection; handler/milvus/collection.py describes the columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from export.bundle.write_catalog import fields_text
from handler.errors import CatalogError
from handler.milvus.collection import (
    FIELDS,
    ID,
    ID_KEY,
    IMAGE,
    IMAGE_KEY,
    LABEL,
    MAX_TERMS,
    MAX_TEXT_BYTES,
    NUMBERS,
    SLOT,
    TERMS,
    VECTOR,
    key,
    term,
)
from handler.products.catalog import field_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from export.photos.read_catalog import CatalogRow
    from export.store.assign_labels import Labels
    from handler.manifest import FieldInfo


def collection_rows(
    products: Sequence[CatalogRow], vectors: NDArray[np.float32], labels: Labels, fields: Sequence[FieldInfo]
) -> Iterator[dict[str, Any]]:
    """One row per product; `vectors` (n, dim) are unit vectors in the order of `products`.

    Raises CatalogError for a product that a row cannot hold.
    """
    for slot, (product, vector) in enumerate(zip(products, vectors, strict=True)):
        values = list(field_rows(product.fields, [field.name for field in fields]))
        row = {
            LABEL: labels.current[product.id],
            SLOT: slot,
            ID_KEY: key(product.id),
            IMAGE_KEY: key(product.image),
            VECTOR: vector,
            TERMS: [term(position, value) for position, value in values],
            NUMBERS: _numbers(values, fields),
            ID: product.id,
            IMAGE: product.image,
            FIELDS: fields_text(product),
        }
        _check(row)
        yield row


def retired_rows(labels: Labels) -> Iterator[dict[str, Any]]:
    """One row per product that left the catalog."""
    for product_id, label in labels.retired.items():
        yield {LABEL: label, ID_KEY: key(product_id), VECTOR: [0.0, 0.0], ID: product_id}


def _numbers(values: Sequence[tuple[int, object]], fields: Sequence[FieldInfo]) -> Mapping[str, float]:
    """The numbers that comparisons apply to: of fields with a single one."""
    positions = [position for position, _ in values]
    return {
        str(position): float(value)  # type: ignore[arg-type]
        for position, value in values
        if fields[position].kind == "number" and positions.count(position) == 1
    }


def _check(row: dict[str, Any]) -> None:
    for size, limit, what in (
        (len(row[FIELDS].encode()), MAX_TEXT_BYTES, "bytes in its fields"),
        (len(row[TERMS]), MAX_TERMS, "values in its filter fields"),
    ):
        if size > limit:
            raise CatalogError(
                f"Product {row[ID]!r} has {size:,} {what}; Milvus holds {limit:,}.",
                value=size,
                limit=limit,
                remedy="Shorten its fields.",
            )
