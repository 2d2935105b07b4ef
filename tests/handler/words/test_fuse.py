"""Reciprocal rank fusion, against its formula."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from handler.words.fuse import fuse

rankings = st.lists(st.lists(st.integers(0, 20), unique=True, max_size=15), max_size=3)


@given(rankings=rankings, count=st.integers(0, 30))
def test_scores_are_the_sums_of_reciprocal_ranks(rankings: list[list[int]], count: int) -> None:
    expected = {
        label: sum(1 / (60 + ranking.index(label) + 1) for ranking in rankings if label in ranking)
        for ranking in rankings
        for label in ranking
    }
    found = fuse(rankings, count)
    assert len(found) == min(count, len(expected))
    assert all(abs(one.score - expected[one.label]) < 1e-12 for one in found)
    worst = min((one.score for one in found), default=0)
    left_out = [score for label, score in expected.items() if label not in {one.label for one in found}]
    assert count == 0 or all(score <= worst + 1e-12 for score in left_out)


@given(ranking=st.lists(st.integers(0, 20), unique=True))
def test_one_ranking_keeps_its_order(ranking: list[int]) -> None:
    assert [one.label for one in fuse([ranking], len(ranking))] == ranking


def test_a_product_of_both_rankings_comes_before_the_first_of_either() -> None:
    assert [one.label for one in fuse([[1, 2, 3], [4, 5, 3]], 3)] == [3, 1, 4]
