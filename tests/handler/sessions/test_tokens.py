"""Only we can write a session, every way it can fail has its own code, and pages cannot be foreseen."""

from __future__ import annotations

import os
import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import itsdangerous
import numpy as np
import pytest
import time_machine
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from handler.api.http_status import status_of
from handler.errors import (
    SessionError,
    SessionExpired,
    SessionMalformed,
    SessionModelChanged,
    SessionTampered,
)
from handler.sessions import codec as session_codec
from handler.sessions.history import History, Round
from handler.sessions.preference import Preference
from handler.sessions.state import SessionState
from handler.sessions.tokens import SessionTokens
from tests.handler.support import VECTOR_SPACE, clustered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OLD, NEW, OTHER = "old-" * 8, "new-" * 8, "other-" * 8
HOUR = 3_600
DIM = 48
ROUNDS = (Round((5, 9, 70_001), (5,), (9,)), Round((1, 2, 3)))
SECRET = b"a secret"
STATE = SessionState(b"session!", VECTOR_SPACE, History.of(ROUNDS), Preference(clustered(1, DIM, 1)[0], 1), SECRET)


def tokens(*keys: str) -> SessionTokens:
    return SessionTokens(keys or (NEW,), ttl_seconds=HOUR)


TOKEN = tokens().write(STATE)
DOT = TOKEN.index(".")


def picks(state: SessionState) -> list[float]:
    source = tokens().page_random(state)
    return [source.random() for _ in range(8)]


def test_a_token_expires_and_the_error_gives_its_age() -> None:
    with time_machine.travel("2025-03-10 12:00:00Z", tick=False) as clock:
        token = tokens().write(STATE)
        clock.shift(HOUR)
        assert tokens().read(token, VECTOR_SPACE, DIM).rounds == ROUNDS
        clock.shift(1)
        with pytest.raises(SessionExpired, match="3,601 seconds") as caught:
            tokens().read(token, VECTOR_SPACE, DIM)
    assert (caught.value.value, caught.value.limit) == (HOUR + 1, HOUR)
    assert caught.value.remedy


def test_every_answer_gives_the_session_its_full_time_again() -> None:
    with time_machine.travel("2025-03-10 12:00:00Z", tick=False) as clock:
        token = tokens().write(STATE)
        for _ in range(5):
            clock.shift(HOUR)
            token = tokens().write(tokens().read(token, VECTOR_SPACE, DIM))


def test_a_token_of_another_vector_space_names_both() -> None:
    with pytest.raises(SessionModelChanged) as caught:
        tokens().read(TOKEN, "f" * 32, DIM)
    assert caught.value.limit == "f" * 32
    assert VECTOR_SPACE.startswith(str(caught.value.value))


@pytest.mark.parametrize("text", ["", ".", "a.", ".b", "a", "a.b.c", "ä.ö", "a b.c", "a.b\n", "x" * 70_000, "\x00.a"])
def test_text_other_than_a_token_is_malformed(text: str) -> None:
    with pytest.raises(SessionMalformed):
        tokens().read(text, VECTOR_SPACE, DIM)


def test_the_four_token_errors_differ_in_code_and_status() -> None:
    kinds = (SessionTampered, SessionExpired, SessionModelChanged, SessionMalformed)
    assert len({kind.code for kind in kinds}) == 4
    assert len({status_of(kind) for kind in kinds}) == 4


@examples(deadline=None, max_examples=300)
@given(place=st.integers(0, len(TOKEN) - 1), flip=st.integers(1, 127))
def test_no_changed_character_gets_through(place: int, flip: int) -> None:
    """The last one neither, though base64 ignores two of its bits: a token can be written in one way only."""
    changed = TOKEN[:place] + chr(ord(TOKEN[place]) ^ flip) + TOKEN[place + 1 :]
    with pytest.raises((SessionTampered, SessionMalformed)):
        tokens().read(changed, VECTOR_SPACE, DIM)


def test_the_last_character_of_a_signature_is_canonical() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    same_bytes = TOKEN[:-1] + alphabet[alphabet.index(TOKEN[-1]) ^ 1]
    signature = TOKEN.rpartition(".")[2]
    assert itsdangerous.base64_decode(same_bytes.rpartition(".")[2]) == itsdangerous.base64_decode(signature)
    with pytest.raises(SessionTampered):
        tokens().read(same_bytes, VECTOR_SPACE, DIM)


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 1), (DOT // 2, DOT // 2 + 1), (DOT - 1, DOT), (DOT + 1, DOT + 2), (DOT + 20, DOT + 21)]
)
def test_a_changed_letter_is_tampering_not_garbage(start: int, stop: int) -> None:
    swapped = "A" if TOKEN[start] != "A" else "B"
    with pytest.raises(SessionTampered):
        tokens().read(TOKEN[:start] + swapped + TOKEN[stop:], VECTOR_SPACE, DIM)


@examples(deadline=None, max_examples=100)
@given(end=st.integers(0, len(TOKEN) - 1))
def test_a_token_cut_short_never_opens(end: int) -> None:
    with pytest.raises((SessionTampered, SessionMalformed)):
        tokens().read(TOKEN[:end], VECTOR_SPACE, DIM)


@examples(deadline=None, max_examples=200)
@given(text=st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]{0,80}\.[A-Za-z0-9_-]{0,50}", fullmatch=True))
def test_any_text_is_refused_with_a_session_error(text: str) -> None:
    with pytest.raises(SessionError):
        tokens().read(text, VECTOR_SPACE, DIM)


@pytest.mark.parametrize(
    ("signed_with", "read_with", "opens"),
    [((OLD,), (NEW, OLD), True), ((NEW, OLD), (OLD,), False), ((OLD,), (NEW,), False), ((NEW, OLD), (NEW,), True)],
)
def test_keys_rotate_without_ending_sessions(signed_with: tuple[str], read_with: tuple[str], opens: bool) -> None:
    token = tokens(*signed_with).write(STATE)
    if opens:
        assert tokens(*read_with).read(token, VECTOR_SPACE, DIM).rounds == ROUNDS
    else:
        with pytest.raises(SessionTampered):
            tokens(*read_with).read(token, VECTOR_SPACE, DIM)


def test_a_secret_that_the_token_carries_cannot_be_read_from_it() -> None:
    """A token is signed, not encrypted: whoever could read the secret could foresee pages."""
    assert tokens().read(TOKEN, VECTOR_SPACE, DIM).secret == SECRET
    payload = itsdangerous.base64_decode(TOKEN.partition(".")[0])
    assert SECRET not in payload
    assert session_codec.decode(payload)[0].secret not in (b"", SECRET)


def test_a_token_of_the_key_that_started_the_session_carries_no_secret() -> None:
    """It is the token of the layout before there was a secret, so every version reads it and writes it."""
    state = tokens(OLD).start(VECTOR_SPACE, "seed").show([1, 2])
    with time_machine.travel("2025-03-10 12:00:00Z", tick=False):
        token = tokens(OLD, NEW).write(state)
        before = session_codec.encode(replace(state, secret=b""), int(time.time()))
    assert itsdangerous.base64_decode(token.partition(".")[0]) == before


@pytest.mark.parametrize("use", [SessionTokens.write, SessionTokens.page_random, SessionTokens.pseudonym])
def test_a_state_without_a_secret_is_a_mistake(use: Callable[[SessionTokens, SessionState], object]) -> None:
    with pytest.raises(ValueError, match="no secret"):
        use(tokens(), replace(STATE, secret=b""))


def test_pages_differ_between_sessions_answers_rounds_and_keys() -> None:
    def with_last(*, liked: Sequence[int] = (), disliked: Sequence[int] = ()) -> SessionState:
        rounds = (*ROUNDS[:-1], Round((1, 2, 3), tuple(liked), tuple(disliked)))
        return SessionState(b"session!", VECTOR_SPACE, History.of(rounds), secret=SECRET)

    drawn = [
        picks(STATE),
        picks(replace(STATE, secret=tokens(OTHER).start(VECTOR_SPACE, "s").secret)),
        picks(replace(STATE, secret=tokens(NEW).start(VECTOR_SPACE, "s").secret)),
        picks(SessionState(b"session?", VECTOR_SPACE, History.of(ROUNDS), secret=SECRET)),
        picks(with_last(liked=[1])),
        picks(with_last(liked=[2])),
        picks(with_last(disliked=[1])),
        picks(with_last(liked=[1]).show([4])),
        picks(SessionState(b"session!", VECTOR_SPACE, History.of(ROUNDS[-1:]), secret=SECRET)),
        picks(SessionState(b"session!", VECTOR_SPACE, secret=SECRET)),
    ]
    assert len({tuple(one) for one in drawn}) == len(drawn)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # from Python 3.12 on
def test_copies_of_one_snapshot_start_different_sessions() -> None:
    """Lambda's SnapStart resumes many processes from one memory image, generators' state included."""
    ids = []
    for _ in range(4):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            random.seed(7)  # Python alone reseeds its generator when it forks; a snapshot's copies do not
            np.random.seed(7)
            os.write(writer, tokens().start(VECTOR_SPACE).session_id)
            os._exit(0)
        os.waitpid(child, 0)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            ids.append(pipe.read())
    assert len({*ids, tokens().start(VECTOR_SPACE).session_id}) == 5
    assert all(len(one) == 8 for one in ids)


def test_a_seed_makes_a_demonstration_repeatable() -> None:
    one, same, other = (tokens().start(VECTOR_SPACE, seed) for seed in ("a", "a", "b"))
    assert one == same
    assert one.session_id != other.session_id
