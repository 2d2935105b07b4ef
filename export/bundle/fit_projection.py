"""The projection of a catalog's embeddings: centered and half-whitened.

Embeddings of one shop's photos share most of their length (products on a white ground) and vary along few directions.
Centering and stretching the weak directions emphasizes the differences that shoppers see. Half-whitening scales a
direction of variance v by v^(-1/4) instead of v^(-1/2), which keeps the noise of the weakest directions small;
export/bench/README.md has its effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from export.photos.vector_blocks import blocks, new_vectors
from handler.photos.projection import Projection

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_VECTORS = 30
"""Fewer photos do not show what they have in common."""
POWER = 0.25
"""Of the variance: 0 only centers, 0.5 whitens fully. 0.25 and 0.35 do equally well on clothing photos."""
RIDGE = 0.1
"""Added to every variance, as a share of their mean: directions that few photos vary along are not blown up."""

MIN_VARIANCE = 1e-10
"""Summed over all dimensions. Below it unit vectors differ by rounding only (float32: about 1e-14), which the map would
amplify."""


def fit_projection(vectors: NDArray[np.float32]) -> Projection | None:
    """ZCA (Bell and Sejnowski 1997) to a partial power, from unit vectors (n, dim), read in blocks.

    None for fewer than MIN_VECTORS, and for vectors that do not differ (MIN_VARIANCE).
    """
    if len(vectors) < MIN_VECTORS:
        return None
    center, covariance = moments(vectors)
    variances, directions = np.linalg.eigh(covariance)
    variances = np.maximum(variances, 0)
    if variances.sum() < MIN_VARIANCE:
        return None
    scales = (variances + RIDGE * variances.mean()) ** -POWER
    return Projection(center.astype(np.float32), ((directions * scales) @ directions.T).astype(np.float32))


def moments(vectors: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean (dim,) and the covariance (dim, dim) of `vectors` (n, dim), in two passes over blocks."""
    dim = vectors.shape[1]
    center = np.zeros(dim)
    for _, block in blocks(vectors):
        center += block.sum(axis=0, dtype=np.float64)
    center /= len(vectors)
    covariance = np.zeros((dim, dim))
    for _, block in blocks(vectors):
        moved = block - center
        covariance += moved.T @ moved
    return center, covariance / len(vectors)


def project(vectors: NDArray[np.float32], projection: Projection) -> NDArray[np.float32]:
    """Apply `projection` to `vectors` (n, encoder's dim) in blocks: in place if it keeps the dimension, else anew."""
    same = projection.dim == vectors.shape[1]
    projected = vectors if same else new_vectors(len(vectors), projection.dim)
    for rows, block in blocks(vectors):
        projected[rows] = projection.apply(block)
    return projected
