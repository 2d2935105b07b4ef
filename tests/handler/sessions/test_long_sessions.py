"""Sessions of any length: every token that is issued can be read, and nothing shown comes back."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from handler.api.http_status import status_of
from handler.errors import NothingToUndo, SessionFull, SessionMalformed
from handler.recommend.strategies import STRATEGIES, find_strategy
from handler.sessions.bits import pack_set, unpack_set
from handler.sessions.codec import decode, encode
from handler.sessions.history import History, Round
from handler.sessions.preference import Preference
from handler.sessions.state import ROUNDS_KEPT, SessionState
from handler.sessions.tokens import MAX_TOKEN_CHARS, SessionTokens
from tests.handler.support import VECTOR_SPACE, clustered, event, send

if TYPE_CHECKING:
    from types import FrameType

    from handler.products.neighbors import HnswIndex

DIM = 24
TOKENS = SessionTokens(("k" * 32,), ttl_seconds=3_600)


def issued(state: SessionState) -> SessionState:
    """The state as the token of it is read."""
    token = TOKENS.write(state)
    assert len(token) <= MAX_TOKEN_CHARS
    return TOKENS.read(token, VECTOR_SPACE, DIM)


def start() -> SessionState:
    return TOKENS.start(VECTOR_SPACE, "long")


@examples(deadline=None, max_examples=200)
@given(members=st.sets(st.integers(0, 2**20) | st.integers(0, 2**61), max_size=60))
def test_a_set_survives_a_round_trip(members: set[int]) -> None:
    assert unpack_set(list(pack_set(members))) == members


def test_a_set_takes_few_bits_for_each_member() -> None:
    members = np.random.default_rng(1).choice(100_000, 20_000, replace=False).tolist()
    size = sum(len(one) for one in pack_set(members) if isinstance(one, bytes))
    assert size * 8 <= 20_000 * (2 + np.log2(100_000 / 20_000))


@pytest.mark.parametrize("catalog", [25_000, 100_000])
def test_a_whole_catalog_is_walked_and_every_token_on_the_way_is_read(catalog: int) -> None:
    """A tenth is liked and a tenth disliked. Without sets, tokens could not be read from 20,500 products on."""
    labels = np.random.default_rng(2).permutation(catalog)
    liked = Preference(clustered(1, DIM, 1)[0], 1)
    state, seen = start(), set[int]()
    for number, page in enumerate(np.split(labels, catalog // 50)):
        state = state.show(page.tolist())
        seen.update(page.tolist())
        answered = state.rounds[-1]._replace(liked=tuple(page[:5].tolist()), disliked=tuple(page[5:10].tolist()))
        state = replace(state, rounds=History.of([*state.rounds[:-1], answered]), preference=liked)
        if number % 100 == 99:
            before = state
            state = issued(state)
            assert state.shown == seen
            assert set(state.liked) == set(before.liked)
            assert set(state.disliked) == set(before.disliked)
            assert (state.number, state.steps) == (number + 1, number + 1)
    assert len(issued(state).shown) == catalog


def test_a_session_that_no_token_has_room_for_ends_with_a_code_of_its_own() -> None:
    states = [start()]
    sparse = np.unique(np.random.default_rng(3).integers(2**40, size=60_000)).tolist()

    def play() -> None:
        for first in range(0, len(sparse), 1_000):
            states.append(issued(states[-1].show(sparse[first : first + 1_000])))

    with pytest.raises(SessionFull) as caught:
        play()
    problem = caught.value
    assert (problem.code, status_of(type(problem)), problem.limit) == ("session_full", 409, MAX_TOKEN_CHARS)
    assert isinstance(problem.value, int)
    assert problem.value > MAX_TOKEN_CHARS
    assert problem.remedy
    assert len(states[-1].shown) > 5_000


def test_next_and_undo_in_turns_and_empty_pages_do_not_grow_a_token(few: HnswIndex) -> None:
    state = start().show([1, 2]).answer([1], [], few).show([3, 4])
    sizes = []
    for _ in range(3 * ROUNDS_KEPT):
        state = issued(state.answer([3], [], few).show([]).undo(few))
        sizes.append(len(TOKENS.write(state)))
    assert max(sizes[ROUNDS_KEPT:]) <= max(sizes[:ROUNDS_KEPT]) + 16
    assert (state.number, state.rounds[-1].shown, state.liked) == (2, (3, 4), (1,))
    for _ in range(3 * ROUNDS_KEPT):
        state = issued(state.show([]))
    assert len(state.rounds) <= ROUNDS_KEPT
    assert state.shown == {1, 2, 3, 4}


def test_undo_reaches_as_far_back_as_rounds_are_kept_and_says_so_there(few: HnswIndex) -> None:
    state = start()
    for number in range(ROUNDS_KEPT + 50):
        state = state.show([number])
    state = issued(state)
    for _ in range(ROUNDS_KEPT - 1):
        state = state.undo(few)
    with pytest.raises(NothingToUndo, match=f"last {ROUNDS_KEPT} pages") as caught:
        state.undo(few)
    assert caught.value.limit == ROUNDS_KEPT
    assert state.shown == set(range(ROUNDS_KEPT + 50))
    with pytest.raises(NothingToUndo, match="first page"):
        start().show([1]).undo(few)


def test_pages_taken_back_become_sets_before_any_that_was_answered() -> None:
    rounds = tuple(Round((label,), withdrawn=label % 2 == 1) for label in range(10))
    state = replace(start(), rounds=History.of(rounds)).compacted(6)
    assert [page.shown for page in state.rounds] == [(0,), (2,), (4,), (6,), (8,), (9,)]
    assert (state.earlier.shown, state.earlier.standing, state.earlier.rounds) == ({1, 3, 5, 7}, 0, 4)
    assert (state.number, state.steps) == (5, 10)


def test_a_product_of_a_forgotten_page_can_be_liked_and_pages_stay_different(few: HnswIndex) -> None:
    state = start()
    for number in range(ROUNDS_KEPT + 5):
        state = state.show([number])
    state = issued(state.answer([0], [1], few).show([299]))
    assert (state.liked, state.disliked) == ((0,), (1,))
    drawn = {
        TOKENS.page_random(issued(state.show([]))).random() for state in [state, state.show([]), state.compacted(3)]
    }
    assert len(drawn) == 2  # the same session, however many rounds it keeps; another page, other picks


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_like_of_a_forgotten_page_still_leads_to_similar_products(few: HnswIndex, name: str) -> None:
    state = start().show([7, 8]).answer([7], [], few)
    for number in range(100, 100 + ROUNDS_KEPT):
        state = state.show([number])
    assert state.liked == (7,)
    assert 7 in state.earlier.liked
    found = find_strategy(name).rank(issued(state), few, 5, None).labels
    assert len(found) == 5
    assert not set(found) & state.shown


def late_answers(pages: int) -> bytes:
    """Every page answers the product of the page before."""
    rounds = [Round((0,)), *(Round((label,), liked=(label - 1,)) for label in range(1, pages))]
    return encode(SessionState(b"session!", VECTOR_SPACE, History.of(rounds)), int(time.time()))


def opcodes_to_decode(data: bytes) -> int:
    """Steps of the interpreter, a measure of work that is the same on every machine."""
    steps = 0

    def count(frame: FrameType, event: str, _: object) -> Any:
        nonlocal steps
        frame.f_trace_opcodes = True
        steps += event == "opcode"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        decode(data)
    finally:
        sys.settrace(before)
    return steps


def test_decoding_takes_work_in_proportion_to_the_pages_answered_late() -> None:
    few, many = (opcodes_to_decode(late_answers(pages)) for pages in (300, 1_200))
    assert few > 1_000
    assert many <= 4.2 * few


def test_an_open_session_of_the_layout_before_is_read_and_goes_on() -> None:
    """300 rounds in layout 1, as handlers before the sets wrote them."""
    rounds = tuple(Round((label,)) for label in range(300))
    old = replace(start(), rounds=History.of(rounds))
    assert decode(encode(old, int(time.time())))[0].rounds == rounds
    state = issued(issued(old).show([300]))
    assert (len(state.rounds), len(state.shown), state.number) == (ROUNDS_KEPT, 301, 301)


def test_a_reader_of_the_first_layout_refuses_sets_rather_than_forget_them() -> None:
    state = replace(start(), rounds=History.of([Round((label,)) for label in range(9)])).compacted(3)
    assert encode(state, 0)[1] == 2
    assert encode(start(), 0)[1] == 1


@pytest.mark.usefixtures("gateway")
def test_a_shopper_walks_the_shop_to_the_end_and_on() -> None:
    """Over HTTP: 80 products, then empty pages without end; the token stays readable and the round counts on."""
    page = send(event("start_session", {"count": 50, "seed": "walk"}))
    ids = page.ids
    for _ in range(ROUNDS_KEPT + 20):
        page = send(event("next_page", {"session": page.json["session"], "count": 50}))
        assert page.status == 200
        ids += page.ids
    assert len(ids) == len(set(ids)) == 80
    assert (page.json["round"], page.json["remaining"]) == (ROUNDS_KEPT + 21, 0)
    again = send(event("next_page", {"session": page.json["session"], "liked": ids[:1]}))
    assert again.status == 200
    assert send(event("undo", {"session": again.json["session"]})).status == 200


def test_too_long_a_token_is_not_read_either() -> None:
    with pytest.raises(SessionMalformed):
        TOKENS.read("a" * MAX_TOKEN_CHARS + ".a", VECTOR_SPACE, DIM)
