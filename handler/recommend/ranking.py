"""Products in the order in which a strategy would show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from handler.products.engine import Neighbor, NeighborIndex


class Ranking(NamedTuple):
    """Unseen products for a session, best first, in columns of equal length."""

    labels: list[int]
    scores: list[float]
    """Inner products with a query, or probabilities."""
    read: NDArray[np.float32] | None = None
    """Their vectors (n, dim), if the strategy has read them."""

    @classmethod
    def of(cls, neighbors: Sequence[Neighbor]) -> Ranking:
        return cls([one.label for one in neighbors], [one.score for one in neighbors])

    def first(self, count: int) -> Ranking:
        return Ranking(self.labels[:count], self.scores[:count], None if self.read is None else self.read[:count])

    def at(self, places: Sequence[int]) -> Ranking:
        labels, scores = [self.labels[place] for place in places], [self.scores[place] for place in places]
        return Ranking(labels, scores, None if self.read is None else self.read[list(places)])

    def vectors(self, index: NeighborIndex) -> NDArray[np.float32]:
        """The products' vectors (n, dim), from `index` unless they have been read; it holds all of them."""
        return index.vectors(self.labels)[1] if self.read is None else self.read


NOTHING = Ranking([], [])
