"""Chooses the next page of a session. Pure; the source of randomness is injected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from handler.recommend.arrange import cover, diversify

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from handler.products.engine import Candidates, NeighborIndex
    from handler.recommend.ranking import Ranking
    from handler.recommend.strategies import Strategy
    from handler.sessions.state import SessionState

REASONS_SHOWN = 2
LIKES_COMPARED = 100
DIVERSE_POOL = 4
"""A varied page is picked from this many times the products it shows."""
EXPLORE_POOL = 24
"""An exploring page is picked from the most probable products, at least this many."""

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
    wanted = max(pool, request.count, EXPLORE_POOL) if explores else pool
    ranked = request.strategy.rank(state, index, wanted, request.allowed)
    best = ranked.first(pool)
    places = diversify(best, request.similar, index) if request.diverse else range(len(best.labels))
    covering = cover(ranked, places, request.count - len(places), index) if explores else []
    on_page = [ranked.labels[place] for place in (*places, *(place for place, _ in covering))]
    candidates = index.everything if request.allowed is None else request.allowed
    drawn = candidates.draw(request.count - len(on_page), state.shown.union(on_page), rng)
    # The reasons come last: they need vectors, which an engine on a server reads together with the drawn products.
    return [
        *_similar_picks(ranked.at(places), state.liked, index),
        *(Pick(ranked.labels[place], "explore", ranked.scores[place], share=share) for place, share in covering),
        *(Pick(label, "random") for label in drawn),
    ]


def closest_liked(products: Ranking, liked: Sequence[int], index: NeighborIndex) -> list[tuple[int, ...]]:
    """For each product the REASONS_SHOWN of `liked` that are most similar to it, most similar first.

    The index holds all products. The last LIKES_COMPARED of `liked` that are still in the catalog are compared.
    """
    if not products.labels:
        return []
    # All likes are looked up, as for the preference: an index may remember its last answer.
    known, vectors = index.vectors(liked)
    known, vectors = known[-LIKES_COMPARED:], vectors[-LIKES_COMPARED:]
    order = np.argsort(-(products.vectors(index) @ vectors.T), axis=1, kind="stable")[:, :REASONS_SHOWN]
    return [tuple(known[column] for column in row) for row in order.tolist()]


def _similar_picks(products: Ranking, liked: Sequence[int], index: NeighborIndex) -> list[Pick]:
    reasons = closest_liked(products, liked, index)
    return [
        Pick(label, "similar", score, because)
        for label, score, because in zip(products.labels, products.scores, reasons, strict=True)
    ]
