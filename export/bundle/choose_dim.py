"""How many dimensions the vectors of a catalog need: the fewest that still find the same neighbors.

Truncating a projection to its first k directions is a principal component analysis of the projected vectors, if the
directions are sorted by variance (Jolliffe 2002). Half the dimensions halve the index's memory and its download.
"""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING

import numpy as np

from handler.errors import ConfigurationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEPT = 0.97
"""Of the ten nearest neighbors, of single products and of means of a few: what `auto` keeps."""
NEIGHBORS = 10
STEP = 16
"""`auto` tries multiples of 16: hnswlib's fast distances work on 16 numbers at a time."""

_PRODUCTS = 20_000
"""Products that are compared, spread over the catalog; enough for neighbors to be close ones."""
_QUERIES = 400
_TIE = 1e-6
"""Cosine difference below which two neighbors are equally near: a few float32 roundings of a unit vector."""
_LIKED = 5
"""Products whose mean is searched for: shoppers like a few products, and these are alike."""


def choose_dim(vectors: NDArray[np.float32]) -> int:
    """The smallest multiple of STEP, or else all dimensions, that keeps KEPT of the neighbors of `vectors` (n, dim).

    The columns of `vectors` are sorted by variance, largest first; lengths do not matter. Assumes that more
    dimensions keep more neighbors.
    """
    dim = vectors.shape[1]
    candidates = [*range(STEP, dim, STEP), dim]
    chosen: int = candidates[
        bisect.bisect_left(candidates, KEPT, hi=len(candidates) - 1, key=lambda k: kept(vectors, k))
    ]
    return chosen


def check_dim(dim: int, limit: int) -> None:
    """Raise ConfigurationError unless `dim` is 1 to `limit`."""
    if not 1 <= dim <= limit:
        raise ConfigurationError(
            f"The vectors have {limit} dimensions; {dim} cannot be kept.",
            field="dim",
            value=dim,
            limit=limit,
            remedy=f"Choose --dim 1 to {limit}, or auto.",
        )


def kept(vectors: NDArray[np.float32], dim: int) -> float:
    """Share of the ten nearest neighbors that remain with the first `dim` columns; the lower of products and means.

    Compared on up to 20,000 products that are spread over `vectors`, for up to 400 queries of each kind. A mean is that
    of a product and its four nearest neighbors, computed from unit vectors as a preference is.
    """
    sample = vectors[sample_rows(len(vectors))]
    full, reduced = _unit(sample), _unit(sample[:, :dim])
    queries = _spread(len(sample), _QUERIES)
    truth, found = full[queries] @ full.T, reduced[queries] @ reduced.T
    liked = np.argpartition(-truth, min(_LIKED, len(sample)) - 1, axis=1)[:, :_LIKED]
    for similarities in (truth, found):
        np.put_along_axis(similarities, queries[:, None], -np.inf, axis=1)  # every product is nearest to itself
    products = _still_near(truth, found)
    means = _still_near(full[liked].mean(axis=1) @ full.T, reduced[liked].mean(axis=1) @ reduced.T)
    return min(products, means)


def sample_rows(count: int) -> NDArray[np.int64]:
    """The rows of a catalog of `count` products that `kept` looks at, at most 20,000, evenly spread."""
    return _spread(count, _PRODUCTS)


def _spread(count: int, at_most: int) -> NDArray[np.int64]:
    """At most `at_most` of the indices 0 to `count` - 1, evenly spread."""
    return np.linspace(0, count - 1, min(count, at_most)).round().astype(np.int64)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(norms == 0, 1, norms)).astype(np.float32)


def _still_near(truth: NDArray[np.float32], found: NDArray[np.float32]) -> float:
    """Share of the ten largest of each row in `found` that are, in `truth`, no farther than the tenth largest.

    Products that are equally near, such as copies of one photo, may stand in for each other.
    """
    tenth = np.partition(truth, -NEIGHBORS, axis=1)[:, -NEIGHBORS]
    nearest = np.argpartition(-found, NEIGHBORS - 1, axis=1)[:, :NEIGHBORS]
    return float((np.take_along_axis(truth, nearest, axis=1) >= tenth[:, None] - _TIE).mean())
