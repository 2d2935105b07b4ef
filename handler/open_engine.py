"""The engine of a bundle: its own files, or a Milvus collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from handler.errors import BundleCorrupt, ConfigurationError
from handler.manifest import CATALOG_FILE, INDEX_FILE, MANIFEST_FILE, bundle_key
from handler.products.catalog import Catalog
from handler.products.deferred_index import DeferredIndex
from handler.products.labels import LabelSet
from handler.products.neighbors import HnswIndex
from handler.words.text_index import TextIndex

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from handler.manifest import CollectionRef, Manifest
    from handler.milvus.client import Milvus
    from handler.products.engine import NeighborIndex, ProductCatalog
    from handler.stores.store import BundleStore

_LABELS_NAMED = 3


@dataclass(frozen=True)
class Engine:
    index: NeighborIndex
    catalog: ProductCatalog
    texts: TextIndex | None = None


def open_engine(store: BundleStore, manifest: Manifest, milvus: Milvus | None, *, defer_index: bool = False) -> Engine:
    """Open what holds the vectors and products of a bundle; with `defer_index` an index file at its first search.

    Raises BundleNotFound or BundleCorrupt for its files; ConfigurationError for another hnswlib layout, for a SQLite
    without FTS5 if the bundle has a text index, or if the bundle is in Milvus and no server is given; IndexUnavailable
    if the server does not have all of it.
    """
    if manifest.collection is None:
        return _in_files(store, manifest, defer_index)
    if milvus is None:
        raise ConfigurationError(
            f"The products of bundle {manifest.version} are in Milvus, and VITRINE_INDEX is not set.",
            field="index",
            remedy="Set VITRINE_INDEX=milvus+http://HOST:PORT, or index again without --engine.",
        )
    return _in_milvus(milvus, manifest, manifest.collection)


def _in_files(store: BundleStore, manifest: Manifest, defer_index: bool) -> Engine:
    def fetched(name: str) -> Path:
        return store.fetch(bundle_key(manifest.version, name), manifest.files[name])

    def open_index() -> HnswIndex:
        index = HnswIndex(fetched(INDEX_FILE), manifest.index)
        _check_labels(index.everything.labels, everything.labels, manifest)
        return index

    catalog_path = fetched(CATALOG_FILE)
    catalog = Catalog(catalog_path, manifest.catalog)
    tokenizer = manifest.catalog.tokenizer
    texts = None if tokenizer is None else TextIndex(catalog_path, tokenizer)
    everything = LabelSet(catalog.labels())
    index = DeferredIndex(open_index, manifest.index.dim, everything) if defer_index else open_index()
    return Engine(index, catalog, texts)


def _in_milvus(milvus: Milvus, manifest: Manifest, collection: CollectionRef) -> Engine:
    from handler.milvus.milvus_catalog import MilvusCatalog
    from handler.milvus.milvus_index import MilvusIndex
    from handler.milvus.rows import Rows

    every_label_held = manifest.index.count == manifest.catalog.next_label
    rows = Rows(milvus, collection.name, complete_below=manifest.index.count if every_label_held else 0)
    index = MilvusIndex(milvus, collection.name, rows, manifest.index)
    index.load()
    retired = collection.retired > 0
    return Engine(index, MilvusCatalog(milvus, collection.name, rows, manifest.catalog, retired=retired))


def _check_labels(indexed: NDArray[np.int64], listed: NDArray[np.int64], manifest: Manifest) -> None:
    """Raise BundleCorrupt unless the index and the catalog hold the same labels, all below the next new one.

    Compares every label rather than a count and a sum, which different sets can share. This adds 8 ms per 100,000
    products to opening a bundle.
    """
    next_label = manifest.catalog.next_label
    if indexed[-1] >= next_label:
        raise BundleCorrupt(
            f"{INDEX_FILE} of bundle {manifest.version} has the label {indexed[-1]}; {MANIFEST_FILE} says that the next"
            f" new product gets {next_label}.",
            value=int(indexed[-1]),
            limit=next_label - 1,
            remedy="Run `vitrine index` again, or `vitrine rollback`.",
        )
    if np.array_equal(indexed, listed):
        return
    only_indexed, only_listed = np.setdiff1d(indexed, listed), np.setdiff1d(listed, indexed)
    raise BundleCorrupt(
        f"{INDEX_FILE} and {CATALOG_FILE} of bundle {manifest.version} hold different products: {len(indexed):,} "
        f"labels and {len(listed):,}. Only the index has {_first(only_indexed)}; "
        f"only the catalog has {_first(only_listed)}.",
        remedy="Run `vitrine index` again, or `vitrine rollback`.",
    )


def _first(labels: NDArray[np.int64]) -> str:
    """The first few labels and how many more there are, for an error message."""
    if not len(labels):
        return "none"
    more = f" and {len(labels) - _LABELS_NAMED:,} more" if len(labels) > _LABELS_NAMED else ""
    return ", ".join(map(str, labels[:_LABELS_NAMED].tolist())) + more
