"""The products nearest to the likes and farthest from the products passed over.

Source: J. J. Rocchio, "Relevance feedback in information retrieval", in The SMART Retrieval System (1971). Products
that were shown and not chosen are weak negatives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handler.recommend.ranking import NOTHING, Ranking
from handler.recommend.strategies.evidence import answered_pages

if TYPE_CHECKING:
    from handler.products.engine import Candidates, NeighborIndex
    from handler.sessions.state import SessionState

NEGATIVE_WEIGHT = 1.0
"""Weight of the mean of the products passed over, against 1 for the mean of the likes; chosen with `vitrine bench
rounds`."""


def rocchio(state: SessionState, index: NeighborIndex, count: int, allowed: Candidates | None) -> Ranking:
    """The `count` unseen products with the largest inner product with `liked - NEGATIVE_WEIGHT * passed over`.

    A disliked product counts twice among those passed over.
    """
    if state.preference is None:
        return NOTHING
    liked = set(state.liked)
    pages = answered_pages(state)
    passed_over = [label for page in pages for label in (*page.shown, *page.disliked) if label not in liked]
    _, negatives = index.vectors(passed_over)
    query = state.preference.mean
    if len(negatives):
        query = query - NEGATIVE_WEIGHT * negatives.mean(axis=0)
    return Ranking.of(index.nearest(query, count, excluded=state.shown, allowed=allowed))
