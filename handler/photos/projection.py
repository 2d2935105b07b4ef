"""The linear map from an encoder's vectors to the vectors that are compared.

`vitrine index` fits one map per catalog: it centers the vectors, stretches their weak directions, and may drop
dimensions. The map is one matrix, so a photo that a shopper uploads costs one product.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from handler.errors import BundleCorrupt

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


class Projection:
    """Subtracts `center` (encoder's dim,), applies `matrix` (dim, encoder's dim), and normalizes to length 1."""

    def __init__(self, center: NDArray[np.float32], matrix: NDArray[np.float32]) -> None:
        self.center = center
        self.matrix = matrix

    @property
    def dim(self) -> int:
        """The length of a projected vector."""
        return len(self.matrix)

    def apply(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 (n, encoder's dim) -> unit float32 (n, dim). A vector at the center becomes zero."""
        moved = (vectors - self.center) @ self.matrix.T
        norms = np.linalg.norm(moved, axis=1, keepdims=True)
        unit: NDArray[np.float32] = (moved / np.where(norms == 0, 1, norms)).astype(np.float32)
        return unit

    def save(self, path: Path) -> None:
        """Write one float32 array (1 + dim, encoder's dim) in NumPy's format: the center, then the matrix."""
        with path.open("wb") as file:
            np.save(file, np.vstack([self.center, self.matrix]).astype(np.float32), allow_pickle=False)

    @classmethod
    def load(cls, path: Path, *, encoder_dim: int, dim: int) -> Projection:
        """Raises BundleCorrupt unless the file holds finite float32 of shape (1 + dim, encoder_dim).

        `whitening.npy` of bundles with schema version 1 has the same layout: its matrix is square and symmetric.
        """
        try:
            # np.load would also open archives and, in an empty file, raise an EOFError.
            with path.open("rb") as file:
                table = np.lib.format.read_array(file, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise BundleCorrupt(f"{path} is not a projection: {error}") from error
        expected = (1 + dim, encoder_dim)
        if table.shape != expected or table.dtype != np.float32 or not np.isfinite(table).all():
            raise BundleCorrupt(f"{path} has shape {table.shape} of {table.dtype}; expected {expected} finite float32.")
        return cls(table[0], table[1:])
