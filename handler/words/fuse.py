"""One ranking from several."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from handler.products.engine import Neighbor

if TYPE_CHECKING:
    from collections.abc import Sequence

K = 60
"""Source: G. V. Cormack, C. L. A. Clarke and S. Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual
rank learning methods", SIGIR 2009. They fixed it in a pilot and found that its exact value matters little."""


def fuse(rankings: Sequence[Sequence[int]], count: int) -> list[Neighbor]:
    """The `count` labels with the largest sums of 1 / (K + rank) over `rankings`, ranks counted from 1.

    Of equal sums the label that comes first in the earlier ranking wins.
    """
    scores = defaultdict[int, float](float)
    for ranking in rankings:
        for rank, label in enumerate(ranking, start=1):
            scores[label] += 1 / (K + rank)
    best = sorted(scores.items(), key=lambda pair: -pair[1])
    return [Neighbor(label, score) for label, score in best[:count]]
