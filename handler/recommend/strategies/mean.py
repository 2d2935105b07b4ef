"""The products nearest to the mean of the likes.

Source: Tony Assi's article on a visual recommender built on ViT embeddings, whose text averages all liked embeddings.
(Its code averages pairwise instead; see recency.py.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handler.recommend.ranking import NOTHING, Ranking

if TYPE_CHECKING:
    from handler.products.engine import Candidates, NeighborIndex
    from handler.sessions.state import SessionState


def mean(state: SessionState, index: NeighborIndex, count: int, allowed: Candidates | None) -> Ranking:
    """The `count` unseen products with the largest inner product with the preference."""
    if state.preference is None:
        return NOTHING
    return Ranking.of(index.nearest(state.preference.mean, count, excluded=state.shown, allowed=allowed))
