"""Which products have which words, read from the text index of a catalog."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

MAX_WORDS = 5_000
"""The most frequent ones are read; at 256 dimensions their vectors take 2.5 MB."""
_PAIRS = 16_384
"""Pairs of word and product worked on at a time: 25 MB of vectors at 384 dimensions."""


class WordCounts(NamedTuple):
    words: list[str]
    """Terms of the text index, the most frequent first."""
    word: NDArray[np.int64]
    """(p,) places in `words`. Each with the entry of `product` is a pair: this product has this word."""
    product: NDArray[np.int64]
    """(p,) places of products, ascending."""

    def chunks(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """All pairs in pieces: products come in ascending order from piece to piece, words within a piece."""
        for start in range(0, len(self.word), _PAIRS):
            part = slice(start, start + _PAIRS)
            order = np.argsort(self.word[part], kind="stable")
            yield self.word[part][order], self.product[part][order]


def labels_with_text(catalog: Path) -> NDArray[np.int64]:
    """The labels of the products that have any text, ascending."""
    with contextlib.closing(sqlite3.connect(f"{catalog.resolve().as_uri()}?mode=ro", uri=True)) as db:
        found = db.execute("SELECT rowid FROM texts ORDER BY rowid")
        return np.fromiter((label for (label,) in found), dtype=np.int64)


def read_word_counts(catalog: Path, labels: NDArray[np.int64], least: int, most: int) -> WordCounts:
    """The words of `least` to `most` products of a catalog, and those of `labels` that have them, by their place."""
    places = np.argsort(labels)
    in_order = labels[places]
    pairs = [np.zeros((0, 2), dtype=np.int64)]
    with contextlib.closing(sqlite3.connect(f"{catalog.resolve().as_uri()}?mode=ro", uri=True)) as db:
        db.execute("CREATE VIRTUAL TABLE temp.terms USING fts5vocab('main', 'texts', 'row')")
        db.execute("CREATE VIRTUAL TABLE temp.instances USING fts5vocab('main', 'texts', 'instance')")
        query = "SELECT term FROM terms WHERE doc BETWEEN ? AND ? ORDER BY doc DESC, term LIMIT ?"
        words = [term for (term,) in db.execute(query, [least, most, MAX_WORDS])]
        for number, word in enumerate(words):
            having = db.execute("SELECT DISTINCT doc FROM instances WHERE term = ?", [word])
            found = np.fromiter((label for (label,) in having), dtype=np.int64)
            ranks = np.searchsorted(in_order, found).clip(max=len(labels) - 1)
            products = places[ranks[in_order[ranks] == found]]
            pairs.append(np.column_stack([np.full(len(products), number), products]))
    table = np.concatenate(pairs)
    table = table[np.argsort(table[:, 1], kind="stable")]
    return WordCounts(words, table[:, 0], table[:, 1])
