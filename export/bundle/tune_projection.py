"""A projection tuned to what a shop calls alike: closed form, from the index's vectors alone.

Linear discriminant analysis (Fisher 1936) finds the directions that tell the groups of a field apart. Alone they would
lose everything that the field does not name, so they are joined to the vectors at half their length. Inner products of
joined vectors are those of the vectors times a symmetric matrix, so the dimension stays the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from handler.errors import CatalogError

if TYPE_CHECKING:
    from numpy.typing import NDArray

WEIGHT = 0.5
"""Length of the discriminant part; the vectors have length 1."""
SHRINKAGE = 0.3
"""Share of the within-group covariance that is replaced by a multiple of the identity (Friedman 1989)."""
NEIGHBORS = 10
MIN_GROUPS = 3
MIN_MEMBERS = 2 * (NEIGHBORS + 1)
"""Products that a group needs: half of them are held out, and each of these looks for NEIGHBORS others."""


@dataclass(frozen=True)
class Trial:
    """Precision@10 by group, before and after: on products that were held out, and on groups that were."""

    products: tuple[float, float]
    groups: tuple[float, float]

    @property
    def wins(self) -> bool:
        """Whether tuning gains on held-out products and loses nothing on held-out groups."""
        return self.products[1] > self.products[0] and self.groups[1] >= self.groups[0]


def fit_discriminant(vectors: NDArray[np.float32], groups: NDArray[np.int64]) -> NDArray[np.float32]:
    """The symmetric matrix (dim, dim) that joins `vectors` (n, dim) with the directions that separate `groups` (n,)."""
    names, members = np.unique(groups, return_inverse=True)
    means = np.stack([vectors[members == number].mean(axis=0) for number in range(len(names))]).astype(np.float64)
    dim = vectors.shape[1]
    inside = vectors - means[members]
    within = inside.T @ inside / len(vectors)
    within = (1 - SHRINKAGE) * within + SHRINKAGE * np.trace(within) / dim * np.eye(dim)
    apart = means[members] - vectors.mean(axis=0)
    variances, axes = np.linalg.eigh(within)
    sphere = axes / np.sqrt(variances)
    _, directions = np.linalg.eigh(sphere.T @ (apart.T @ apart) @ sphere)
    discriminant = (sphere @ directions[:, ::-1][:, : len(names) - 1]).T
    length = np.sqrt(((vectors @ discriminant.T) ** 2).sum(axis=1).mean())
    discriminant *= WEIGHT / length
    stretch, axes = np.linalg.eigh(np.eye(dim) + discriminant.T @ discriminant)
    matrix: NDArray[np.float32] = ((axes * np.sqrt(stretch)) @ axes.T).astype(np.float32)
    return matrix


def try_discriminant(vectors: NDArray[np.float32], groups: NDArray[np.int64], seed: int = 0) -> Trial:
    """Fit to half of the products and to two thirds of the groups, and measure on the rest.

    Raises CatalogError for fewer than MIN_GROUPS groups of MIN_MEMBERS products.
    """
    names, sizes = np.unique(groups, return_counts=True)
    if len(names) < MIN_GROUPS or sizes.min() < MIN_MEMBERS:
        raise CatalogError(
            f"{len(names)} groups, the smallest of {sizes.min()} products, are too few to tune by.",
            field="by",
            value=int(sizes.min()),
            limit=MIN_MEMBERS,
            remedy=f"Tune by a field with {MIN_GROUPS} values or more, each of at least {MIN_MEMBERS} products.",
        )
    rng = np.random.default_rng(seed)
    held_out = np.zeros(len(vectors), dtype=bool)
    for name in names:
        own = np.flatnonzero(groups == name)
        held_out[rng.permutation(own)[: len(own) // 2]] = True
    unseen = np.isin(groups, rng.permutation(names)[: max(1, len(names) // 3)])
    return Trial(_before_and_after(vectors, groups, held_out), _before_and_after(vectors, groups, unseen, all_of=True))


def _before_and_after(
    vectors: NDArray[np.float32], groups: NDArray[np.int64], measured: NDArray[np.bool_], *, all_of: bool = False
) -> tuple[float, float]:
    """Precision of the `measured` products before and after a fit to the others.

    They look for neighbors among each other, or with `all_of` among all products.
    """
    matrix = fit_discriminant(vectors[~measured], groups[~measured])
    others = np.ones(len(vectors), dtype=bool) if all_of else measured
    return tuple(  # type: ignore[return-value]  # two values
        _precision(one, groups, np.flatnonzero(measured), np.flatnonzero(others)) for one in (vectors, vectors @ matrix)
    )


def _precision(
    vectors: NDArray[np.float32], groups: NDArray[np.int64], queries: NDArray[np.intp], pool: NDArray[np.intp]
) -> float:
    """Mean share of the NEIGHBORS nearest of `pool` that are of the query's own group."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    shares = []
    for query in queries:
        scores = unit[pool] @ unit[query]
        scores[pool == query] = -np.inf
        nearest = pool[np.argpartition(-scores, NEIGHBORS)[:NEIGHBORS]]
        shares.append(np.mean(groups[nearest] == groups[query]))
    return float(np.mean(shares))
