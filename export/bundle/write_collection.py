"""Rows into new Milvus collections, which are searchable when a function of this module returns."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from export.bundle.settle_collection import settle_collections
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
    RETIRED_SUFFIX,
    SLOT,
    TERMS,
    VECTOR,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.progress import Progress

    from export.bundle.build_index import IndexParameters
    from handler.milvus.client import Milvus

BATCH = 1_000
"""Rows in one insert: 1.6 MB of vectors at 384 dimensions, of the 64 MB that the server accepts."""
INSERT_SECONDS = 60

Row = dict[str, Any]


def write_collection(
    milvus: Milvus,
    name: str,
    rows: Iterable[Row],
    dim: int,
    parameters: IndexParameters,
    progress: Progress,
    *,
    retired: Iterable[Row] = (),
) -> int:
    """Create the collection `name` of `rows` (see collection_rows), index and load it; returns how many there are.

    If there are `retired` rows, products that left the catalog, they become a second collection. Raises what the rows
    raise, and IndexUnavailable if the server fails or gets no further. An unfinished collection belongs to no bundle;
    `vitrine prune` drops it.
    """
    written = {name: _write(milvus, name, _product_schema(milvus, dim), _indexes(milvus, parameters), rows)}
    first = next(gone := iter(retired), None)
    if first is not None:
        indexes = milvus.client.prepare_index_params()
        indexes.add_index(VECTOR, index_type="FLAT", metric_type="IP")
        left = name + RETIRED_SUFFIX
        written[left] = _write(milvus, left, _retired_schema(milvus), indexes, itertools.chain([first], gone))
    settle_collections(milvus, written, progress)
    return written[name]


def _product_schema(milvus: Milvus, dim: int) -> Any:
    types, schema = _new_schema(milvus)
    for column in (SLOT, ID_KEY, IMAGE_KEY):
        schema.add_field(column, types.INT64)
    schema.add_field(VECTOR, types.FLOAT_VECTOR, dim=dim)
    schema.add_field(TERMS, types.ARRAY, element_type=types.INT64, max_capacity=MAX_TERMS)
    schema.add_field(NUMBERS, types.JSON)
    for column in (ID, IMAGE, FIELDS):
        schema.add_field(column, types.VARCHAR, max_length=MAX_TEXT_BYTES)
    return schema


def _retired_schema(milvus: Milvus) -> Any:
    types, schema = _new_schema(milvus)
    schema.add_field(ID_KEY, types.INT64)
    schema.add_field(VECTOR, types.FLOAT_VECTOR, dim=2)
    schema.add_field(ID, types.VARCHAR, max_length=MAX_TEXT_BYTES)
    return schema


def _new_schema(milvus: Milvus) -> tuple[Any, Any]:
    from pymilvus import DataType

    schema = milvus.client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field(LABEL, DataType.INT64, is_primary=True)
    return DataType, schema


def _indexes(milvus: Milvus, parameters: IndexParameters) -> Any:
    """HNSW over the vectors, sorted columns for lookups. Milvus Lite gets an exact index: its HNSW loses recall."""
    indexes = milvus.client.prepare_index_params()
    if milvus.is_lite:
        indexes.add_index(VECTOR, index_type="FLAT", metric_type="IP")
        return indexes
    graph = {"M": parameters.links, "efConstruction": parameters.ef_construction}
    indexes.add_index(VECTOR, index_type="HNSW", metric_type="IP", params=graph)
    for column in (SLOT, ID_KEY, IMAGE_KEY):
        indexes.add_index(column, index_type="STL_SORT")
    return indexes


def _write(milvus: Milvus, name: str, schema: Any, indexes: Any, rows: Iterable[Row]) -> int:
    """Create and fill a collection, and tell the server what to index.

    It is loaded only once it is full (see settle_collections). One that is loaded while it grows is searched in two
    places at a time, and handing its rows over takes the server ten seconds more.
    """
    with milvus.translated():
        milvus.client.create_collection(name, schema=schema, consistency_level="Bounded", timeout=INSERT_SECONDS)
        milvus.client.create_index(name, indexes, timeout=INSERT_SECONDS, sync=False)
    written = 0
    for batch in _batches(rows):
        with milvus.translated():
            milvus.client.insert(name, batch, timeout=INSERT_SECONDS)
        written += len(batch)
    return written


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while batch := list(itertools.islice(iterator, BATCH)):
        yield batch
