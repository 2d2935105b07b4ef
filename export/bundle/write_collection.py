"""Rows into new Milvus collections, which are searchable when a function of this module returns."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

from handler.errors import IndexUnavailable
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

    from export.bundle.build_index import IndexParameters
    from handler.milvus.client import Milvus

BATCH = 1_000
"""Rows in one insert: 1.6 MB of vectors at 384 dimensions, of the 64 MB that the server accepts."""
INSERT_SECONDS = 60
LOAD_SECONDS = 3_600
"""To index and load a collection."""
_POLL_SECONDS = 0.2

Row = dict[str, Any]


def write_collection(milvus: Milvus, name: str, rows: Iterable[Row], dim: int, parameters: IndexParameters) -> int:
    """Create the collection `name` of `rows` (see collection_rows), index and load it; returns how many there are.

    Raises what `rows` raises, and IndexUnavailable if the server fails or takes longer than LOAD_SECONDS. An unfinished
    collection belongs to no bundle; `vitrine prune` drops it.
    """
    types, schema = _new_schema(milvus)
    for column in (SLOT, ID_KEY, IMAGE_KEY):
        schema.add_field(column, types.INT64)
    schema.add_field(VECTOR, types.FLOAT_VECTOR, dim=dim)
    schema.add_field(TERMS, types.ARRAY, element_type=types.INT64, max_capacity=MAX_TERMS)
    schema.add_field(NUMBERS, types.JSON)
    for column in (ID, IMAGE, FIELDS):
        schema.add_field(column, types.VARCHAR, max_length=MAX_TEXT_BYTES)
    return _fill(milvus, name, schema, _indexes(milvus, parameters), rows)


def write_retired(milvus: Milvus, name: str, rows: Iterable[Row]) -> int:
    """Create the collection of the products that left the collection `name`, as `write_collection` does."""
    types, schema = _new_schema(milvus)
    schema.add_field(ID_KEY, types.INT64)
    schema.add_field(VECTOR, types.FLOAT_VECTOR, dim=2)
    schema.add_field(ID, types.VARCHAR, max_length=MAX_TEXT_BYTES)
    indexes = milvus.client.prepare_index_params()
    indexes.add_index(VECTOR, index_type="FLAT", metric_type="IP")
    return _fill(milvus, name + RETIRED_SUFFIX, schema, indexes, rows)


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
    graph = {"M": parameters.m, "efConstruction": parameters.ef_construction}
    indexes.add_index(VECTOR, index_type="HNSW", metric_type="IP", params=graph)
    for column in (SLOT, ID_KEY, IMAGE_KEY):
        indexes.add_index(column, index_type="STL_SORT")
    return indexes


def _fill(milvus: Milvus, name: str, schema: Any, indexes: Any, rows: Iterable[Row]) -> int:
    """Create and fill a collection; wait until every row is indexed, loaded and visible to a bounded search."""
    with milvus.translated():
        milvus.client.create_collection(
            name, schema=schema, index_params=indexes, consistency_level="Bounded", timeout=INSERT_SECONDS
        )
    written = 0
    for batch in _batches(rows):
        with milvus.translated():
            milvus.client.insert(name, batch, timeout=INSERT_SECONDS)
        written += len(batch)
    with milvus.translated():
        milvus.client.flush(name, timeout=LOAD_SECONDS)
        milvus.client.load_collection(name, timeout=LOAD_SECONDS)
    _await_rows(milvus, name, written)
    return written


def _await_rows(milvus: Milvus, name: str, expected: int) -> None:
    deadline = time.monotonic() + LOAD_SECONDS
    while True:
        try:
            milvus.require_rows(name, expected)
        except IndexUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL_SECONDS)
        else:
            return


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while batch := list(itertools.islice(iterator, BATCH)):
        yield batch
