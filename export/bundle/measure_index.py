"""How a saved index is to be searched: with how many candidates, and which searches may keep fewer.

A graph search needs many candidates to find the neighbors of a query between clusters, such as the mean of unlike
products. The mean of similar products, which is what a session comes to, lies among its neighbors, and a quick search
finds them. What a search has found tells which it was: the cosine of the query with the last neighbor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from export.bundle.check_recall import (
    FLOOR,
    LIKED,
    SAME_SCORE,
    K,
    choose_ef,
    measure_recall,
    shoppers_queries,
    tenth_best_scores,
)
from handler.manifest import IndexInfo, QuickSearch
from handler.products.neighbors import EXACT_LIMIT, HnswIndex

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from export.bundle.build_index import IndexParameters
    from export.bundle.check_recall import GraphSearch

QUICK_EF = 48
"""Candidates of a quick search. From some seven rounds on a page needs more, so fewer would gain little."""
TRUSTED = 100
"""The least queries whose recall says anything."""
ALIKE = 500
"""Queries of similar products."""
_POOL = 100
"""Similar products are drawn from this many neighbors of one."""


def measure_index(
    path: Path, vectors: NDArray[np.float32], parameters: IndexParameters, floor: float = FLOOR
) -> IndexInfo:
    """Describe the index file at `path`: the `ef` of `choose_ef`, and a quick search where it can be trusted.

    The stated recall is that of searches as they are served. Raises RecallTooLow.
    """
    full = choose_ef(lambda info: one_by_one(HnswIndex(path, info)), vectors, parameters, floor)
    if len(vectors) <= EXACT_LIMIT or full.ef <= QUICK_EF:
        return full
    quick = choose_quick(HnswIndex(path, full.model_copy(update={"ef": QUICK_EF})), vectors, floor)
    if quick is None:
        return full
    both = full.model_copy(update={"quick": quick})
    queries = shoppers_queries(vectors)
    recall = measure_recall(one_by_one(HnswIndex(path, both)), queries, tenth_best_scores(queries, vectors), K)
    return both.model_copy(update={"recall": recall}) if recall.value >= floor else full


def one_by_one(index: HnswIndex) -> GraphSearch:
    return lambda queries, count: (index.search_graph(query, count)[1] for query in queries)


def choose_quick(index: HnswIndex, vectors: NDArray[np.float32], floor: float = FLOOR) -> QuickSearch | None:
    """Which answers of `index`, which keeps QUICK_EF candidates, to trust; None if it misses too much throughout.

    The least cosine for which the TRUSTED queries just above it, and just above every larger one, have a recall of
    `floor`. All queries are means: no search misses the neighbors of a single product, which would flatter it.
    """
    unlike = [query for number, query in enumerate(shoppers_queries(vectors)) if LIKED[number % len(LIKED)] > 1]
    queries = np.concatenate([unlike, _alike_queries(index, vectors)])
    found = [np.asarray(scores) for scores in one_by_one(index)(queries, K)]
    lengths = np.linalg.norm(queries, axis=1)
    cosines = np.asarray([scores[-1] for scores in found]) / np.maximum(lengths, SAME_SCORE)
    hits = [
        (scores >= tenth - SAME_SCORE).mean()
        for scores, tenth in zip(found, tenth_best_scores(queries, vectors), strict=True)
    ]
    order = np.argsort(-cosines)
    recalls = np.convolve(np.asarray(hits)[order], np.full(TRUSTED, 1 / TRUSTED), "valid")
    trusted = int(np.argmax(np.append(recalls, 0) < floor))
    return QuickSearch(ef=QUICK_EF, cosine=min(1, float(cosines[order[trusted + TRUSTED - 2]]))) if trusted else None


def _alike_queries(index: HnswIndex, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of two to ten similar products, as a session comes to like them (ALIKE, dim)."""
    rng = np.random.default_rng(1)
    means = np.empty((ALIKE, vectors.shape[1]), dtype=np.float32)
    for number in range(ALIKE):
        pool, _ = index.search_graph(vectors[rng.integers(len(vectors))], _POOL)
        _, liked = index.vectors(rng.choice(pool, 2 + number % 9, replace=False))
        means[number] = liked.mean(axis=0)
    return means
