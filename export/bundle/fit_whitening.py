"""The half-whitening of a catalog's embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from export.photos.vector_blocks import blocks
from handler.photos.whitening import Whitening

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_VECTORS = 30
"""Fewer photos do not show what they have in common."""
POWER = 0.25
"""Of the variance: 0 would only centre, 0.5 whiten fully. 0.25 and 0.35 do equally well on clothing photos."""
RIDGE = 0.1
"""Added to every variance, as a share of their mean: directions that few photos vary along are not blown up."""

MIN_VARIANCE = 1e-10
"""Summed over all dimensions. Below it unit vectors differ by rounding only (float32: about 1e-14), which the map would
amplify."""


def fit_whitening(vectors: NDArray[np.float32]) -> Whitening | None:
    """ZCA (Bell and Sejnowski 1997) to a partial power, from unit vectors (n, dim), read in blocks.

    None for fewer than MIN_VECTORS, and for vectors that do not differ (MIN_VARIANCE).
    """
    if len(vectors) < MIN_VECTORS:
        return None
    dim = vectors.shape[1]
    centre = np.zeros(dim)
    for _, block in blocks(vectors):
        centre += block.sum(axis=0, dtype=np.float64)
    centre /= len(vectors)
    covariance = np.zeros((dim, dim))
    for _, block in blocks(vectors):
        moved = block - centre
        covariance += moved.T @ moved
    variances, directions = np.linalg.eigh(covariance / len(vectors))
    variances = np.maximum(variances, 0)
    if variances.sum() < MIN_VARIANCE:
        return None
    scales = (variances + RIDGE * variances.mean()) ** -POWER
    return Whitening(centre.astype(np.float32), ((directions * scales) @ directions.T).astype(np.float32))


def whiten(vectors: NDArray[np.float32], whitening: Whitening) -> None:
    """Apply `whitening` to `vectors` (n, dim) in place, in blocks."""
    for rows, block in blocks(vectors):
        vectors[rows] = whitening.apply(block)
