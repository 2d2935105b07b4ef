"""Pages of a session that has searched for something."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from handler.recommend.next_page import PageRequest, Pick, next_page

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from handler.products.engine import Neighbor, NeighborIndex
    from handler.sessions.state import SessionState


def search_page(
    state: SessionState,
    request: PageRequest,
    found: Sequence[Neighbor],
    words: NDArray[np.float32],
    index: NeighborIndex,
    rng: random.Random,
) -> list[Pick]:
    """A page that follows the likes and, as one more like, the unit vector `words` (dim,).

    It starts with `found`, the unseen products that answer the search itself, which take the place of similar ones.
    """
    hits = [Pick(one.label, "searched", one.score) for one in found]
    seen = replace(state.earlier, shown=state.earlier.shown.union(pick.label for pick in hits))
    following = replace(state, earlier=seen).with_words(words)
    rest = replace(request, count=request.count - len(hits), similar=request.similar - len(hits))
    picks = next_page(following, rest, index, rng)
    return hits + _attributed(picks, state.liked, words, index)


def _attributed(
    picks: list[Pick], liked: Sequence[int], words: NDArray[np.float32], index: NeighborIndex
) -> list[Pick]:
    """`picks`, where similar products that are closer to the words than to every like are there for the words."""
    similar = [pick.label for pick in picks if pick.reason == "similar"]
    labels, vectors = index.vectors(similar)
    _, likes = index.vectors(liked)
    closest = (vectors @ likes.T).max(axis=1, initial=-1)
    by_words = dict(zip(labels, vectors @ words > closest, strict=True))
    return [pick._replace(reason="searched", because=()) if by_words.get(pick.label, False) else pick for pick in picks]
