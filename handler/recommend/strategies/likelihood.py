"""How well each product explains the answers of a session, were it the one that the shopper looks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from handler.products.neighbors import NeighborIndex
    from handler.sessions.state import Round

TAU = 0.2
"""Temperature of a choice, in inner products of whitened vectors; between 0.1 and 0.4 little changes."""
NOTHING_CLOSE = 0.2
"""Who picks nothing has chosen, as it were, an imaginary product of this inner product with the target."""
_NEVER = np.float32(-1e9)


class Likelihood:
    """The answers to `pages`, as far as their products are still in the index.

    A like is a choice from its page; several likes are several choices. A dislike is the complement of a choice. An
    empty answer is the choice of something that was not there.
    """

    def __init__(self, pages: Sequence[Round], index: NeighborIndex) -> None:
        labels = dict.fromkeys(label for page in pages for label in (*page.shown, *page.liked, *page.disliked))
        known, self._vectors = index.vectors(list(labels))
        places = {label: place for place, label in enumerate(known)}
        on_page = [[places[label] for label in _all(page) if label in places] for page in pages]
        self._likes = _pairs(pages, "liked", places)
        self._dislikes = _pairs(pages, "disliked", places)
        self._silent = [
            number
            for number, page in enumerate(pages)
            if not page.liked and not page.disliked and page.photo is None and on_page[number]
        ]
        width = max(map(len, on_page), default=0)
        # Pages of unequal length are filled up with a place behind the last vector, which nobody ever chooses.
        self._pages = np.asarray([row + [len(known)] * (width - len(row)) for row in on_page], dtype=np.intp)
        self.direction = self._direction(on_page, index.dim)

    def log(self, candidates: NDArray[np.float32]) -> NDArray[np.float32]:
        """Log likelihood of every candidate (n, dim) -> (n,), up to a constant."""
        scores = candidates @ self._vectors.T / TAU
        padded = np.concatenate([scores, np.full((len(scores), 1), _NEVER, dtype=np.float32)], axis=1)
        total = np.zeros(len(candidates), dtype=np.float32)
        if not self._pages.size:
            return total
        on_page = padded[:, self._pages]
        highest = on_page.max(axis=2)
        normaliser = highest + np.log(np.exp(on_page - highest[:, :, None]).sum(axis=2))
        pages, places = self._likes
        total += (scores[:, places] - normaliser[:, pages]).sum(axis=1)
        pages, places = self._dislikes
        total += np.log1p(-np.exp(np.minimum(scores[:, places] - normaliser[:, pages], -1e-3))).sum(axis=1)
        total -= np.logaddexp(0, normaliser[:, self._silent] - NOTHING_CLOSE / TAU).sum(axis=1)
        return total

    def _direction(self, on_page: Sequence[Sequence[int]], dim: int) -> NDArray[np.float32]:
        """Gradient of the log likelihood at the catalog's centre, times TAU: where all products are equally far."""
        direction = np.zeros(dim, dtype=np.float32)
        for number, place in zip(*self._likes, strict=True):
            direction += self._vectors[place] - self._vectors[on_page[number]].mean(axis=0)
        for place in self._dislikes[1]:
            direction -= self._vectors[place]
        for number in self._silent:
            direction -= self._vectors[on_page[number]].mean(axis=0)
        return direction


def _all(page: Round) -> dict[int, None]:
    """Everything to choose from; an answer may name a product of an earlier page."""
    return dict.fromkeys((*page.shown, *page.liked, *page.disliked))


def _pairs(pages: Sequence[Round], answer: str, places: dict[int, int]) -> tuple[list[int], list[int]]:
    """Page number and vector's place of every answer whose product is still known, as two lists of equal length."""
    pairs = [
        (number, places[label])
        for number, page in enumerate(pages)
        for label in getattr(page, answer)
        if label in places
    ]
    return [number for number, _ in pairs], [place for _, place in pairs]
