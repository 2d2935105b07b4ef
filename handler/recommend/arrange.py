"""From a ranking to a page: more varied than its top, or chosen so that the answer teaches most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handler.products.neighbors import Neighbor, NeighborIndex

RELEVANCE = 0.3
"""Of 1 in maximal marginal relevance; the rest is for being unlike what was picked before. Five of the twenty nearest
to a clothing photo keep 96 % of the cosine at this, and are alike to 0.30 instead of 0.40 (at 0.5: 99 % and 0.37)."""
SHARPNESS = 0.2
"""How fast a product stops speaking for others: exp((cosine - 1) / SHARPNESS)."""


def diversify(ranked: Sequence[Neighbor], count: int, index: NeighborIndex) -> list[Neighbor]:
    """`count` of `ranked`, balanced between their scores and their likeness to each other.

    Source: J. Carbonell and J. Goldstein, "The use of MMR, diversity-based reranking for reordering documents and
    producing summaries", SIGIR 1998. Scores are scaled to 0..1 within `ranked`, since strategies score differently.
    """
    if len(ranked) <= count:
        return list(ranked)
    _, vectors = index.vectors([neighbor.label for neighbor in ranked])
    scores = np.asarray([neighbor.score for neighbor in ranked])
    relevance = (scores - scores.min()) / (np.ptp(scores) or 1)
    alike = np.full(len(ranked), -1.0)
    picked: list[int] = []
    while len(picked) < count:
        value = RELEVANCE * relevance - (1 - RELEVANCE) * alike
        value[picked] = -np.inf
        picked.append(int(np.argmax(value)))
        alike = np.maximum(alike, vectors @ vectors[picked[-1]])
    return [ranked[place] for place in picked]


def cover(
    ranked: Sequence[Neighbor], chosen: Sequence[Neighbor], count: int, index: NeighborIndex
) -> list[tuple[Neighbor, float]]:
    """`count` more of `ranked` that stand for as much as possible of what `chosen` says nothing about.

    `ranked` are candidates with their probabilities, `chosen` some of them. Greedy facility location, within 1 - 1/e of
    the best set (Nemhauser, Wolsey and Fisher 1978). Each comes with the share of all the probability that lies closer
    to it than to anything else chosen: what a tap on it would narrow the search down to.
    """
    if not ranked or count <= 0:
        return []
    _, vectors = index.vectors([neighbor.label for neighbor in ranked])
    probability = np.asarray([neighbor.score for neighbor in ranked])
    probability = probability / (probability.sum() or 1)
    likeness = np.exp((vectors @ vectors.T - 1) / SHARPNESS)
    places = {neighbor.label: place for place, neighbor in enumerate(ranked)}
    picked = [places[neighbor.label] for neighbor in chosen]
    spoken_for = likeness[picked].max(axis=0, initial=0)
    start = len(picked)
    while len(picked) < min(start + count, len(ranked)):
        gain = np.maximum(likeness - spoken_for, 0) @ probability
        gain[picked] = -1
        picked.append(int(np.argmax(gain)))
        spoken_for = np.maximum(spoken_for, likeness[picked[-1]])
    nearest = likeness[picked].argmax(axis=0)
    shares = np.bincount(nearest, weights=probability, minlength=len(picked))
    # A sum of floats may end a hair above 1.
    return [(ranked[place], min(1.0, float(shares[number]))) for number, place in enumerate(picked)][start:]
