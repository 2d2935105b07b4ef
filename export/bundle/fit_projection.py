"""The projection of a catalog's embeddings: centered, partly whitened, and reduced if the encoder was joined.

Embeddings of one shop's photos share most of their length (products on a white ground) and vary along few directions.
Centering and stretching the weak directions emphasizes the differences that shoppers see. Half-whitening scales a
direction of variance v by v^(-1/4) instead of v^(-1/2), which keeps the noise of the weakest directions small. It helps
transformers and hurts convolutional networks, so every encoder names its power; export/bench/README.md has the effect.

The parts of a joined encoder are whitened each on its own and scaled to their weights. What remains is a rotation onto
the principal components of the whole, of which JOINED_DIM find a target as soon as all do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from export.bundle.choose_dim import check_dim, choose_dim, sample_rows
from export.photos.vector_blocks import blocks, new_vectors
from handler.photos.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from handler.photos.encoder import Part

Dim = int | Literal["auto"] | None
"""How many dimensions to keep; auto: the fewest that find the same neighbors; None: as many as the whitening yields."""

MIN_VECTORS = 30
"""Fewer photos do not show what they have in common."""
HALF = 0.25
"""Half-whitening: the power that divides a direction's variance. 0 only centers, 0.5 whitens fully."""
RIDGE = 0.1
"""Added to every variance, as a share of their mean: directions that few photos vary along are not blown up."""

MIN_VARIANCE = 1e-10
"""Summed over all dimensions. Below it unit vectors differ by rounding only (float32: about 1e-14), which the map would
amplify."""

JOINED_DIM = 256
"""Principal components of a joined encoder's vectors. On 459 clothing photos, 128, 256, 384 and all 1,664 need the
same number of rounds within 3 %."""


def fit_projection(
    vectors: NDArray[np.float32], whitening: float = HALF, parts: Sequence[Part] = (), dim: Dim = None
) -> Projection | None:
    """Fit to an encoder's unit vectors (n, dim), read in blocks; `whitening` and `parts` as its EncoderSpec has them.

    With `dim` the directions are sorted by variance and the first `dim` kept: a principal component analysis of the
    whitened vectors. Sorting alone changes no cosine.

    None for fewer than MIN_VECTORS, and for vectors that do not differ (MIN_VARIANCE). Raises ConfigurationError for a
    `dim` that is larger than what the whitening yields.
    """
    if len(vectors) < MIN_VECTORS:
        return None
    center, covariance = moments(vectors)
    if np.trace(covariance) < MIN_VARIANCE:
        return None
    matrix = _joined(covariance, parts) if parts else _whitening(covariance, whitening)
    if dim is not None:
        matrix = _sorted(matrix, covariance)
        if dim == "auto":
            dim = choose_dim(((vectors[sample_rows(len(vectors))] - center) @ matrix.T).astype(np.float32))
        check_dim(dim, len(matrix))
        matrix = matrix[:dim]
    return Projection(center.astype(np.float32), matrix.astype(np.float32))


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


def _whitening(covariance: NDArray[np.float64], power: float) -> NDArray[np.float64]:
    """ZCA (Bell and Sejnowski 1997) to a partial power: (dim, dim), symmetric. 0 leaves everything as it is."""
    variances, directions = np.linalg.eigh(covariance)
    variances = np.maximum(variances, 0)
    scales = (variances + RIDGE * variances.mean()) ** -power
    matrix: NDArray[np.float64] = (directions * scales) @ directions.T
    return matrix


def _joined(covariance: NDArray[np.float64], parts: Sequence[Part]) -> NDArray[np.float64]:
    """Whiten each part, scale it to its weight (root mean square), and keep JOINED_DIM components: (dim, all)."""
    whole = np.zeros_like(covariance)
    start = 0
    for part in parts:
        own = slice(start, start + part.dim)
        start += part.dim
        if np.trace(covariance[own, own]) < MIN_VARIANCE:
            continue
        matrix = _whitening(covariance[own, own], part.whitening)
        length = np.sqrt(np.trace(matrix @ covariance[own, own] @ matrix))
        whole[own, own] = part.weight / length * matrix
    _, directions = np.linalg.eigh(whole @ covariance @ whole)
    components = directions[:, ::-1][:, :JOINED_DIM]
    projection: NDArray[np.float64] = components.T @ whole
    return projection


def _sorted(matrix: NDArray[np.float64], covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """`matrix` (k, dim) with its rows rotated onto the principal components of what it yields, largest variance first.

    `covariance` (dim, dim) is that of the vectors it is applied to.
    """
    _, directions = np.linalg.eigh(matrix @ covariance @ matrix.T)
    rotated: NDArray[np.float64] = directions.T[::-1] @ matrix
    return rotated
