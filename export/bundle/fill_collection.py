"""A bundle's vectors and products into Milvus, with recall measured through the code that will serve them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from export.bundle.check_recall import choose_ef
from export.bundle.collection_rows import collection_rows, retired_rows
from export.bundle.write_collection import write_collection, write_retired
from handler.manifest import CollectionRef
from handler.milvus.milvus_index import MilvusIndex
from handler.milvus.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from export.bundle.content import BuildOptions, BundleContent
    from export.store.collections import Collections
    from handler.manifest import FieldInfo, IndexInfo


def fill_collection(
    collections: Collections, content: BundleContent, fields: Sequence[FieldInfo], options: BuildOptions
) -> tuple[IndexInfo, CollectionRef]:
    """Write a new collection and measure its index. Raises RecallTooLow, CatalogError, IndexUnavailable."""
    milvus, name = collections.milvus, collections.new_name()
    rows = collection_rows(content.rows, content.vectors, content.labels, fields)
    shown = options.progress.track(rows, total=len(content.rows), description="Writing to Milvus")
    write_collection(milvus, name, shown, content.vectors.shape[1], options.parameters)
    if content.labels.retired:
        write_retired(milvus, name, retired_rows(content.labels))
    read = Rows(milvus, name)
    index = choose_ef(lambda info: MilvusIndex(milvus, name, read, info), content.vectors, options.parameters)
    return index, CollectionRef(name=name, retired=len(content.labels.retired))
