"""One round: what to show next, given a session. Pure; the source of randomness is injected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from handler.recommend.arrange import cover, diversify

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from handler.products.labels import LabelSet
    from handler.products.neighbors import Neighbor, NeighborIndex
    from handler.recommend.strategies import Strategy
    from handler.sessions.state import SessionState

REASONS_SHOWN = 2
LIKES_COMPARED = 100
DIVERSE_POOL = 4
"""A varied page is picked from so many times as many as it shows."""
EXPLORE_POOL = 64
"""A page that explores is picked from at least so many."""

Reason = Literal["similar", "random", "explore"]


@dataclass(frozen=True)
class Pick:
    """A product on a page, and why it is there."""

    label: int
    reason: Reason | None
    score: float | None = None
    """What the strategy ranked it by: an inner product with a query, or a probability."""
    because: tuple[int, ...] = ()
    """The liked products closest to it, closest first."""
    share: float | None = None
    """For a product that explores: how much of what is still likely lies closer to it than to the rest of the page."""


@dataclass(frozen=True)
class PageRequest:
    """`similar` of `count` products follow taste; the others explore if the strategy can, else they are random."""

    count: int
    similar: int
    strategy: Strategy
    allowed: LabelSet | None = None
    """Only these, where the shopper filters."""
    diverse: bool = False
    """The similar ones are to be unlike each other, too."""


def next_page(state: SessionState, request: PageRequest, index: NeighborIndex, rng: random.Random) -> list[Pick]:
    """Choose the next page: nothing this session has shown, nothing twice, and fewer only if fewer are left."""
    explores = request.strategy.explores
    pool = request.similar * (DIVERSE_POOL if request.diverse else 1)
    ranked = request.strategy.rank(state, index, max(pool, EXPLORE_POOL if explores else 0), request.allowed)
    best = ranked[:pool]
    similar = diversify(best, request.similar, index) if request.diverse else best
    picks = _similar_picks(similar, state.liked[-LIKES_COMPARED:], index)
    if explores:
        covering = cover(ranked, similar, request.count - len(similar), index)
        picks += [Pick(found.label, "explore", found.score, share=share) for found, share in covering]
    taken = state.shown.union(pick.label for pick in picks)
    candidates = index.everything if request.allowed is None else request.allowed
    drawn = candidates.draw(request.count - len(picks), taken, rng)
    return picks + [Pick(label, "random") for label in drawn]


def closest_liked(labels: Sequence[int], liked: Sequence[int], index: NeighborIndex) -> list[tuple[int, ...]]:
    """For each label the REASONS_SHOWN of `liked` that are most similar to it, most similar first.

    Every one of `labels` is in the index; what was liked and has left the catalog is no reason.
    """
    reasons, reason_vectors = index.vectors(liked)
    if not labels or not reasons:
        return [()] * len(labels)
    _, vectors = index.vectors(labels)
    order = np.argsort(-(vectors @ reason_vectors.T), axis=1, kind="stable")[:, :REASONS_SHOWN]
    return [tuple(reasons[place] for place in row) for row in order.tolist()]


def _similar_picks(neighbors: Sequence[Neighbor], liked: Sequence[int], index: NeighborIndex) -> list[Pick]:
    reasons = closest_liked([neighbor.label for neighbor in neighbors], liked, index)
    return [
        Pick(neighbor.label, "similar", neighbor.score, because)
        for neighbor, because in zip(neighbors, reasons, strict=True)
    ]
