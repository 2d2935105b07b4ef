"""An open bundle: everything a request reads, with each file verified before it is opened."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING

from handler.errors import TextSearchUnavailable
from handler.manifest import INDEX_FILE, MANIFEST_FILE, WORDS_FILE, Manifest, bundle_key
from handler.open_engine import open_engine
from handler.photos.cores import available_cores
from handler.photos.photo_encoder import PhotoEncoder
from handler.photos.projection import Projection
from handler.words.text_encoder import fetch_text_encoder
from handler.words.text_index import Tokens
from handler.words.text_search import TextSearch
from handler.words.text_vectors import TextVectors
from handler.words.word_vectors import WordVectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from handler.milvus.client import Milvus
    from handler.stores.store import BundleStore


class OpenBundle:
    """A bundle that answers requests. It never changes; a new version is another object."""

    def __init__(
        self,
        store: BundleStore,
        version: str,
        manifest_sha256: str | None = None,
        milvus: Milvus | None = None,
        *,
        defer_index: bool = False,
    ) -> None:
        """Open `version`, whose manifest must have the digest that the pointer names, if it names one.

        With `defer_index` the first search fetches, verifies and opens the index, and raises what opening it raises.
        Raises BundleIncompatible, and what `open_engine` raises.
        """
        self.manifest = Manifest.parse(store.read(bundle_key(version, MANIFEST_FILE)), version, manifest_sha256)
        engine = open_engine(store, self.manifest, milvus, defer_index=defer_index)
        self.index, self.catalog, self._texts = engine.index, engine.catalog, engine.texts
        self._store = store
        self._encoder = PhotoEncoder(store, self.manifest.model)

    @property
    def index_bytes(self) -> int:
        """Bytes of the index's file, which is also about what its graph takes in memory; 0 for an index in Milvus."""
        file = self.manifest.files.get(INDEX_FILE)
        return file.size if file else 0

    def load(self) -> None:
        """Open and load now what the first search would. Raises BundleError, IndexUnavailable."""
        self.index.load()

    def check_server(self) -> None:
        """Raise IndexUnavailable if a server holds the products and does not answer, or lacks any of them."""
        if self.manifest.collection:
            self.index.load()

    def embed_photo(self, photo: bytes) -> NDArray[np.float32]:
        """A photo as a vector that can be compared with the index's: float32 (dim,), of length 1.

        The only way from an upload to the index. Raises ImageTooLarge, ImageUndecodable, BundleError.
        """
        vector = self._encoder.embed(photo)
        return vector if self._projection is None else self._projection.apply(vector[None])[0]

    @property
    def has_text_search(self) -> bool:
        """Whether words can be searched for: in a text index, or by word vectors alone if a server has the products."""
        return self._texts is not None or (self.manifest.collection is not None and WORDS_FILE in self.manifest.files)

    @cached_property
    def text_search(self) -> TextSearch:
        """Raises TextSearchUnavailable for a bundle without one, BundleCorrupt for broken word vectors."""
        tokenizer = self.manifest.catalog.tokenizer
        if not self.has_text_search or tokenizer is None:
            raise _no_text_search(self.manifest)
        terms = Tokens(tokenizer).of if self._texts is None else self._texts.terms
        return TextSearch(terms, self._texts, self._word_vectors(), self.index, self._text_vectors())

    def _text_vectors(self) -> TextVectors | None:
        if not self.manifest.model.reads_texts:
            return None
        fetch = partial(fetch_text_encoder, self._store, self.manifest.model, available_cores())
        return TextVectors(fetch, None if self._projection is None else self._projection.matrix)

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

    @property
    def version(self) -> str:
        return self.manifest.version

    @cached_property
    def vector_space(self) -> str:
        return self.manifest.vector_space


def _no_text_search(manifest: Manifest) -> TextSearchUnavailable:
    if manifest.collection:
        why = "its products are in Milvus, and their text has taught nothing about their photos"
        remedy = "Run `vitrine index` without --engine to search by words."
    else:
        why = "it was written before there was text search"
        remedy = "Run `vitrine index` again; nothing has to be embedded again."
    return TextSearchUnavailable(
        f"Bundle {manifest.version} cannot be searched by words: {why}.", value=manifest.version, remedy=remedy
    )
