"""Products for words: those whose text has the words, and those that look as if it should.

What words look like comes from the shop's own text and photos, and from the text tower of a model that has one.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np

from handler.words.fuse import fuse
from handler.words.text_index import words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray

    from handler.products.engine import Candidates, Neighbor, NeighborIndex
    from handler.words.text_index import TextIndex
    from handler.words.text_vectors import TextVectors
    from handler.words.word_vectors import WordVectors

DEPTH = 100
"""How far down each ranking a product may stand and still be found."""
TASTE_PRODUCTS = 10
"""How many of the best products a text is taken to mean."""
TASTES_KEPT = 64


class TextSearch:
    """Searches one bundle."""

    def __init__(
        self,
        terms: Callable[[str], list[str]],
        texts: TextIndex | None,
        vectors: WordVectors | None,
        index: NeighborIndex,
        tower: TextVectors | None = None,
    ) -> None:
        """`terms` splits a text as the text index was split (see `Tokens.of`).

        `texts` is None where the products are on a server without a text index: a search then finds what looks as if it
        had the words. `vectors` is None where the shop's text has taught nothing about its photos,
        `tower` where the model reads no texts.
        """
        self._terms = terms
        self._texts = texts
        self._vectors = vectors
        self._index = index
        self._tower = tower
        self._tastes: OrderedDict[str, NDArray[np.float32] | None] = OrderedDict()

    def find(
        self, text: str, count: int, *, excluded: Collection[int] = (), allowed: Candidates | None = None
    ) -> list[Neighbor]:
        """The best `count` products that are in `allowed` and not in `excluded`, with their fused scores.

        Raises InvalidRequest if `text` has no word, or too many.
        """
        words = words_of(text)
        rankings: list[list[int]] = []
        if self._texts is not None:
            lexical = self._texts.search(words, DEPTH + len(excluded), allowed)
            rankings.append([label for label in lexical if label not in excluded][:DEPTH])
        read = None if self._tower is None else self._tower.vector(" ".join(words))
        queries = [query for query in (self.direction(text), read) if query is not None]
        depth = count if len(rankings) + len(queries) == 1 else DEPTH
        for query in queries:
            nearest = self._index.nearest(query, depth, excluded=excluded, allowed=allowed)
            rankings.append([neighbor.label for neighbor in nearest])
        return fuse(rankings, count)

    def direction(self, text: str) -> NDArray[np.float32] | None:
        """The unit vector (dim,) of those words of `text` that photos have taught something about, or None."""
        if self._vectors is None:
            return None
        return self._vectors.vector(self._terms(" ".join(words_of(text))))

    def taste(self, text: str) -> NDArray[np.float32] | None:
        """What a text looks like in this shop: the unit mean (dim,) of its best products. None if it finds nothing.

        The last TASTES_KEPT are cached, because every page of a session asks again.
        """
        if text in self._tastes:
            self._tastes.move_to_end(text)
            return self._tastes[text]
        _, vectors = self._index.vectors([found.label for found in self.find(text, TASTE_PRODUCTS)])
        total = vectors.sum(axis=0)
        length = np.linalg.norm(total)
        self._tastes[text] = (total / length).astype(np.float32) if length > 0 else None
        if len(self._tastes) > TASTES_KEPT:
            self._tastes.popitem(last=False)
        return self._tastes[text]
