"""From a ranking to a page: varied, or chosen so that the answer is most informative."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handler.products.engine import Neighbor, NeighborIndex

RELEVANCE = 0.3
"""Weight of relevance in maximal marginal relevance; the rest weighs dissimilarity to earlier picks. Of the twenty
products nearest to a clothing photo, five picked at 0.3 keep 96 % of the cosine and have a mutual cosine of 0.30, not
0.40 (at 0.5: 99 % and 0.37)."""
SHARPNESS = 0.6
"""How fast a product stops representing others: exp((cosine - 1) / SHARPNESS). Chosen on two draws of 459 photos that
export/bench/README.md does not report; at 0.2, with TAU at 0.2, `bayes:5` needs 2 to 3 % more rounds."""


def diversify(ranked: Sequence[Neighbor], count: int, index: NeighborIndex) -> list[Neighbor]:
    """Pick `count` of `ranked`, balancing their scores against their similarity to each other.

    Source: J. Carbonell and J. Goldstein, "The use of MMR, diversity-based reranking for reordering documents and
    producing summaries", SIGIR 1998. Scores are scaled to 0..1 within `ranked`, since strategies score differently.
    """
    if len(ranked) <= count:
        return list(ranked)
    _, vectors = index.vectors([neighbor.label for neighbor in ranked])
    scores = np.asarray([neighbor.score for neighbor in ranked])
    relevance = (scores - scores.min()) / (np.ptp(scores) or 1)
    similarity = np.full(len(ranked), -1.0)
    picked: list[int] = []
    while len(picked) < count:
        value = RELEVANCE * relevance - (1 - RELEVANCE) * similarity
        value[picked] = -np.inf
        picked.append(int(np.argmax(value)))
        similarity = np.maximum(similarity, vectors @ vectors[picked[-1]])
    return [ranked[row] for row in picked]


def cover(
    ranked: Sequence[Neighbor], chosen: Sequence[Neighbor], count: int, index: NeighborIndex
) -> list[tuple[Neighbor, float]]:
    """Pick `count` more of `ranked` that represent as much as possible of what `chosen` leaves uncovered.

    `ranked` are candidates with their probabilities, `chosen` some of them. Greedy facility location, within 1 - 1/e of
    the best set (Nemhauser, Wolsey and Fisher 1978). Each comes with the share of the probability that lies closer to
    it than to any other pick: the share that a like of it would keep.
    """
    if not ranked or count <= 0:
        return []
    _, vectors = index.vectors([neighbor.label for neighbor in ranked])
    probability = np.asarray([neighbor.score for neighbor in ranked])
    probability = probability / (probability.sum() or 1)
    similarity = np.exp((vectors @ vectors.T - 1) / SHARPNESS)
    rows = {neighbor.label: row for row, neighbor in enumerate(ranked)}
    picked = [rows[neighbor.label] for neighbor in chosen]
    covered = similarity[picked].max(axis=0, initial=0)
    start = len(picked)
    while len(picked) < min(start + count, len(ranked)):
        gain = np.maximum(similarity - covered, 0) @ probability
        gain[picked] = -1
        picked.append(int(np.argmax(gain)))
        covered = np.maximum(covered, similarity[picked[-1]])
    nearest = similarity[picked].argmax(axis=0)
    shares = np.bincount(nearest, weights=probability, minlength=len(picked))
    # A sum of floats may slightly exceed 1.
    return [(ranked[row], min(1.0, float(shares[number]))) for number, row in enumerate(picked)][start:]
