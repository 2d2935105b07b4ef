"""What a shop's words look like: a vector a word, by ridge regression of the word's presence on the photos' vectors.

A word's vector w minimises the squared error of x . w against "the text of product x has the word", plus a penalty on
the length of w (A. E. Hoerl and R. W. Kennard, "Ridge regression", Technometrics 12(1), 1970). All words share one
matrix to invert, so that a vocabulary costs little more than a word. Zero-shot learning maps words to images by such a
linear map: B. Romera-Paredes and P. Torr, "An embarrassingly simple approach to zero-shot learning", ICML 2015.

A word is kept only if it predicts: its scores must rank products that have the word above products that lack it, on
products that were held out (five folds). Sizes and codes fail that test, and so do words for what no photo shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from export.bundle.ridge import RidgeSums
from export.bundle.word_counts import WordCounts, labels_with_text, read_word_counts
from export.photos.vector_blocks import release
from handler.words.word_vectors import WordVectors

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MIN_SUPPORT: Final = 8
"""Products that have a word. With fewer, even a perfect ranking may be chance (see MIN_Z)."""
MAX_SHARE: Final = 0.5
"""Of the products. A word of more than half of them does not narrow a search."""
MAX_PRODUCTS: Final = 100_000
"""More teach little about a word, and take time in proportion."""
MIN_AUC: Final = 0.7
"""The chance that a held-out product with the word scores above one without it; 0.5 is guessing."""
MIN_Z: Final = 2.0
"""Standard errors by which the AUC must exceed 0.5; of the words that no photo shows, one in 44 passes by chance.

Under guessing the error is sqrt((p + n + 1) / (12 p n)) for p products that have the word and n that lack it: J. A.
Hanley and B. J. McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC) curve",
Radiology 143(1), 1982."""
RIDGE: Final = 1.0
"""The penalty. From 0.3 to 3 the accuracy that export.bench.words measures changes by 0.06 at most: few titles want a
larger one, many a smaller one. A choice for each word by its AUC did no better."""
FOLDS: Final = 5
_COMPARED: Final = 400
"""Products of a fold that the scores of those with a word are compared with."""


def learn_words(catalog: Path, labels: NDArray[np.int64], vectors: NDArray[np.float32]) -> WordVectors | None:
    """Learn from the text index of `catalog` and unit vectors (n, dim) with their `labels`; None if no word predicts.

    `vectors` may be a memory map: it is read in blocks. The result depends on nothing but the arguments.
    """
    # A product without any text says nothing about what its photo does not show.
    described = np.flatnonzero(np.isin(labels, labels_with_text(catalog)))
    rows = np.sort(np.random.default_rng(0).permutation(described)[:MAX_PRODUCTS])
    counts = read_word_counts(catalog, labels[rows], MIN_SUPPORT, int(MAX_SHARE * len(described)))
    if not counts.words:
        return None
    folds = _sum_folds(counts, vectors, rows)
    kept = np.flatnonzero(_predicts(counts, vectors, rows, folds))
    if not len(kept):
        return None
    weights = _sum(folds).solve(RIDGE)[kept]
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    return WordVectors([counts.words[place] for place in kept], weights.astype(np.float16))


def _sum_folds(counts: WordCounts, vectors: NDArray[np.float32], rows: NDArray[np.int64]) -> list[RidgeSums]:
    """The sums of each fold. Product p, whose vector is in row rows[p], belongs to fold p % FOLDS."""
    dim, words = vectors.shape[1], len(counts.words)
    folds = [RidgeSums(dim, words).add_products(vectors, rows[fold::FOLDS]) for fold in range(FOLDS)]
    for word, product in counts.chunks():
        values = vectors[rows[product]]
        for fold, sums in enumerate(folds):
            mine = product % FOLDS == fold
            sums.add_words(word[mine], values[mine])
        release(vectors)
    return folds


def _predicts(
    counts: WordCounts, vectors: NDArray[np.float32], rows: NDArray[np.int64], folds: list[RidgeSums]
) -> NDArray[np.bool_]:
    """Whether the vector that the other folds give a word ranks a fold's products: (words,)."""
    words = len(counts.words)
    above, positives, negatives = np.zeros(words), np.zeros(words), np.zeros(words)
    for fold in range(FOLDS):
        weights = _sum([sums for other, sums in enumerate(folds) if other != fold]).solve(RIDGE)
        held_out = np.arange(fold, len(rows), FOLDS)
        sample = np.random.default_rng(fold).permutation(held_out)[:_COMPARED]
        scores = np.where(_has_word(counts, sample), np.nan, vectors[rows[sample]] @ weights.T)
        compared = (~np.isnan(scores)).sum(axis=0)
        negatives += compared
        for every_word, every_product in counts.chunks():
            mine = every_product % FOLDS == fold
            word, product = every_word[mine], every_product[mine]
            own = np.einsum("pd,pd->p", vectors[rows[product]], weights[word])
            wins = (scores[:, word] < own).sum(axis=0) / np.maximum(compared[word], 1)
            np.add.at(above, word, wins)
            np.add.at(positives, word, 1)
            release(vectors)
    tested = (positives > 0) & (negatives > 0)
    positives, negatives = np.where(tested, positives, 1), np.where(tested, negatives, 1)
    auc = above / positives
    error = np.sqrt((positives + negatives + 1) / (12 * positives * negatives))
    predicts: NDArray[np.bool_] = tested & (auc >= MIN_AUC) & (auc - 0.5 >= MIN_Z * error)
    return predicts


def _has_word(counts: WordCounts, products: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(products, words): whether a product's text has a word."""
    order = np.argsort(products)
    ranks = np.searchsorted(products[order], counts.product).clip(max=len(products) - 1)
    among = products[order][ranks] == counts.product
    has = np.zeros((len(products), len(counts.words)), dtype=bool)
    has[order[ranks[among]], counts.word[among]] = True
    return has


def _sum(parts: list[RidgeSums]) -> RidgeSums:
    return sum(parts[1:], parts[0])
