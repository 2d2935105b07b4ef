"""The linear map between an encoder's vectors and the ones that are compared.

Embeddings of one shop's photos share most of their length (they are all photos of products on a white ground) and vary
along a few directions. Subtracting the catalog's mean and stretching the weak directions makes the differences that a
shopper sees count. Half-whitening, that is scaling a direction of variance v by v^(-1/4) instead of v^(-1/2), keeps the
noise of the weakest from taking over; see the README's benchmark for what it brings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from handler.errors import BundleCorrupt

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


class Whitening:
    """`centre` (dim,) is subtracted, then `matrix` (dim, dim) applied, then the length made 1 again."""

    def __init__(self, centre: NDArray[np.float32], matrix: NDArray[np.float32]) -> None:
        self.centre = centre
        self.matrix = matrix

    def apply(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 (n, dim) -> unit float32 (n, dim). A vector at the very centre has no direction and stays zero."""
        moved = (vectors - self.centre) @ self.matrix
        norms = np.linalg.norm(moved, axis=1, keepdims=True)
        unit: NDArray[np.float32] = (moved / np.where(norms == 0, 1, norms)).astype(np.float32)
        return unit

    def save(self, path: Path) -> None:
        with path.open("wb") as file:
            np.save(file, np.vstack([self.centre, self.matrix]).astype(np.float32), allow_pickle=False)

    @classmethod
    def load(cls, path: Path, dim: int) -> Whitening:
        """Raises BundleCorrupt for anything but finite float32 of shape (dim + 1, dim)."""
        try:
            table = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise BundleCorrupt(f"{path} is not a whitening: {error}") from error
        if table.shape != (dim + 1, dim) or table.dtype != np.float32 or not np.isfinite(table).all():
            raise BundleCorrupt(
                f"{path} has shape {table.shape} of {table.dtype}; ({dim + 1}, {dim}) finite float32 fits."
            )
        return cls(table[0], table[1:])
