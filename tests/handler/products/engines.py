"""The same 3,000 products in every engine, for the contract suite."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from rich.progress import Progress

from export.bundle.build_index import IndexParameters, build_index
from export.bundle.collection_rows import collection_rows, retired_rows
from export.bundle.describe_fields import describe_fields
from export.bundle.write_catalog import fields_text, write_catalog
from export.bundle.write_collection import write_collection
from export.photos.read_catalog import CatalogRow
from export.store.assign_labels import Labels
from handler.manifest import CatalogInfo
from handler.milvus.client import Milvus
from handler.milvus.milvus_catalog import MilvusCatalog
from handler.milvus.milvus_index import MilvusIndex
from handler.milvus.rows import Rows
from handler.open_engine import Engine
from handler.products.catalog import Catalog
from handler.products.engine import Product
from handler.products.neighbors import HnswIndex
from tests.handler.support import clustered, index_info

if TYPE_CHECKING:
    from pathlib import Path


COUNT, DIM = 3_000, 24
PARAMETERS = IndexParameters()
VECTORS = clustered(COUNT, DIM, clusters=40, seed=5)
LABELS = [3 * row for row in range(COUNT)]
"""The label of row n is 3n: labels have gaps."""
CATEGORIES = ("dress", "skirt", 'a "quoted\\" one', "x] or label > 0", "été")
RETIRED = {"gone/1": 1, 'gone/"2': 4}


def fields_of(row: int) -> dict[str, Any]:
    fields: dict[str, Any] = {"category": CATEGORIES[row % len(CATEGORIES)], "in_stock": row % 4 != 0}
    if row % 3:
        fields["price"] = row % 100 + 0.5
    if row % 7 == 0:
        fields["tags"] = ["new", f"tag {row % 5}"]
    return fields


ROWS = tuple(CatalogRow(f"p/{row}", f"photos/{row}.jpg", fields_of(row)) for row in range(COUNT))
FIELDS = describe_fields([row.fields for row in ROWS])
KNOWN = Labels({row.id: label for row, label in zip(ROWS, LABELS, strict=True)}, RETIRED, 3 * COUNT)
PRODUCTS = [Product(label, row.id, row.image, fields_text(row)) for label, row in zip(LABELS, ROWS, strict=True)]


def in_files(directory: Path) -> Engine:
    """hnswlib and SQLite."""
    build_index(VECTORS, LABELS, PARAMETERS, directory / "index.hnsw", Progress(disable=True))
    info = write_catalog(directory / "catalog.sqlite", ROWS, KNOWN, FIELDS)
    return Engine(
        HnswIndex(directory / "index.hnsw", index_info(COUNT, DIM)), Catalog(directory / "catalog.sqlite", info)
    )


def in_milvus(address: str) -> Engine:
    """Milvus Lite for a file's address, a server for the others."""
    milvus, name = Milvus(address, request_seconds=60), f"contract_{secrets.token_hex(4)}"
    products, retired = collection_rows(ROWS, VECTORS, KNOWN, FIELDS), retired_rows(KNOWN)
    quiet = Progress(disable=True)
    assert write_collection(milvus, name, products, DIM, PARAMETERS, quiet, retired=retired) == COUNT
    rows = Rows(milvus, name)
    info = CatalogInfo(count=COUNT, next_label=3 * COUNT, fields=FIELDS)
    return Engine(
        MilvusIndex(milvus, name, rows, index_info(COUNT, DIM)), MilvusCatalog(milvus, name, rows, info, retired=True)
    )
