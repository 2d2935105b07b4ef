"""Recall of an index, measured through the code that will serve it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from export.photos.vector_blocks import blocks, release
from handler.errors import RecallTooLow
from handler.manifest import IndexInfo, Recall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from export.bundle.build_index import IndexParameters

K = 10
FLOOR = 0.99
QUERIES = 1_000
LIKED = (1, 2, 3, 5)
"""How many products each query is the mean of, in turn."""
EF_LADDER = (32, 48, 64, 96, 112, 128, 144, 160, 192, 256, 384, 512)
SAME_SCORE = 1e-5
_RELEASE_EVERY = 50
"""Queries. Each maps some pages around the vectors it reads, 64 kB a vector."""


class GraphSearch(Protocol):
    """Searches an approximate index without exclusions."""

    def __call__(self, queries: NDArray[np.float32], count: int, /) -> Iterable[list[float]]:
        """For each of `queries` (n, dim), the inner products of up to `count` neighbors, best first."""


def choose_ef(
    open_index: Callable[[IndexInfo], GraphSearch],
    vectors: NDArray[np.float32],
    parameters: IndexParameters,
    floor: float = FLOOR,
) -> IndexInfo:
    """Describe the index with the smallest `ef` of the ladder whose recall@10 reaches `floor`.

    Raises RecallTooLow if even the largest does not.
    """
    queries = shoppers_queries(vectors)
    tenth_best = tenth_best_scores(queries, vectors)
    for ef in EF_LADDER:
        unmeasured = _info(vectors, parameters, ef, Recall(k=K, queries=1, value=0))
        # No variable holds the index: two loaded at a time would be the largest part of a build's memory.
        recall = measure_recall(open_index(unmeasured), queries, tenth_best, min(K, len(vectors)))
        if recall.value >= floor:
            return _info(vectors, parameters, ef, recall)
    raise RecallTooLow(
        f"The index finds {recall.value:.3f} of the true {K} nearest neighbors even with ef={EF_LADDER[-1]}.",
        value=recall.value,
        limit=floor,
        remedy=f"Raise --m above {parameters.links} or --ef-construction above {parameters.ef_construction}.",
    )


def shoppers_queries(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Queries like those of shoppers: means of as many random products as LIKED says, (QUERIES, dim).

    A mean of several lies between them, where a graph search does worse than at one of its own vectors.
    """
    rng = np.random.default_rng(0)
    means = np.empty((QUERIES, vectors.shape[1]), dtype=np.float32)
    for number in range(QUERIES):
        count = min(LIKED[number % len(LIKED)], len(vectors))
        means[number] = vectors[rng.choice(len(vectors), count, replace=False)].mean(axis=0)
        if number % _RELEASE_EVERY == 0:
            release(vectors)
    release(vectors)
    return means


def measure_recall(
    search: GraphSearch, queries: NDArray[np.float32], tenth_best: NDArray[np.float32], k: int
) -> Recall:
    """Recall@k of the graph for the worst of LIKED; `tenth_best` (n,) are the true scores of each last neighbor.

    A neighbor counts as found if its score reaches that, so that two photos of the same picture can stand in for each
    other.
    """
    found = [
        sum(one >= score - SAME_SCORE for one in scores)
        for scores, score in zip(search(queries, k), tenth_best, strict=True)
    ]
    worst = min(float(np.mean(found[kind :: len(LIKED)])) for kind in range(len(LIKED)))
    return Recall(k=K, queries=len(queries), value=worst / k)


def tenth_best_scores(queries: NDArray[np.float32], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The score of each query's last true neighbor (n,), by brute force over blocks of vectors."""
    k = min(K, len(vectors))
    best = np.full((len(queries), k), -np.inf, dtype=np.float32)
    for _, block in blocks(vectors):
        scores = np.hstack([best, queries @ block.T])
        best = np.partition(scores, -k, axis=1)[:, -k:]
    tenth: NDArray[np.float32] = best.min(axis=1)
    return tenth


def _info(vectors: NDArray[np.float32], parameters: IndexParameters, ef: int, recall: Recall) -> IndexInfo:
    count, dim = vectors.shape
    return IndexInfo(
        dim=dim, count=count, m=parameters.links, ef_construction=parameters.ef_construction, ef=ef, recall=recall
    )
