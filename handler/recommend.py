"""One round: what to show next, given a session. Pure; the source of randomness is injected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from handler.labels import LabelSet
    from handler.neighbors import Neighbor, NeighborIndex
    from handler.session import SessionState
    from handler.strategies import Strategy

REASONS_SHOWN = 2
LIKES_COMPARED = 100

Reason = Literal["similar", "random"]


@dataclass(frozen=True)
class Pick:
    """A product on a page, and why it is there."""

    label: int
    reason: Reason | None
    score: float | None = None
    """Inner product of its unit vector with the preference, for a similar product."""
    because: tuple[int, ...] = ()
    """The liked products closest to it, closest first."""


@dataclass(frozen=True)
class PageRequest:
    """`similar` of `count` products follow taste, the others are drawn at random."""

    count: int
    similar: int
    strategy: Strategy
    allowed: LabelSet | None = None
    """Only these, where the shopper filters."""


def next_page(state: SessionState, request: PageRequest, index: NeighborIndex, rng: random.Random) -> list[Pick]:
    """Choose the next page: nothing this session has shown, nothing twice, and fewer only if fewer are left."""
    neighbors = request.strategy(state, index, request.similar, request.allowed)
    similar = _explain(neighbors, state.liked[-LIKES_COMPARED:], index)
    taken = state.shown.union(pick.label for pick in similar)
    candidates = index.everything if request.allowed is None else request.allowed
    drawn = candidates.draw(request.count - len(similar), taken, rng)
    return similar + [Pick(label, "random") for label in drawn]


def closest_liked(labels: Sequence[int], liked: Sequence[int], index: NeighborIndex) -> list[tuple[int, ...]]:
    """For each label the REASONS_SHOWN of `liked` that are most similar to it, most similar first.

    Every one of `labels` is in the index; what was liked and has left the catalogue is no reason.
    """
    reasons, reason_vectors = index.vectors(liked)
    if not labels or not reasons:
        return [()] * len(labels)
    _, vectors = index.vectors(labels)
    order = np.argsort(-(vectors @ reason_vectors.T), axis=1, kind="stable")[:, :REASONS_SHOWN]
    return [tuple(reasons[place] for place in row) for row in order.tolist()]


def _explain(neighbors: Sequence[Neighbor], liked: Sequence[int], index: NeighborIndex) -> list[Pick]:
    reasons = closest_liked([neighbor.label for neighbor in neighbors], liked, index)
    return [
        Pick(neighbor.label, "similar", neighbor.score, because)
        for neighbor, because in zip(neighbors, reasons, strict=True)
    ]
