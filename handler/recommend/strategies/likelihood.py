"""The likelihood of a session's answers for each product as the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from handler.products.engine import NeighborIndex
    from handler.sessions.state import Round

TAU = 0.15
"""Temperature of a choice, in inner products of projected vectors. Chosen together with SHARPNESS in arrange.py; rounds
change by less than 2 % between 0.1 and 0.2."""
NOTHING_CLOSE = 0.2
"""No pick counts as choosing a phantom product that has this inner product with the target."""
_NEVER = np.float32(-1e9)


class Likelihood:
    """The answers to `pages`, restricted to products that are still in the index.

    Each like is a choice from its page, a dislike is the complement of a choice, and an empty answer is the choice of a
    phantom product.
    """

    def __init__(self, pages: Sequence[Round], index: NeighborIndex) -> None:
        labels = dict.fromkeys(label for page in pages for label in (*page.shown, *page.liked, *page.disliked))
        known, self._vectors = index.vectors(list(labels))
        rows = {label: row for row, label in enumerate(known)}
        on_page = [[rows[label] for label in _all(page) if label in rows] for page in pages]
        self._likes = _pairs(pages, "liked", rows)
        self._dislikes = _pairs(pages, "disliked", rows)
        self._silent = [
            number
            for number, page in enumerate(pages)
            if not page.liked and not page.disliked and page.photo is None and on_page[number]
        ]
        width = max(map(len, on_page), default=0)
        # Shorter pages are padded with a row behind the last vector, whose score is never chosen.
        self._pages = np.asarray([row + [len(known)] * (width - len(row)) for row in on_page], dtype=np.intp)
        self.direction = self._direction(on_page)

    def log(self, candidates: NDArray[np.float32]) -> NDArray[np.float32]:
        """Log likelihood of every candidate (n, dim) -> (n,), up to a constant."""
        scores = candidates @ self._vectors.T / TAU
        padded = np.concatenate([scores, np.full((len(scores), 1), _NEVER, dtype=np.float32)], axis=1)
        total = np.zeros(len(candidates), dtype=np.float32)
        if not self._pages.size:
            return total
        on_page = padded[:, self._pages]
        highest = on_page.max(axis=2)
        normalizer = highest + np.log(np.exp(on_page - highest[:, :, None]).sum(axis=2))
        pages, rows = self._likes
        total += (scores[:, rows] - normalizer[:, pages]).sum(axis=1)
        pages, rows = self._dislikes
        total += np.log1p(-np.exp(np.minimum(scores[:, rows] - normalizer[:, pages], -1e-3))).sum(axis=1)
        total -= np.logaddexp(0, normalizer[:, self._silent] - NOTHING_CLOSE / TAU).sum(axis=1)
        return total

    def _direction(self, on_page: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Gradient of the log likelihood, times TAU, at the catalog's center, where all products are equally far."""
        weights = np.zeros(len(self._vectors), dtype=np.float32)
        for number, row in zip(*self._likes, strict=True):
            weights[row] += 1
            weights[on_page[number]] -= 1 / len(on_page[number])
        for row in self._dislikes[1]:
            weights[row] -= 1
        for number in self._silent:
            weights[on_page[number]] -= 1 / len(on_page[number])
        direction: NDArray[np.float32] = weights @ self._vectors
        return direction


def _all(page: Round) -> dict[int, None]:
    """All options of a choice; an answer may also name a product of an earlier page."""
    return dict.fromkeys((*page.shown, *page.liked, *page.disliked))


def _pairs(pages: Sequence[Round], answer: str, rows: dict[int, int]) -> tuple[list[int], list[int]]:
    """Page numbers and vector rows of the answers whose products are still known, as two lists of equal length."""
    pairs = [
        (number, rows[label]) for number, page in enumerate(pages) for label in getattr(page, answer) if label in rows
    ]
    return [number for number, _ in pairs], [row for _, row in pairs]
