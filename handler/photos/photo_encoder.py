"""The encoder of a bundle, fetched, verified and opened with the first photo; most processes never see one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from handler.errors import BundleCorrupt
from handler.model_files import TEXT_FILES, model_fingerprint, model_key
from handler.photos.cores import available_cores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from handler.model_files import ModelRef
    from handler.photos.encoder import Encoder
    from handler.stores.store import BundleStore

MAX_UPLOAD_PIXELS = 25_000_000
"""75 MB when decoded, about three times that while decoding; phones take photos of 12 million pixels."""

UPLOAD_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")


class PhotoEncoder:
    """Embeds photos with the same encoder files as the index."""

    def __init__(self, store: BundleStore, model: ModelRef) -> None:
        """Opens nothing yet."""
        self._store = store
        self._model = model
        self._opening = threading.Lock()
        self._encoder: Encoder | None = None

    def embed(self, photo: bytes) -> NDArray[np.float32]:
        """float32 (dim,) of length 1. Raises ImageTooLarge, ImageUndecodable, BundleError, and
        ConfigurationError if the encoder needs a package that is not installed.

        CPU-bound, with up to 300 MB for a photo: call it off the event loop, and limit how many run at once.
        """
        from handler.photos.images import decode, preprocess

        encoder = self._opened()
        image = decode(photo, max_pixels=MAX_UPLOAD_PIXELS, formats=UPLOAD_FORMATS)
        vector: NDArray[np.float32] = encoder.encode(preprocess(image, encoder.spec.preprocessing)[None])[0]
        return vector

    def _opened(self) -> Encoder:
        with self._opening:
            if self._encoder is None:
                self._encoder = self._open()
            return self._encoder

    def _open(self) -> Encoder:
        from handler.photos.encoder import SPEC_FILE, WEIGHTS_FILE, Encoder

        if model_fingerprint(self._model.files) != self._model.fingerprint:
            raise BundleCorrupt(f"The files of model {self._model.fingerprint} do not match its fingerprint.")
        paths = {
            name: self._store.fetch(model_key(self._model.fingerprint, name), expected)
            for name, expected in self._model.files.items()
            if name not in TEXT_FILES
        }
        # Large weights stay mapped: the first photo waits for the encoder to open.
        prepack = WEIGHTS_FILE not in paths
        encoder = Encoder(paths[SPEC_FILE].parent, threads=available_cores(), prepack=prepack)
        if encoder.spec.dim != self._model.dim:
            raise BundleCorrupt(f"The encoder has {encoder.spec.dim} dimensions, the manifest says {self._model.dim}.")
        return encoder
