"""An open bundle: everything a request reads, with each file verified before it is opened."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from handler.errors import BundleCorrupt, TextSearchUnavailable
from handler.manifest import CATALOG_FILE, INDEX_FILE, MANIFEST_FILE, WORDS_FILE, Manifest, bundle_key
from handler.photos.photo_encoder import PhotoEncoder
from handler.photos.projection import Projection
from handler.products.catalog import Catalog
from handler.products.neighbors import HnswIndex
from handler.words.text_index import TextIndex
from handler.words.text_search import TextSearch
from handler.words.word_vectors import WordVectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from handler.stores.store import BundleStore

_LABELS_NAMED = 3


class OpenBundle:
    """A bundle that answers requests. It never changes; a new version is another object."""

    def __init__(self, store: BundleStore, version: str, manifest_sha256: str | None = None) -> None:
        """Open `version`, whose manifest must have the digest that the pointer names, if it names one.

        Raises BundleNotFound, BundleCorrupt or BundleIncompatible. Raises ConfigurationError for another hnswlib
        layout, and for a SQLite without FTS5 if the bundle has a text index.
        """
        self.manifest = Manifest.parse(store.read(bundle_key(version, MANIFEST_FILE)), version, manifest_sha256)
        files = self.manifest.files
        catalog_path = store.fetch(bundle_key(version, CATALOG_FILE), files[CATALOG_FILE])
        self.catalog = Catalog(catalog_path, self.manifest.catalog)
        tokenizer = self.manifest.catalog.tokenizer
        self._texts = None if tokenizer is None else TextIndex(catalog_path, tokenizer)
        self.index = HnswIndex(store.fetch(bundle_key(version, INDEX_FILE), files[INDEX_FILE]), self.manifest.index)
        self._check_labels()
        self._store = store
        self._encoder = PhotoEncoder(store, self.manifest.model)

    @property
    def index_bytes(self) -> int:
        """Bytes of the index's file, which is also about what its graph takes in memory."""
        return self.manifest.files[INDEX_FILE].size

    def load(self) -> None:
        """Load now what the first search would load. Raises BundleCorrupt."""
        self.index.load()

    def embed_photo(self, photo: bytes) -> NDArray[np.float32]:
        """A photo as a vector that can be compared with the index's: float32 (dim,), of length 1.

        The only way from an upload to the index. Raises ImageTooLarge, ImageUndecodable, BundleError.
        """
        vector = self._encoder.embed(photo)
        return vector if self._projection is None else self._projection.apply(vector[None])[0]

    @cached_property
    def text_search(self) -> TextSearch:
        """Raises TextSearchUnavailable for a bundle without a text index, BundleCorrupt for broken word vectors."""
        if self._texts is None:
            raise TextSearchUnavailable(
                f"Bundle {self.version} has no text index: it was written before there was text search.",
                value=self.version,
                remedy="Run `vitrine index` again; nothing has to be embedded again.",
            )
        return TextSearch(self._texts, self._word_vectors(), self.index)

    def _word_vectors(self) -> WordVectors | None:
        expected = self.manifest.files.get(WORDS_FILE)
        if expected is None:
            return None
        path = self._store.fetch(bundle_key(self.version, WORDS_FILE), expected)
        return WordVectors.load(path, self.manifest.index.dim)

    @cached_property
    def _projection(self) -> Projection | None:
        name = self.manifest.projection_file
        if name is None:
            return None
        path = self._store.fetch(bundle_key(self.version, name), self.manifest.files[name])
        return Projection.load(path, encoder_dim=self.manifest.model.dim, dim=self.manifest.index.dim)

    def _check_labels(self) -> None:
        """Raise BundleCorrupt unless the index and the catalog hold the same labels, all below the next new one.

        Compares every label rather than a count and a sum, which different sets can share. This adds 8 ms per 100,000
        products to opening a bundle.
        """
        indexed, listed = self.index.everything.labels, self.catalog.labels()
        next_label = self.manifest.catalog.next_label
        if indexed[-1] >= next_label:
            raise BundleCorrupt(
                f"{INDEX_FILE} of bundle {self.version} has the label {indexed[-1]}; {MANIFEST_FILE} says that the next"
                f" new product gets {next_label}.",
                value=int(indexed[-1]),
                limit=next_label - 1,
                remedy="Run `vitrine index` again, or `vitrine rollback`.",
            )
        if np.array_equal(indexed, listed):
            return
        only_indexed, only_listed = np.setdiff1d(indexed, listed), np.setdiff1d(listed, indexed)
        raise BundleCorrupt(
            f"{INDEX_FILE} and {CATALOG_FILE} of bundle {self.version} hold different products: {len(indexed):,} "
            f"labels and {len(listed):,}. Only the index has {_first(only_indexed)}; "
            f"only the catalog has {_first(only_listed)}.",
            remedy="Run `vitrine index` again, or `vitrine rollback`.",
        )

    @property
    def version(self) -> str:
        return self.manifest.version

    @cached_property
    def vector_space(self) -> str:
        return self.manifest.vector_space


def _first(labels: NDArray[np.int64]) -> str:
    """The first few labels and how many more there are, for an error message."""
    if not len(labels):
        return "none"
    more = f" and {len(labels) - _LABELS_NAMED:,} more" if len(labels) > _LABELS_NAMED else ""
    return ", ".join(map(str, labels[:_LABELS_NAMED].tolist())) + more
