"""A token carries what a session searched for in a few bytes, and an undo gives back what was before."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.errors import SessionMalformed
from handler.sessions.codec import decode, encode
from handler.sessions.history import History, Round
from handler.sessions.searched import SEARCHES_KEPT, WORDS_BYTES, clip
from handler.sessions.state import SessionState
from tests.handler.support import VECTOR_SPACE, unit

if TYPE_CHECKING:
    from handler.products.neighbors import HnswIndex

ISSUED = 1_700_000_000
MOST_BYTES = 60
"""As sent: a token is base64, four characters for three bytes."""


def session(*words: str) -> SessionState:
    """A page for each search, and one in front."""
    pages = tuple(Round((2 * number, 2 * number + 1), words=one) for number, one in enumerate(words))
    return SessionState(b"12345678", VECTOR_SPACE, History.of([*pages, Round((100,))]))


def searched(state: SessionState) -> list[str]:
    return [page.words for page in state.rounds]


@given(text=st.text(st.characters(codec="utf-8"), max_size=60))
def test_what_is_kept_is_the_beginning_and_fits(text: str) -> None:
    kept = clip(text)
    assert len(kept.encode()) <= WORDS_BYTES
    assert " ".join(text.split()).startswith(kept)
    assert clip(kept) == kept
    assert kept or not text.strip()


def test_words_are_kept_whole_where_one_fits() -> None:
    assert clip("a long red dress with little white flowers") == "a long red dress with little"
    assert clip("ü" * 30) == "ü" * 16


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=40).map(clip), max_size=5))
def test_words_survive_a_round_trip(words: list[str]) -> None:
    state = session(*words)
    assert searched(decode(encode(state, ISSUED))[0]) == searched(state)


@pytest.mark.parametrize("pages", [1, 199])
def test_a_search_takes_few_bytes_of_a_token(pages: int) -> None:
    words = [""] * (pages - 1) + ["x" * WORDS_BYTES]
    extra = len(encode(session(*words), ISSUED)) - len(encode(session(*[""] * pages), ISSUED))
    assert -(-extra * 4 // 3) <= MOST_BYTES


def test_only_the_last_searches_are_kept_and_only_the_latest_counts() -> None:
    state = session()
    for number in range(SEARCHES_KEPT + 2):
        state = state.search(f"word{number}").show([200 + number])
    kept = [f"word{number}" for number in range(2, SEARCHES_KEPT + 2)]
    assert [words for words in searched(state) if words] == kept
    assert state.words == kept[-1]


def test_an_undo_gives_back_the_search_before(few: HnswIndex) -> None:
    state = session().search("red").show([101]).search("blue").show([102])
    assert state.words == "blue"
    assert state.undo(few).words == "red"
    assert state.undo(few).undo(few).words == ""


def test_words_weigh_as_much_as_one_like(few: HnswIndex) -> None:
    vector = unit(np.ones(few.dim))
    searching = session().search("red")
    alone = searching.with_words(vector).preference
    assert alone is not None
    np.testing.assert_allclose(alone.mean, vector)
    liking = replace(session(), rounds=History.of([Round((1, 2, 3))])).answer([1, 2, 3], [], few).search("red")
    both = liking.with_words(vector).preference
    assert both is not None
    _, likes = few.vectors([1, 2, 3])
    np.testing.assert_allclose(both.mean, np.vstack([likes, vector]).mean(axis=0), atol=1e-6)
    assert liking.preference is not None
    assert liking.preference.count == 3


def test_readers_of_before_ignore_the_words() -> None:
    """They stop at the fields that they know: the twelve first, then photos, secret and earlier rounds."""
    fields = msgpack.unpackb(encode(session("red"), ISSUED))
    assert fields[12:] == [[], b"", [], [[0, "red"]]]


@pytest.mark.parametrize(
    "searches",
    [7, [[0]], [[0, ""]], [[0, b"red"]], [[0, "x" * (WORDS_BYTES + 1)]], [[2, "red"]], [[-1, "red"]], [[True, "red"]]],
)
def test_absurd_words_are_malformed(searches: Any) -> None:
    fields = msgpack.unpackb(encode(session("red"), ISSUED))
    fields[15] = searches
    with pytest.raises(SessionMalformed):
        decode(msgpack.packb(fields))


def test_compacted_rounds_forget_their_words() -> None:
    state = session("red", "blue")
    assert list(itertools.chain(searched(state.compacted(2)))) == ["blue", ""]
