"""One page: the article's neighbors, the split that was asked for, and reasons that are true."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from handler.products.labels import LabelSet
from handler.recommend.next_page import PageRequest, closest_liked, next_page
from handler.recommend.ranking import NOTHING, Ranking
from handler.recommend.strategies import STRATEGIES
from handler.sessions.state import SessionState
from tests.handler.support import VECTOR_SPACE, nearest_by_hand

if TYPE_CHECKING:
    from handler.products.neighbors import HnswIndex
    from handler.recommend.next_page import Pick
    from tests.handler.support import Vectors

EVERY = list(range(300))


def session(few: HnswIndex, shown: list[int], liked: list[int]) -> SessionState:
    return SessionState(b"session!", VECTOR_SPACE).show(shown).answer(liked, [], few)


def page(
    few: HnswIndex, state: SessionState, count: int, similar: int, allowed: LabelSet | None = None, seed: int = 0
) -> list[Pick]:
    return next_page(state, PageRequest(count, similar, STRATEGIES["mean"], allowed), few, random.Random(seed))


@examples(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shown=st.lists(st.integers(0, 299), min_size=1, max_size=60, unique=True),
    likes=st.integers(1, 8),
    similar=st.integers(0, 12),
)
def test_similar_products_are_the_unseen_nearest_to_the_mean_of_the_likes(
    few: HnswIndex, few_vectors: Vectors, shown: list[int], likes: int, similar: int
) -> None:
    """What the article describes, computed here by hand from the unit vectors."""
    liked = shown[:likes]
    picks = page(few, session(few, shown, liked), 12, similar)
    center = few_vectors[liked].mean(axis=0)
    best = nearest_by_hand(center, few_vectors, EVERY, set(EVERY) - set(shown), similar)
    found = [pick for pick in picks if pick.reason == "similar"]
    assert [pick.label for pick in found] == best
    np.testing.assert_allclose([pick.score or 0 for pick in found], few_vectors[best] @ center, atol=1e-5)


@examples(deadline=None, max_examples=100)
@given(data=st.data(), strategy=st.sampled_from(sorted(STRATEGIES)), count=st.integers(1, 50), seed=st.integers(0, 9))
def test_a_page_is_full_unseen_and_within_the_filter_under_every_strategy(
    few: HnswIndex, data: st.DataObject, strategy: str, count: int, seed: int
) -> None:
    shown = data.draw(st.lists(st.integers(0, 299), min_size=1, max_size=299, unique=True))
    liked = data.draw(st.lists(st.sampled_from(shown), max_size=10, unique=True))
    allowed = data.draw(st.none() | st.sets(st.integers(0, 299), max_size=80))
    labels = None if allowed is None else LabelSet(np.asarray(sorted(allowed), dtype=np.int64))
    request = PageRequest(count, data.draw(st.integers(0, count)), STRATEGIES[strategy], labels)
    picks = next_page(session(few, shown, liked), request, few, random.Random(seed))
    left = (set(EVERY) if allowed is None else allowed) - set(shown)
    assert len(picks) == len({pick.label for pick in picks}) == min(count, len(left))
    assert {pick.label for pick in picks} <= left


@pytest.mark.parametrize("similar", [0, 3, 10])
def test_the_page_is_split_as_asked(few: HnswIndex, similar: int) -> None:
    picks = page(few, session(few, [1, 2, 3], [2]), 10, similar)
    assert [pick.reason for pick in picks] == ["similar"] * similar + ["random"] * (10 - similar)
    assert all(pick.score is None and pick.because == () for pick in picks[similar:])


def test_while_nothing_is_liked_the_page_is_random(few: HnswIndex) -> None:
    picks = page(few, session(few, [1, 2, 3], []), 10, 5)
    assert [pick.reason for pick in picks] == ["random"] * 10


def test_the_end_of_the_catalog_takes_from_both_parts_without_failing(few: HnswIndex) -> None:
    state = session(few, EVERY[:-4], [0])
    assert {pick.label for pick in page(few, state, 10, 5)} == set(EVERY[-4:])
    assert page(few, session(few, EVERY, [0]), 10, 5) == []


def test_another_source_of_randomness_changes_only_the_random_part(few: HnswIndex) -> None:
    state = session(few, [1, 2, 3], [2])
    one, same, other = (page(few, state, 20, 8, seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one[:8] == other[:8]
    assert one[8:] != other[8:]


def test_because_names_the_likes_that_are_closest(few: HnswIndex, few_vectors: Vectors) -> None:
    liked = [4, 90, 200, 260]
    for pick in page(few, session(few, liked, liked), 10, 10):
        best = nearest_by_hand(few_vectors[pick.label], few_vectors, EVERY, set(liked), 2)
        assert list(pick.because) == best


def test_a_removed_like_is_not_given_as_a_reason(few: HnswIndex) -> None:
    assert closest_liked(Ranking([1, 2], [0.2, 0.1]), [9_999], few) == [(), ()]
    assert closest_liked(Ranking([1], [0.2]), [9_999, 5], few) == [(5,)]
    assert closest_liked(NOTHING, [5], few) == []
