"""Chooses the next page of a session. Pure; the source of randomness is injected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from handler.recommend.arrange import cover, diversify

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from handler.products.engine import Candidates, Neighbor, NeighborIndex
    from handler.recommend.strategies import Strategy
    from handler.sessions.state import SessionState

REASONS_SHOWN = 2
LIKES_COMPARED = 100
DIVERSE_POOL = 4
"""A varied page is picked from this many times the products it shows."""
EXPLORE_POOL = 64
"""An exploring page is picked from at least this many products."""

Reason = Literal["similar", "random", "explore", "searched"]


class Pick(NamedTuple):
    """A product on a page, and the reason for it."""

    label: int
    reason: Reason | None
    score: float | None = None
    """The value the strategy ranked it by: an inner product with a query, or a probability."""
    because: tuple[int, ...] = ()
    """The liked products closest to it, closest first."""
    share: float | None = None
    """For an exploring product: the share of the posterior that lies closer to it than to the rest of the page."""


@dataclass(frozen=True)
class PageRequest:
    """`similar` of `count` products follow taste; the rest explore if the strategy can, and are random otherwise."""

    count: int
    similar: int
    strategy: Strategy
    allowed: Candidates | None = None
    """The products that pass the shopper's filter; None without a filter."""
    diverse: bool = False
    """Whether the similar products should differ from each other."""


def next_page(state: SessionState, request: PageRequest, index: NeighborIndex, rng: random.Random) -> list[Pick]:
    """Choose the next page: unseen products only, none twice, and fewer than asked only if fewer are left."""
    explores = request.strategy.explores
    pool = request.similar * (DIVERSE_POOL if request.diverse else 1)
    ranked = request.strategy.rank(state, index, max(pool, EXPLORE_POOL if explores else 0), request.allowed)
    best = ranked[:pool]
    similar = diversify(best, request.similar, index) if request.diverse else best
    covering = cover(ranked, similar, request.count - len(similar), index) if explores else []
    taken = state.shown.union(found.label for found in (*similar, *(found for found, _ in covering)))
    candidates = index.everything if request.allowed is None else request.allowed
    drawn = candidates.draw(request.count - len(similar) - len(covering), taken, rng)
    # The reasons come last: they need vectors, which an engine on a server reads together with the drawn products.
    return [
        *_similar_picks(similar, state.liked[-LIKES_COMPARED:], index),
        *(Pick(found.label, "explore", found.score, share=share) for found, share in covering),
        *(Pick(label, "random") for label in drawn),
    ]


def closest_liked(labels: Sequence[int], liked: Sequence[int], index: NeighborIndex) -> list[tuple[int, ...]]:
    """For each label the REASONS_SHOWN of `liked` that are most similar to it, most similar first.

    The index holds all of `labels`. Liked products that have left the catalog are ignored.
    """
    reasons, reason_vectors = index.vectors(liked)
    if not labels or not reasons:
        return [()] * len(labels)
    _, vectors = index.vectors(labels)
    order = np.argsort(-(vectors @ reason_vectors.T), axis=1, kind="stable")[:, :REASONS_SHOWN]
    return [tuple(reasons[column] for column in row) for row in order.tolist()]


def _similar_picks(neighbors: Sequence[Neighbor], liked: Sequence[int], index: NeighborIndex) -> list[Pick]:
    reasons = closest_liked([neighbor.label for neighbor in neighbors], liked, index)
    return [
        Pick(neighbor.label, "similar", neighbor.score, because)
        for neighbor, because in zip(neighbors, reasons, strict=True)
    ]
