"""The likelihood of a session's answers for each product as the target."""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from handler.products.engine import NeighborIndex
    from handler.sessions.history import Round

TAU = 0.15
"""Temperature of a choice, in inner products of projected vectors. Chosen together with SHARPNESS in arrange.py; rounds
change by less than 2 % between 0.1 and 0.2."""
NOTHING_CLOSE = 0.2
"""No pick counts as choosing a phantom product that has this inner product with the target."""
_LEAST = 1e-3
"""A dislike has at least this probability, however surely its product is the choice."""


class Likelihood:
    """The answers to `pages`, restricted to products that are still in the index.

    Each like is a choice from its page, a dislike is the complement of a choice, and an empty answer is the choice of a
    phantom product.
    """

    def __init__(self, pages: Sequence[Round], index: NeighborIndex) -> None:
        options = [_options(page) for page in pages]
        labels = list(chain.from_iterable(options))
        known, self._vectors = index.vectors(labels)
        if len(known) < len(labels):
            held = set(known)
            options = [[label for label in page if label in held] for page in options]
        # The vectors (n, dim) lie page by page. Of each page: its first row, and how many choices were made from it.
        self._starts: list[int] = []
        self._choices: list[int] = []
        self._silent: list[int] = []
        self._liked: list[int] = []
        self._disliked: list[int] = []
        self._disliked_on: list[int] = []
        pull: list[float] = []
        for page, left in zip(pages, options, strict=True):
            if left:
                pull += self._add(page, left, len(pull))
        self.direction: NDArray[np.float32] = np.asarray(pull, dtype=np.float32) @ self._vectors
        """Gradient of the log likelihood, times TAU, at the catalog's center, where all products are equally far."""

    def log(self, candidates: NDArray[np.float32]) -> NDArray[np.float32]:
        """Log likelihood of every candidate (n, dim) -> (n,), up to a constant."""
        # Nothing overflows: inner products of unit vectors are at most 1, and exp(1 / TAU) is 786.
        scores = self._vectors @ candidates.T
        scores /= TAU
        weights = np.exp(scores)
        totals = np.add.reduceat(weights, np.asarray(self._starts, dtype=np.intp), axis=0)
        log: NDArray[np.float32] = scores[self._liked].sum(axis=0)
        if self._disliked:
            refusals = 1 - weights[self._disliked] / totals[self._disliked_on]
            log += np.log(np.maximum(refusals, _LEAST)).sum(axis=0)
        if self._silent:
            totals[self._silent] += math.exp(NOTHING_CLOSE / TAU)
        log -= np.asarray(self._choices, dtype=np.float32) @ np.log(totals)
        return log

    def _add(self, page: Round, options: Sequence[int], start: int) -> list[float]:
        """Take in a page's answer; the vectors of its options are the rows from `start` on.

        Returns the weight of each option's vector in the direction.
        """
        number = len(self._starts)
        liked = [options.index(label) for label in page.liked if label in options]
        disliked = [options.index(label) for label in page.disliked if label in options]
        silent = not page.liked and not page.disliked and page.photo is None
        choices = 1 if silent else len(liked)
        self._starts.append(start)
        self._choices.append(choices)
        self._silent += [number] * silent
        self._liked += [start + place for place in liked]
        self._disliked += [start + place for place in disliked]
        self._disliked_on += [number] * len(disliked)
        weights = [-choices / len(options)] * len(options)
        for place in liked:
            weights[place] += 1
        for place in disliked:
            weights[place] -= 1
        return weights


def _options(page: Round) -> list[int]:
    """All options of a choice; an answer may also name a product of an earlier page."""
    return [*page.shown, *(label for label in (*page.liked, *page.disliked) if label not in page.shown)]
