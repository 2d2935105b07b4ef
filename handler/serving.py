"""One opened bundle: everything a request reads, each file verified before it is opened."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from handler.bundle import CATALOG_FILE, INDEX_FILE, MANIFEST_FILE, WHITENING_FILE, Manifest, bundle_key
from handler.catalog import Catalog
from handler.neighbors import HnswIndex
from handler.photo_encoder import PhotoEncoder
from handler.whitening import Whitening

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from handler.neighbors import NeighborIndex
    from handler.store import BundleStore


class OpenBundle:
    """A bundle that requests are answered from. It never changes; a new version is another object."""

    def __init__(self, store: BundleStore, version: str) -> None:
        """Raises BundleNotFound, BundleCorrupt or BundleIncompatible."""
        self.manifest = Manifest.parse(store.read(bundle_key(version, MANIFEST_FILE)), version)
        files = self.manifest.files
        self.catalog = Catalog(
            store.fetch(bundle_key(version, CATALOG_FILE), files[CATALOG_FILE]), self.manifest.catalog
        )
        self.index: NeighborIndex = HnswIndex(
            store.fetch(bundle_key(version, INDEX_FILE), files[INDEX_FILE]), self.manifest.index
        )
        self._store = store
        self._encoder = PhotoEncoder(store, self.manifest.model)

    def embed_photo(self, photo: bytes) -> NDArray[np.float32]:
        """A photo as a vector that can be compared with the index's: float32 (dim,), of length 1.

        The one way from an upload to the index. Raises ImageTooLarge, ImageUndecodable, BundleError.
        """
        vector = self._encoder.embed(photo)
        return vector if self._whitening is None else self._whitening.apply(vector[None])[0]

    @cached_property
    def _whitening(self) -> Whitening | None:
        expected = self.manifest.whitening
        if expected is None:
            return None
        path = self._store.fetch(bundle_key(self.version, WHITENING_FILE), expected)
        return Whitening.load(path, self.manifest.model.dim)

    @property
    def version(self) -> str:
        return self.manifest.version

    @cached_property
    def fingerprint(self) -> str:
        return self.manifest.fingerprint
