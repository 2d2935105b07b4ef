"""A bundle's vectors and products into Milvus, with recall measured through the code that will serve them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from export.bundle.check_recall import choose_ef
from export.bundle.collection_rows import collection_rows, retired_rows
from export.bundle.write_collection import write_collection
from handler.manifest import CollectionRef
from handler.milvus.milvus_index import MilvusIndex
from handler.milvus.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from export.bundle.build_index import IndexParameters
    from export.bundle.content import BuildOptions, BundleContent
    from export.store.collections import Collections
    from handler.manifest import FieldInfo, IndexInfo
    from handler.milvus.client import Milvus


def fill_collection(
    collections: Collections, content: BundleContent, fields: Sequence[FieldInfo], options: BuildOptions
) -> tuple[IndexInfo, CollectionRef]:
    """Write a new collection and measure its index. Raises RecallTooLow, CatalogError, IndexUnavailable."""
    milvus, name = collections.milvus, collections.new_name()
    rows = collection_rows(content.rows, content.vectors, content.labels, fields)
    shown = options.progress.track(rows, total=len(content.rows), description="Writing to Milvus")
    dim, retired = content.vectors.shape[1], retired_rows(content.labels)
    write_collection(milvus, name, shown, dim, options.parameters, options.progress, retired=retired)
    index = measure_collection(milvus, name, content.vectors, options.parameters)
    return index, CollectionRef(name=name, retired=len(content.labels.retired))


def measure_collection(
    milvus: Milvus, name: str, vectors: NDArray[np.float32], parameters: IndexParameters
) -> IndexInfo:
    """Describe the index of a collection of `vectors` (n, dim); see `choose_ef`."""
    rows = Rows(milvus, name)
    return choose_ef(lambda info: MilvusIndex(milvus, name, rows, info).graph_scores, vectors, parameters)
