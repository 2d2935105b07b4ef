"""Ridge regression of many answers on the same vectors, from sums that can be taken in blocks and added up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from export.photos.vector_blocks import BLOCK, release

if TYPE_CHECKING:
    from numpy.typing import NDArray


class RidgeSums:
    """What the regression has to know about some products: how many, their vectors, and which words they have."""

    def __init__(self, dim: int, words: int) -> None:
        self.count = 0
        self.total = np.zeros(dim)
        self.squares = np.zeros((dim, dim))
        self.word_counts = np.zeros(words)
        self.word_totals = np.zeros((words, dim), dtype=np.float32)

    def __add__(self, other: RidgeSums) -> RidgeSums:
        added = RidgeSums(len(self.total), len(self.word_counts))
        for sums in (self, other):
            added.count += sums.count
            added.total += sums.total
            added.squares += sums.squares
            added.word_counts += sums.word_counts
            added.word_totals += sums.word_totals
        return added

    def add_products(self, vectors: NDArray[np.float32], rows: NDArray[np.int64]) -> Self:
        """Count `rows` of `vectors` (n, dim), which may be a memory map, in blocks."""
        for start in range(0, len(rows), BLOCK):
            block = vectors[rows[start : start + BLOCK]].astype(np.float64)
            self.count += len(block)
            self.total += block.sum(axis=0)
            self.squares += block.T @ block
            release(vectors)
        return self

    def add_words(self, words: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Count `words` (p,), in ascending order, and the vectors (p, dim) of the products that have them."""
        if len(words):
            present, starts, counts = np.unique(words, return_index=True, return_counts=True)
            self.word_totals[present] += np.add.reduceat(vectors, starts, axis=0)
            self.word_counts[present] += counts

    def solve(self, ridge: float) -> NDArray[np.float32]:
        """The weights (words, dim) that predict each word's presence from a product's vector.

        `ridge` is the penalty, as a share of the mean variance of the vectors' directions.

        Means are removed, so that neither what all products share nor how frequent a word is matters.
        """
        mean = self.total / max(self.count, 1)
        covariance = self.squares - self.count * np.outer(mean, mean)
        # Vectors that do not differ have no variance to take a share of, and predict nothing whatever the penalty.
        penalty = ridge * float(np.trace(covariance)) / len(mean) or 1.0
        covariance[np.diag_indices_from(covariance)] += penalty
        answers = self.word_totals - np.outer(self.word_counts, mean)
        return np.linalg.solve(covariance, answers.T).T.astype(np.float32)
