"""The products nearest to an average in which the last like weighs half.

Source: the code of Tony Assi's article, which computes `(preference + new) / 2` at every click; its text says mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handler.recommend.ranking import NOTHING, Ranking

if TYPE_CHECKING:
    from handler.products.engine import Candidates, NeighborIndex
    from handler.sessions.state import SessionState

LIKES_USED = 30
"""Earlier likes weigh less than 2 ** -30."""


def recency(state: SessionState, index: NeighborIndex, count: int, allowed: Candidates | None) -> Ranking:
    """The `count` unseen products with the largest inner product with the halving average of the likes."""
    latest = state.liked[-LIKES_USED:]
    known, vectors = index.vectors(latest)
    by_label = dict(zip(known, vectors, strict=True))
    pages = [(page.liked, page.photo) for page in state.rounds]
    query = None
    for liked, photo in [(sorted(state.earlier.liked), None), *pages]:
        for vector in [*(by_label.get(label) for label in liked), photo]:
            if vector is not None:
                query = vector if query is None else (query + vector) / 2
    if query is None:
        return NOTHING
    return Ranking.of(index.nearest(query, count, excluded=state.shown, allowed=allowed))
