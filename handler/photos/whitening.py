"""The linear map from an encoder's vectors to those that are compared.

Embeddings of one shop's photos share most of their length (products on a white ground) and vary along few directions.
Subtracting the catalog's mean and stretching the weak directions emphasises the differences that shoppers see.
Half-whitening scales a direction of variance v by v^(-1/4) instead of v^(-1/2), which keeps the noise of the weakest
directions small; export/bench/README.md has its effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from handler.errors import BundleCorrupt

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


class Whitening:
    """Subtracts `centre` (dim,), applies `matrix` (dim, dim), and normalises to length 1."""

    def __init__(self, centre: NDArray[np.float32], matrix: NDArray[np.float32]) -> None:
        self.centre = centre
        self.matrix = matrix

    def apply(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 (n, dim) -> unit float32 (n, dim). A vector at the centre stays zero."""
        moved = (vectors - self.centre) @ self.matrix
        norms = np.linalg.norm(moved, axis=1, keepdims=True)
        unit: NDArray[np.float32] = (moved / np.where(norms == 0, 1, norms)).astype(np.float32)
        return unit

    def save(self, path: Path) -> None:
        with path.open("wb") as file:
            np.save(file, np.vstack([self.centre, self.matrix]).astype(np.float32), allow_pickle=False)

    @classmethod
    def load(cls, path: Path, dim: int) -> Whitening:
        """Raises BundleCorrupt unless the file holds finite float32 of shape (dim + 1, dim)."""
        try:
            table = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise BundleCorrupt(f"{path} is not a whitening: {error}") from error
        if table.shape != (dim + 1, dim) or table.dtype != np.float32 or not np.isfinite(table).all():
            raise BundleCorrupt(
                f"{path} has shape {table.shape} of {table.dtype}; ({dim + 1}, {dim}) finite float32 was expected."
            )
        return cls(table[0], table[1:])
