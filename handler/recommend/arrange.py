"""From a ranking to a page: varied, or chosen so that the answer is most informative."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handler.products.engine import NeighborIndex
    from handler.recommend.ranking import Ranking

RELEVANCE = 0.3
"""Weight of relevance in maximal marginal relevance; the rest weighs dissimilarity to earlier picks. Of the twenty
products nearest to a clothing photo, five picked at 0.3 keep 96 % of the cosine and have a mutual cosine of 0.30, not
0.40 (at 0.5: 99 % and 0.37)."""
SHARPNESS = 0.6
"""How fast a product stops representing others: exp((cosine - 1) / SHARPNESS). Chosen on two draws of 459 photos that
export/bench/README.md does not report; at 0.2, with TAU at 0.2, `bayes:5` needs 2 to 3 % more rounds."""


def diversify(ranked: Ranking, count: int, index: NeighborIndex) -> list[int]:
    """Pick `count` of `ranked`, balancing their scores against their similarity to each other. Returns their places.

    Source: J. Carbonell and J. Goldstein, "The use of MMR, diversity-based reranking for reordering documents and
    producing summaries", SIGIR 1998. Scores are scaled to 0..1 within `ranked`, since strategies score differently.
    """
    if len(ranked.labels) <= count:
        return list(range(len(ranked.labels)))
    vectors = ranked.vectors(index)
    scores = np.asarray(ranked.scores)
    relevance = (scores - scores.min()) / (np.ptp(scores) or 1)
    similarity = np.full(len(scores), -1.0)
    picked: list[int] = []
    while len(picked) < count:
        value = RELEVANCE * relevance - (1 - RELEVANCE) * similarity
        value[picked] = -np.inf
        picked.append(int(np.argmax(value)))
        similarity = np.maximum(similarity, vectors @ vectors[picked[-1]])
    return picked


def cover(ranked: Ranking, chosen: Sequence[int], count: int, index: NeighborIndex) -> list[tuple[int, float]]:
    """Pick `count` more of `ranked` that represent as much as possible of what those at `chosen` leave uncovered.

    `ranked` are candidates with their probabilities. Greedy facility location, within 1 - 1/e of the best set
    (Nemhauser, Wolsey and Fisher 1978). Returns the place of each, with the share of the probability that lies closer
    to it than to any other pick: the share that a like of it would keep.
    """
    count = min(count, len(ranked.labels) - len(chosen))
    if count <= 0:
        return []
    vectors = ranked.vectors(index)
    # How much of the probability of every product (column) each product (row) represents, up to a constant factor.
    represented = np.exp(vectors @ vectors.T / SHARPNESS) * ranked.scores
    picked = list(chosen)
    covered = np.maximum.reduce(represented[picked], axis=0, initial=0)
    for _ in range(count):
        with_one_more = np.maximum(represented, covered)
        gain = np.add.reduce(with_one_more, axis=1)
        for place in picked:
            gain[place] = -1
        picked.append(int(gain.argmax()))
        covered = with_one_more[picked[-1]]
    nearest = represented[picked].argmax(axis=0)
    shares = np.bincount(nearest, weights=ranked.scores, minlength=len(picked)).tolist()
    total = sum(ranked.scores) or 1
    # A sum of floats may slightly exceed 1.
    return [(place, min(1.0, share / total)) for place, share in zip(picked, shares, strict=True)][len(chosen) :]
