"""A session's steps keep what the shopper said, and the preference stays the mean of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from handler.errors import NothingToUndo
from handler.sessions.preference import Preference
from handler.sessions.state import PHOTOS_KEPT, SessionState
from tests.handler.support import VECTOR_SPACE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handler.products.neighbors import HnswIndex
    from tests.handler.support import Vectors

GONE = 9_999  # a label that the index does not hold: its product left the catalog


def fresh(*page: int) -> SessionState:
    return SessionState(b"session!", VECTOR_SPACE).show(page)


def mean_of(state: SessionState) -> Vectors:
    assert state.preference is not None
    return state.preference.mean


@examples(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(likes=st.lists(st.sets(st.integers(0, 9), max_size=4), min_size=1, max_size=12))
def test_the_preference_is_the_mean_of_all_that_was_liked_however_it_was_spread_over_rounds(
    few: HnswIndex, few_vectors: Vectors, likes: Sequence[set[int]]
) -> None:
    state = fresh(*range(10))
    for number, places in enumerate(likes):
        state = state.answer([10 * number + place for place in sorted(places)], [], few)
        state = state.show(range(10 * (number + 1), 10 * (number + 2)))
    if not state.liked:
        assert state.preference is None
    else:
        np.testing.assert_allclose(mean_of(state), few_vectors[list(state.liked)].mean(axis=0), atol=1e-6)
        assert state.preference is not None
        assert state.preference.count == len(state.liked)


def test_liking_the_same_product_twice_counts_once(few: HnswIndex) -> None:
    once = fresh(1, 2).answer([1], [], few).show([3, 4])
    again = once.answer([1, 1], [], few)
    assert again.liked == (1,)
    assert again.preference == once.preference


def test_a_product_of_an_earlier_page_can_still_be_liked(few: HnswIndex, few_vectors: Vectors) -> None:
    state = fresh(1, 2).answer([], [], few).show([3, 4]).answer([1, 3], [2], few)
    assert (state.liked, state.disliked) == ((1, 3), (2,))
    np.testing.assert_allclose(mean_of(state), few_vectors[[1, 3]].mean(axis=0), atol=1e-6)


def test_disliking_leaves_the_preference_alone(few: HnswIndex) -> None:
    state = fresh(1, 2, 3).answer([1], [], few).show([4])
    assert state.answer([], [2, 3], few).preference == state.preference


def test_undo_reopens_the_page_and_keeps_seen_products_seen(few: HnswIndex, few_vectors: Vectors) -> None:
    state = fresh(1, 2).answer([1], [], few).show([3, 4]).answer([3], [4], few).show([5, 6]).undo(few)
    assert state.rounds[-1].shown == (3, 4)
    assert (state.rounds[-1].liked, state.rounds[-1].disliked) == ((), ())
    assert state.shown == {1, 2, 3, 4, 5, 6}
    assert (state.liked, state.disliked, state.number) == ((1,), (), 2)
    np.testing.assert_allclose(mean_of(state), few_vectors[1], atol=1e-6)


def test_undo_back_to_the_first_page_leaves_no_preference(few: HnswIndex) -> None:
    state = fresh(1, 2).answer([1], [], few).show([3]).answer([3], [], few).show([4]).undo(few).undo(few)
    assert (state.number, state.rounds[-1].shown, state.preference) == (1, (1, 2), None)
    with pytest.raises(NothingToUndo):
        state.undo(few)


def test_an_answer_after_an_undo_replaces_the_first_one(few: HnswIndex) -> None:
    changed = fresh(1, 2).answer([1], [], few).show([3]).undo(few).answer([2], [1], few)
    direct = fresh(1, 2).answer([2], [1], few)
    assert (changed.liked, changed.disliked) == (direct.liked, direct.disliked)
    np.testing.assert_allclose(mean_of(changed), mean_of(direct), atol=1e-6)


def test_likes_that_left_the_catalog_still_count(few: HnswIndex, few_vectors: Vectors) -> None:
    """After a re-index only the token's preference remembers what a vanished product looked like."""
    remembered = Preference(few_vectors[7], 1)
    state = SessionState(b"session!", VECTOR_SPACE, fresh(GONE, 2).rounds, remembered)
    state = SessionState(b"session!", VECTOR_SPACE, state.answer([GONE], [], few).rounds, remembered)
    state = state.show([3, 4]).answer([3], [], few)
    np.testing.assert_allclose(mean_of(state), few_vectors[[7, 3]].mean(axis=0), atol=1e-6)
    undone = state.show([5]).undo(few)
    np.testing.assert_allclose(mean_of(undone), few_vectors[7], atol=1e-6)


PHOTOS = st.lists(st.integers(100, 299), min_size=1, max_size=6)


@examples(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(photos=PHOTOS, liked=st.sets(st.integers(0, 9), max_size=3))
def test_a_photo_weighs_as_much_as_a_product(
    few: HnswIndex, few_vectors: Vectors, photos: list[int], liked: set[int]
) -> None:
    state = fresh(*range(10)).answer(sorted(liked), [], few)
    for number, row in enumerate(photos):
        state = state.like_photo(few_vectors[row]).show([1_000 + number])
    assert state.preference is not None
    assert state.preference.count == len(liked) + len(photos)
    expected = few_vectors[[*sorted(liked), *photos]].mean(axis=0)
    np.testing.assert_allclose(mean_of(state), expected, atol=1e-5)
    assert sum(page.photo is not None for page in state.rounds) == min(len(photos), PHOTOS_KEPT)


def test_liking_after_a_photo_keeps_the_photo(few: HnswIndex, few_vectors: Vectors) -> None:
    state = fresh(1, 2).like_photo(few_vectors[7]).show([3, 4]).answer([3], [], few)
    np.testing.assert_allclose(mean_of(state), few_vectors[[7, 3]].mean(axis=0), atol=1e-6)


def test_an_undo_removes_the_photo_and_the_likes_of_its_answer(few: HnswIndex, few_vectors: Vectors) -> None:
    before = fresh(1, 2).answer([1], [], few).show([3, 4])
    after = before.answer([3], [], few).like_photo(few_vectors[7]).show([5, 6]).undo(few)
    np.testing.assert_allclose(mean_of(after), mean_of(before), atol=1e-6)
    assert after.preference is not None
    assert after.preference.count == 1
    assert after.undo(few).preference is None
    assert fresh(1).like_photo(few_vectors[7]).show([2]).undo(few).preference is None
