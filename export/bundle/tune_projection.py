"""A projection tuned to what a shop calls alike: closed form, from the index's vectors alone.

First the directions in which alike products differ are shortened: within-class covariance normalization (Hatch,
Kajarekar and Stolcke 2006), here to a partial power. It knows no groups afterwards, so products of new kinds gain, too.
Then the vectors are joined with directions that tell products apart, at half their length. Alone these would lose all
that the groups do not name. Inner products of joined vectors are those of the vectors times a symmetric matrix, so the
dimension stays the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WEIGHT = 0.5
"""Length of the joined part; the vectors have length 1."""
EVENING = 0.25
"""The power that divides a direction's variance within groups: 0 changes nothing, 0.5 whitens fully. At 0, products of
held-out classes lose; see export/bench/README.md."""
SHRINKAGE = 0.1
"""Share of a covariance that is replaced by a multiple of the identity (Friedman 1989)."""


@dataclass(frozen=True)
class Trial:
    """A measure before and after tuning: on products that were held out, and on whole groups of products that were."""

    products: tuple[float, float]
    groups: tuple[float, float]
    chance: float = 0.0
    """A gain on held-out products that chance explains."""

    @property
    def wins(self) -> bool:
        """Whether tuning gains on held-out products, beyond chance, and loses nothing on held-out groups."""
        return self.products[1] > self.products[0] + self.chance and self.groups[1] >= self.groups[0]


def even_out(vectors: NDArray[np.float32], groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """The symmetric matrix (dim, dim) that shortens the directions in which `vectors` (n, dim) of a group differ.

    `groups` (n,) are numbers; several rows may be the same product.
    """
    variances, axes = np.linalg.eigh(within(vectors, groups))
    matrix: NDArray[np.float64] = (axes * variances**-EVENING) @ axes.T
    return matrix


def within(vectors: NDArray[np.float32], groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """The covariance (dim, dim) about the means of `groups` (n,), shrunk."""
    dim = vectors.shape[1]
    inside = (vectors - group_means(vectors, groups)[groups]).astype(np.float64)
    covariance = inside.T @ inside / len(vectors)
    shrunk: NDArray[np.float64] = (1 - SHRINKAGE) * covariance + SHRINKAGE * np.trace(covariance) / dim * np.eye(dim)
    return shrunk


def group_means(vectors: NDArray[np.float32], groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean of each group's vectors (k, dim); `groups` (n,) are all of the numbers 0 to k - 1."""
    counts = np.bincount(groups)
    order = np.argsort(groups, kind="stable")
    sums = np.add.reduceat(vectors[order].astype(np.float64), np.r_[0, np.cumsum(counts)[:-1]], axis=0)
    means: NDArray[np.float64] = sums / counts[:, None]
    return means


def join(vectors: NDArray[np.float32], directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """The symmetric matrix (dim, dim) that joins `vectors` (n, dim) with `directions` (k, dim), WEIGHT long on average.

    Without a direction it changes nothing.
    """
    dim = vectors.shape[1]
    if not len(directions):
        return np.eye(dim)
    length = np.sqrt(((vectors @ directions.T) ** 2).sum(axis=1).mean())
    joined = directions * (WEIGHT / length)
    stretch, axes = np.linalg.eigh(np.eye(dim) + joined.T @ joined)
    matrix: NDArray[np.float64] = (axes * np.sqrt(stretch)) @ axes.T
    return matrix


def tuned(vectors: NDArray[np.float32], matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """`vectors` (n, dim) times `matrix` (dim, dim), of unit length."""
    moved = vectors @ matrix
    unit: NDArray[np.float32] = (moved / np.linalg.norm(moved, axis=1, keepdims=True)).astype(np.float32)
    return unit
