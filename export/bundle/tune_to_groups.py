"""Tuning to groups of products, such as those of a field's values.

Linear discriminant analysis (Fisher 1936) finds the directions that tell the groups apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from export.bundle.tune_projection import Trial, even_out, group_means, join, tuned, within
from handler.errors import CatalogError

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEIGHBORS = 10
MIN_GROUPS = 3
MIN_MEMBERS = 2 * (NEIGHBORS + 1)
"""Products that a group needs: half of them are held out, and each of these looks for NEIGHBORS others."""


def fit_to_groups(vectors: NDArray[np.float32], groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """The matrix (dim, dim) that tunes unit `vectors` (n, dim) to `groups` (n,), any numbers; see `tune_projection`."""
    _, numbers = np.unique(groups, return_inverse=True)
    even = even_out(vectors, numbers)
    evened = tuned(vectors, even)
    return even @ join(evened, discriminant(evened, numbers))


def discriminant(vectors: NDArray[np.float32], groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """The directions (number of groups - 1, dim) that separate `groups` (n,) best, with unit variance within groups."""
    means = group_means(vectors, groups)
    apart = means[groups] - vectors.mean(axis=0)
    variances, axes = np.linalg.eigh(within(vectors, groups))
    sphere = axes / np.sqrt(variances)
    _, directions = np.linalg.eigh(sphere.T @ (apart.T @ apart) @ sphere)
    best: NDArray[np.float64] = (sphere @ directions[:, ::-1][:, : len(means) - 1]).T
    return best


def try_groups(vectors: NDArray[np.float32], groups: NDArray[np.int64], seed: int = 0) -> Trial:
    """Fit to half of the products and to two thirds of the groups, and measure precision@10 on the rest.

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
    among_each_other = _before_and_after(vectors, groups, held_out, held_out)
    among_all = _before_and_after(vectors, groups, unseen, np.ones(len(vectors), dtype=bool))
    return Trial(among_each_other, among_all)


def _before_and_after(
    vectors: NDArray[np.float32],
    groups: NDArray[np.int64],
    measured: NDArray[np.bool_],
    pool: NDArray[np.bool_],
) -> tuple[float, float]:
    """Precision of the `measured` products among those of `pool`, before and after a fit to those not measured."""
    after = tuned(vectors, fit_to_groups(vectors[~measured], groups[~measured]))
    return precision(vectors, groups, measured, pool), precision(after, groups, measured, pool)


def precision(
    vectors: NDArray[np.float32], groups: NDArray[np.int64], measured: NDArray[np.bool_], pool: NDArray[np.bool_]
) -> float:
    """Mean share of the NEIGHBORS nearest of `pool` (n,) that are of the same group, over `measured` (n,).

    `vectors` (n, dim) are unit vectors.
    """
    others = np.flatnonzero(pool)
    shares = []
    for query in np.flatnonzero(measured):
        scores = vectors[others] @ vectors[query]
        scores[others == query] = -np.inf
        nearest = others[np.argpartition(-scores, NEIGHBORS)[:NEIGHBORS]]
        shares.append(np.mean(groups[nearest] == groups[query]))
    return float(np.mean(shares))
