"""Texts as vectors that can be compared with an index's, by the text tower of a bundle's model."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from handler.words.text_encoder import TextEncoder

KEPT = 64
"""Texts whose vectors are cached: a page of a session asks for its text again."""


class TextVectors:
    """Opens the text tower with the first text; most processes never see one."""

    def __init__(self, fetch: Callable[[], TextEncoder], matrix: NDArray[np.float32] | None) -> None:
        """`matrix` (dim, encoder's dim) is that of the bundle's projection, None if it has no projection."""
        self._fetch = fetch
        self._matrix = matrix
        self._opening = threading.Lock()
        self._encoder: TextEncoder | None = None
        self.vector = lru_cache(maxsize=KEPT)(self._vector)

    def _vector(self, text: str) -> NDArray[np.float32]:
        """float32 (dim,) of length 1. A projection's matrix is applied to the difference from the mean text.

        Raises ConfigurationError without `tokenizers`, and BundleError.
        """
        encoder = self._opened()
        vector = encoder.encode(text)
        if self._matrix is None:
            return vector
        moved = self._matrix @ (vector - encoder.center)
        length = float(np.linalg.norm(moved))
        return (moved / length if length else moved).astype(np.float32)

    def _opened(self) -> TextEncoder:
        with self._opening:
            if self._encoder is None:
                self._encoder = self._fetch()
            return self._encoder
