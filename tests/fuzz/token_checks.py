"""A shop under its real entry point, the tokens that it issues, and what must hold for every mutant of them."""

from __future__ import annotations

import os
import time
import tracemalloc
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from handler import lambda_entry
from handler.errors import SessionError, SessionFull
from handler.sessions.history import History
from handler.sessions.tokens import SessionTokens
from tests.fuzz.mutants import NEVER_VALID, Mutator
from tests.handler.photo_files import as_json, photo
from tests.handler.support import event, send

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fuzz.mutants import Mutant

KEY, OLDER = "k" * 32, "o" * 32
TTL_SECONDS = 3_600


class Outcome(NamedTuple):
    """What a token came to, and what it took to find out."""

    code: str
    """Of the refusal, or `accepted`."""
    status: int
    seconds: float
    """CPU time of reading it, and for an accepted token of writing and reading it again."""
    peak_bytes: int
    """The most memory that the same took at once."""


@contextmanager
def entry_point(bundles: Path, **variables: str) -> Iterator[None]:
    """The Lambda entry point, configured by its environment alone, as a deployment is."""
    given = {
        "VITRINE_BUNDLES": str(bundles),
        "VITRINE_SIGNING_KEYS": f"{KEY},{OLDER}",
        "VITRINE_SESSION_TTL_SECONDS": str(TTL_SECONDS),
        "VITRINE_EVENTS": "off",
        **variables,
    }
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    lambda_entry._adapter.cache_clear()
    try:
        yield
    finally:
        lambda_entry._adapter.cache_clear()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class Target:
    """What is under attack. Needs `entry_point`."""

    def __init__(self) -> None:
        bundle = lambda_entry._runtime().bundle()
        self._space, self._dim = bundle.vector_space, bundle.manifest.model.dim
        self._tokens = SessionTokens((KEY, OLDER), TTL_SECONDS)
        self.valid = (*_played(), self._carrying_a_secret(), self._compacted(), self._searched())
        self.mutator = Mutator(KEY, self.valid)

    def check(self, mutant: Mutant) -> Outcome:
        """Raises AssertionError where a token is accepted that must not be, or makes a request fail."""
        started = time.thread_time()
        code = self._read(mutant)
        seconds = time.thread_time() - started
        tracemalloc.start()
        try:
            self._read(mutant)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert code != "accepted" or mutant.kind not in NEVER_VALID, f"accepted: {mutant.kind}"
        answer = send(event("next_page", {"session": mutant.token}))
        assert answer.status < 500, (answer.status, answer.content)
        if code != "accepted":
            assert answer.json["code"] in (code, "invalid_request")  # a text that is too long, or no valid Unicode
        elif answer.status == 200:
            self._tokens.read(answer.json["session"], self._space, self._dim)
        return Outcome(code, answer.status, seconds, peak)

    def _read(self, mutant: Mutant) -> str:
        """An accepted state is finite, and can be written and read again."""
        try:
            state = self._tokens.read(mutant.token, self._space, self._dim)
        except SessionError as error:
            return error.code
        vectors = [page.photo for page in state.rounds if page.photo is not None]
        vectors += [state.preference.mean] if state.preference else []
        assert all(len(vector) == self._dim and np.isfinite(vector).all() for vector in vectors)
        try:
            again = self._tokens.read(self._tokens.write(state), self._space, self._dim)
        except SessionFull:
            return "accepted"
        assert (again.shown, again.liked, again.steps) == (state.shown, state.liked, state.steps)
        return "accepted"

    def _carrying_a_secret(self) -> str:
        """As a session has it whose first key has been replaced."""
        return self._tokens.write(SessionTokens((OLDER,), TTL_SECONDS).start(self._space, "older").show([1, 2, 3]))

    def _searched(self) -> str:
        state = self._tokens.start(self._space, "words").show([1, 2, 3])
        return self._tokens.write(
            replace(state, rounds=History.of([state.rounds[0]._replace(words="rotes Kleid, größer")]))
        )

    def _compacted(self) -> str:
        state = self._tokens.start(self._space, "long")
        for first in range(0, 900, 3):
            state = state.show([first, first + 1, first + 2])
        return self._tokens.write(state)


def _played() -> list[str]:
    """Tokens of every feature that changes their layout, from a session over HTTP."""
    page = send(event("start_session", {"seed": "fuzz"})).json
    issued = [page["session"]]
    for turn in range(5):
        liked, disliked = ([page["items"][place]["id"]] for place in (turn, turn + 1))
        page = send(event("next_page", {"session": page["session"], "liked": liked, "disliked": disliked})).json
        issued.append(page["session"])
    earlier = {"session": page["session"], "liked": [page["items"][0]["id"]], "count": 3}
    issued.append(send(event("next_page", earlier)).json["session"])
    issued.append(send(event("undo", {"session": page["session"]})).json["session"])
    issued.append(send(as_json(photo(), session=page["session"])).json["session"])
    return issued
