"""A vector a word, learnt from a shop's own text and photos; export/bundle/learn_words.py has the method."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import numpy as np

from handler.errors import BundleCorrupt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray


class WordVectors:
    """Products that look like a word's other products have a large inner product with its vector."""

    def __init__(self, words: Sequence[str], vectors: NDArray[np.float16]) -> None:
        """`words` are terms of the text index, `vectors` (n, dim) of length 1 in half precision."""
        self.words = tuple(words)
        self._vectors = vectors
        self._rows = {word: row for row, word in enumerate(self.words)}

    def vector(self, words: Sequence[str]) -> NDArray[np.float32] | None:
        """The unit mean (dim,) of those of `words` that are known, or None."""
        rows = [self._rows[word] for word in words if word in self._rows]
        if not rows:
            return None
        total = self._vectors[rows].astype(np.float32).sum(axis=0)
        length = float(np.linalg.norm(total))
        return total / np.float32(length) if length else None

    def save(self, path: Path) -> None:
        """Write an .npz of two arrays: the words as UTF-8 lines, and the vectors. No pickle."""
        lines = np.frombuffer("\n".join(self.words).encode(), dtype=np.uint8)
        with path.open("wb") as file:
            np.savez(file, words=lines, vectors=self._vectors)

    @classmethod
    def load(cls, path: Path, dim: int) -> WordVectors:
        """Raises BundleCorrupt unless the file holds as many finite half-precision vectors (dim,) as words."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                words, vectors = arrays["words"].tobytes().decode().split("\n"), arrays["vectors"]
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise BundleCorrupt(f"{path} does not hold word vectors: {error}") from error
        if vectors.shape != (len(words), dim) or vectors.dtype != np.float16 or not np.isfinite(vectors).all():
            raise BundleCorrupt(
                f"{path} has shape {vectors.shape} of {vectors.dtype} for {len(words):,} words; "
                f"({len(words)}, {dim}) finite float16 was expected."
            )
        return cls(words, vectors)
