"""A page made from a ranking: varied where it is asked to be, and covering what is still open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from handler.recommend.arrange import cover, diversify
from handler.recommend.ranking import NOTHING, Ranking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handler.products.neighbors import HnswIndex
    from tests.handler.support import Vectors


def ranking(labels: list[int], seed: int) -> Ranking:
    scores = np.sort(np.random.default_rng(seed).dirichlet(np.full(len(labels), 0.5)))[::-1]
    return Ranking(labels, scores.tolist())


labels_of = st.lists(st.integers(0, 299), min_size=1, max_size=64, unique=True)


@examples(deadline=None, max_examples=80)
@given(labels=labels_of, count=st.integers(0, 20), seed=st.integers(0, 99))
def test_a_varied_page_keeps_the_best_and_nothing_twice(
    few: HnswIndex, labels: list[int], count: int, seed: int
) -> None:
    ranked = ranking(labels, seed)
    picked = diversify(ranked, count, few)
    assert len(set(picked)) == len(picked) == min(count, len(labels))
    assert set(picked) <= set(range(len(labels)))
    if count:
        assert picked[0] == 0


def test_a_varied_page_is_more_varied_than_the_top(few: HnswIndex, few_vectors: Vectors) -> None:
    order = np.argsort(-(few_vectors @ few_vectors[0]))[:40].tolist()
    ranked = Ranking(order, (few_vectors[order] @ few_vectors[0]).tolist())

    def likeness(places: Sequence[int]) -> float:
        vectors = few_vectors[[order[place] for place in places]]
        return float((vectors @ vectors.T)[np.triu_indices(len(places), 1)].mean())

    assert likeness(diversify(ranked, 5, few)) < likeness(range(5))


@examples(deadline=None, max_examples=80)
@given(labels=labels_of, chosen=st.integers(0, 5), count=st.integers(0, 12), seed=st.integers(0, 99))
def test_exploring_products_are_unseen_and_their_shares_valid(
    few: HnswIndex, labels: list[int], chosen: int, count: int, seed: int
) -> None:
    ranked = ranking(labels, seed)
    similar = range(min(chosen, len(labels)))
    found = cover(ranked, similar, count, few)
    assert len(found) == min(count, len(labels) - len(similar))
    assert {place for place, _ in found} <= set(range(len(labels))) - set(similar)
    assert len({place for place, _ in found}) == len(found)
    assert all(0 <= share <= 1 for _, share in found)
    assert sum(share for _, share in found) <= 1 + 1e-6


def test_exploring_covers_what_the_page_leaves_open(few: HnswIndex, few_vectors: Vectors) -> None:
    """Of two equally likely groups, one is on the page already: the other has to be asked about."""
    here = np.argsort(-(few_vectors @ few_vectors[0]))[:8].tolist()
    there = np.argsort(few_vectors @ few_vectors[0])[:1].tolist()
    there = np.argsort(-(few_vectors @ few_vectors[there[0]]))[:8].tolist()
    ranked = Ranking([*here, *there], [1 / 16] * 16)
    ((found, share),) = cover(ranked, range(3), 1, few)
    assert ranked.labels[found] in there
    assert share == pytest.approx(0.5, abs=0.13)


def test_nothing_explores_where_nothing_is_ranked(few: HnswIndex) -> None:
    assert cover(NOTHING, [], 5, few) == []
    assert diversify(NOTHING, 5, few) == []
