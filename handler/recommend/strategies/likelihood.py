"""The likelihood of a session's answers for each product as the target."""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import accumulate, chain, compress
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from handler.products.engine import NeighborIndex
    from handler.recommend.strategies.evidence import Choices

TAU = 0.15
"""Temperature of a choice, in inner products of projected vectors. Chosen together with SHARPNESS in arrange.py; rounds
change by less than 2 % between 0.1 and 0.2."""
NOTHING_CLOSE = 0.2
"""No pick counts as choosing a phantom product that has this inner product with the target."""
_LEAST = 1e-3
"""A dislike has at least this probability, however surely its product is the choice."""


class Likelihood:
    """The answers of a session, restricted to products that are still in the index.

    Each like is a choice from its page, a dislike is the complement of a choice, and an empty answer is the choice of a
    phantom product.
    """

    def __init__(self, choices: Choices, index: NeighborIndex) -> None:
        known, self._vectors = index.vectors(choices.options)
        if len(known) < len(choices.options):
            choices = choices.among(set(known))
        # The vectors (n, dim) lie page by page: each page's start at a row.
        *self._starts, end = accumulate(choices.sizes, initial=0)
        self._liked = np.frombuffer(choices.liked, dtype=np.uint8).astype(np.float32)
        self._disliked = list(compress(range(end), choices.disliked))
        self._disliked_on = [bisect_right(self._starts, row) - 1 for row in self._disliked]
        self._silent = list(compress(range(len(choices.sizes)), choices.silent))
        pages = list(zip(self._starts, choices.sizes, choices.silent, strict=True))
        self._made = [1 if silent else choices.liked.count(1, start, start + size) for start, size, silent in pages]
        self.direction = self._direction(choices.sizes)
        self.informative = any(self._made) or bool(self._disliked)
        """Whether any answer distinguishes one product from another."""

    def log(self, candidates: NDArray[np.float32]) -> NDArray[np.float32]:
        """Log likelihood of every candidate (n, dim) -> (n,), up to a constant."""
        # Nothing overflows: inner products of unit vectors are at most 1, and exp(1 / TAU) is 786.
        scores = self._vectors @ candidates.T
        scores /= TAU
        weights = np.exp(scores)
        totals = np.add.reduceat(weights, np.asarray(self._starts, dtype=np.intp), axis=0)
        log: NDArray[np.float32] = self._liked @ scores
        if self._disliked:
            refusals = 1 - weights[self._disliked] / totals[self._disliked_on]
            log += np.log(np.maximum(refusals, _LEAST)).sum(axis=0)
        if self._silent:
            totals[self._silent] += math.exp(NOTHING_CLOSE / TAU)
        log -= np.asarray(self._made, dtype=np.float32) @ np.log(totals)
        return log

    def _direction(self, sizes: Sequence[int]) -> NDArray[np.float32]:
        """Gradient of the log likelihood, times TAU, at the catalog's center, where all products are equally far."""
        by_page = [[-made / size] * size for made, size in zip(self._made, sizes, strict=True)]
        weights = self._liked + np.asarray(list(chain.from_iterable(by_page)), dtype=np.float32)
        for row in self._disliked:
            weights[row] -= 1
        direction: NDArray[np.float32] = weights @ self._vectors
        return direction
