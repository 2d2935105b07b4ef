"""Choices are the same from a session's columns and from its pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from handler.recommend.strategies.evidence import PAGES_USED, Choices, answered_pages, choices_made
from handler.sessions.state import SessionState
from tests.handler.support import VECTOR_SPACE

if TYPE_CHECKING:
    from handler.products.neighbors import HnswIndex


def plain(choices: Choices) -> list[list[Any]]:
    return [list(column) for column in choices]


@examples(deadline=None, max_examples=60)
@given(data=st.data(), pages=st.integers(1, PAGES_USED + 3))
def test_columns_and_pages_tell_the_same_choices(few: HnswIndex, data: st.DataObject, pages: int) -> None:
    state = SessionState(b"session!", VECTOR_SPACE)
    for number in range(pages):
        shown = list(range(8 * number, 8 * number + data.draw(st.integers(1, 8))))
        answered = data.draw(st.lists(st.sampled_from(shown), max_size=4, unique=True))
        state = state.show(shown).answer(answered[:2], answered[2:], few)
    assert plain(choices_made(state)) == plain(Choices.of(answered_pages(state)))
    assert len(choices_made(state).sizes) == min(pages, PAGES_USED)


def test_a_like_of_an_earlier_page_is_chosen_from_that_page_and_the_one_in_front(few: HnswIndex) -> None:
    state = (
        SessionState(b"session!", VECTOR_SPACE).show([1, 2]).answer([], [2], few).show([3, 4]).answer([1, 4], [], few)
    )
    choices = choices_made(state)
    assert plain(choices) == [[1, 2, 3, 4, 1], [2, 3], [0, 0, 0, 1, 1], [0, 1, 0, 0, 0], [False, False]]
    assert plain(choices.among({3, 4})) == [[3, 4], [2], [0, 1], [0, 0], [False]]
