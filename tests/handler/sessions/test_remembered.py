"""A process that remembers a token's session reads from it what every other process does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from handler.errors import SessionExpired, SessionModelChanged, SessionTampered
from handler.sessions.history import History
from handler.sessions.tokens import SESSIONS_KEPT, SessionTokens
from tests.handler.sessions.test_codec import SECRET, preferences, states
from tests.handler.support import VECTOR_SPACE

if TYPE_CHECKING:
    from handler.sessions.preference import Preference
    from handler.sessions.state import SessionState

TTL = 3_600
DIM = 32


def tokens(now: float = 1_700_000_000, key: str = "k" * 32) -> SessionTokens:
    return SessionTokens((key,), TTL, now=lambda: now)


def content(state: SessionState) -> tuple[object, ...]:
    mean = None if state.preference is None else (state.preference.count, state.preference.mean.tolist())
    photos = [None if page.photo is None else page.photo.tolist() for page in state.rounds]
    pages = [page._replace(photo=None) for page in state.rounds]
    answers = (state.shown, state.liked, state.disliked, state.earlier, state.number, state.steps, state.words)
    return pages, photos, mean, answers, state.vector_space, state.secret, state.session_id


@examples(deadline=None, max_examples=150)
@given(
    state=states(), preference=st.none() | preferences(), page=st.sets(st.integers(2**41, 2**42)), photo=st.booleans()
)
def test_a_remembered_session_is_the_one_in_its_token(
    state: SessionState, preference: Preference | None, page: set[int], photo: bool
) -> None:
    dim = DIM if preference is None else len(preference.mean)
    state = replace(state, preference=preference, secret=SECRET)
    if photo:
        pictured = state.rounds.front._replace(photo=np.linspace(-1, 1, dim, dtype=np.float32))
        state = replace(state, rounds=History.of([*state.rounds[:-1], pictured]))
    standing = replace(state, rounds=History.of([page._replace(withdrawn=False) for page in state.rounds]))
    for shown in (state, state.show(sorted(page, reverse=True)), standing.show([2**43]).compacted(3)):
        writer = tokens()
        token = writer.write(shown)
        assert content(writer.read(token, VECTOR_SPACE, dim)) == content(tokens().read(token, VECTOR_SPACE, dim))


def test_what_is_remembered_expires_and_belongs_to_its_vector_space() -> None:
    clock = [1_700_000_000.0]
    writer = SessionTokens(("k" * 32,), TTL, now=lambda: clock[0])
    token = writer.write(writer.start(VECTOR_SPACE).show([1, 2]))
    other = "f" * len(VECTOR_SPACE)
    refusals = []
    for reader in (writer, tokens()):
        with pytest.raises(SessionModelChanged) as refused:
            reader.read(token, other, DIM)
        refusals.append((refused.value.detail, refused.value.value, refused.value.limit))
    assert refusals[0] == refusals[1]
    clock[0] += TTL + 1
    with pytest.raises(SessionExpired):
        writer.read(token, VECTOR_SPACE, DIM)


def test_a_token_that_only_resembles_a_remembered_one_is_refused() -> None:
    writer = tokens()
    token = writer.write(writer.start(VECTOR_SPACE).show([1, 2]))
    with pytest.raises(SessionTampered):
        writer.read(token[:-1] + ("A" if token[-1] != "A" else "B"), VECTOR_SPACE, DIM)
    with pytest.raises(SessionTampered):
        tokens(key="o" * 32).read(token, VECTOR_SPACE, DIM)


def test_forgotten_sessions_are_read_from_their_tokens() -> None:
    writer = tokens()
    written = [writer.write(writer.start(VECTOR_SPACE, str(n)).show([n])) for n in range(2 * SESSIONS_KEPT)]
    assert [writer.read(token, VECTOR_SPACE, DIM).shown for token in written] == [{n} for n in range(len(written))]
