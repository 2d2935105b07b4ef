"""Session tokens: signed, so that only a shop's own processes can write them, and small enough for a request's body.

itsdangerous signs with SHA-256, an explicit salt and a list of keys. The first key signs, all verify. A rotation adds a
key to the list and drops the oldest one; the order of the list changes while a new key settles.

A session's random picks and its name in logs derive from a secret of the session, never from the list. The secret is an
HMAC of the session's id under the key that signs its first token, and it stays the same for the whole session:

- A token signed with that key carries no secret: every verifying process derives it from its key.
- A token signed with another key carries the secret, encrypted with a pad that is derived from the signing key. The
  holder of a token can read its payload, but neither the secret nor the pad.

So every process that can verify a token gets the same secret from it, whatever the order of its list, even after the
key that started the session has been dropped.

Handlers from before the secret read these tokens too, but seed from the list and drop a carried secret when they sign.
While both versions serve, a retry may get other random picks and a session in a rotation may change its name in logs.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import random
import re
import time
from collections import OrderedDict
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import itsdangerous
import msgpack

from handler.errors import SessionExpired, SessionFull, SessionMalformed, SessionModelChanged, SessionTampered
from handler.sessions import codec as session_codec
from handler.sessions.signer import Signer
from handler.sessions.state import SessionState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RANDOM_SALT = b"vitrine.page.v1"
EVENT_SALT = b"vitrine.event.v1"
SECRET_SALT = b"vitrine.secret.v1"
PAD_SALT = b"vitrine.pad.v1"
MAX_TOKEN_CHARS = 65_536
ROUNDS_WHEN_FULL = 30
"""Rounds kept where a token would otherwise be too long. Strategies look no further back."""
SESSIONS_KEPT = 128
PRODUCTS_KEPT = 1_100
"""Sessions that have shown more are not remembered; one with as many takes about 100 kB."""
CLOCK_SKEW_SECONDS = 300
"""How far in the future a token may have been issued: the clocks of two processes differ."""
_SHAPE = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class _Carried(NamedTuple):
    """What a token carries."""

    state: SessionState
    """With its secret in plain."""
    issued_at: int


class SessionTokens:
    """Writes session states into tokens and reads them back.

    It remembers what the last SESSIONS_KEPT tokens carry, because a shopper's next answer often comes to the process
    that showed the page. Such a token is neither verified nor decoded, only compared; all else is the same.
    """

    def __init__(self, keys: Sequence[str], ttl_seconds: int, now: Callable[[], float] = time.time) -> None:
        self._signers = {key: Signer(key) for key in (text.encode() for text in keys)}
        self._signing_key = next(iter(self._signers))
        self._ttl_seconds = ttl_seconds
        self._now = now
        self._issued: OrderedDict[str, _Carried] = OrderedDict()

    def start(self, vector_space: str, seed: str | None = None) -> SessionState:
        """A new session. Its id comes from the operating system, or from `seed` if one is given.

        Restored copies of a snapshot share the state of the process's generators, so none of them may choose the id.
        """
        size = session_codec.SESSION_ID_BYTES
        session_id = os.urandom(size) if seed is None else hashlib.sha256(seed.encode()).digest()[:size]
        return SessionState(session_id, vector_space, secret=_derived_secret(self._signing_key, session_id))

    def write(self, state: SessionState) -> str:
        """Sign a state. Where the token would be too long, earlier rounds become sets. Raises SessionFull.

        `read` accepts every token that this returns.
        """
        state, issued_at = session_codec.as_carried(state), int(self._now())
        token = self._signed(state, issued_at)
        if len(token) > MAX_TOKEN_CHARS:
            state = state.compacted(ROUNDS_WHEN_FULL)
            token = self._signed(state, issued_at)
        if len(token) > MAX_TOKEN_CHARS:
            raise SessionFull(
                f"After {len(state.shown):,} products the session's token would have {len(token):,} characters; "
                f"the limit is {MAX_TOKEN_CHARS:,}.",
                field="session",
                value=len(token),
                limit=MAX_TOKEN_CHARS,
                remedy="Start a new session.",
            )
        if state.rounds.come_back_equal and len(state.shown) <= PRODUCTS_KEPT:
            self._issued[token] = _Carried(state, issued_at)
            if len(self._issued) > SESSIONS_KEPT:
                self._issued.popitem(last=False)
        return token

    def _signed(self, state: SessionState, issued_at: int) -> str:
        derivable = _checked_secret(state) == _derived_secret(self._signing_key, state.session_id)
        carried = b"" if derivable else _encrypted(self._signing_key, state.session_id, state.secret)
        payload = session_codec.encode(state.of_session(state.vector_space, carried), issued_at)
        return self._signers[self._signing_key].sign(itsdangerous.base64_encode(payload)).decode()

    def read(self, token: str, vector_space: str, dim: int) -> SessionState:
        """`dim` is the length of the vectors of `vector_space`.

        Raises SessionMalformed, SessionTampered, SessionExpired or SessionModelChanged.
        """
        state, issued_at = self._issued.get(token) or self._decoded(token)
        age = int(self._now()) - issued_at
        if age < -CLOCK_SKEW_SECONDS:
            raise SessionMalformed(
                f"The session token was issued {-age:,} seconds in the future.",
                field="session",
                value=-age,
                limit=CLOCK_SKEW_SECONDS,
                remedy="Start a new session.",
            )
        if age > self._ttl_seconds:
            raise SessionExpired(
                f"The session is {age:,} seconds old.",
                field="session",
                value=age,
                limit=self._ttl_seconds,
                remedy="Start a new session.",
            )
        if not vector_space.startswith(carried_space := state.vector_space[: 2 * session_codec.VECTOR_SPACE_BYTES]):
            raise SessionModelChanged(
                f"The session belongs to vector space {carried_space}; this shop now uses {vector_space}.",
                field="session",
                value=carried_space,
                limit=vector_space,
                remedy="Start a new session.",
            )
        _check_dimensions(state, dim)
        return state.of_session(vector_space, state.secret)

    def page_random(self, state: SessionState) -> random.Random:
        """The source of a page's random picks: the same for the same state, unpredictable without the secret.

        A phone that retries a request gets the page it missed, and skips nothing.
        """
        answer = state.rounds.front[:3] if state.rounds else ()  # what was shown, liked and disliked
        message = msgpack.packb((RANDOM_SALT, state.session_id, state.steps, answer))
        seed = hashlib.blake2b(message, key=_checked_secret(state), digest_size=32).digest()
        return random.Random(int.from_bytes(seed))  # noqa: S311  keyed; of bytes, Random would compute another digest

    def pseudonym(self, state: SessionState) -> str:
        """A name for the session in logs. Without the secret nobody can match it with a session's id."""
        return hmac.digest(_checked_secret(state), EVENT_SALT + state.session_id, "sha256")[:8].hex()

    def _decoded(self, token: str) -> _Carried:
        raw = token.encode(errors="replace")
        if len(raw) > MAX_TOKEN_CHARS:
            raise _not_a_token(raw)
        key, payload = self._verified(raw)
        state, issued_at = session_codec.decode(payload)
        if state.secret:
            secret = _encrypted(key, state.session_id, state.secret)  # the pad undoes itself
        else:
            secret = _derived_secret(key, state.session_id)
        return _Carried(state.of_session(state.vector_space, secret), issued_at)

    def _verified(self, raw: bytes) -> tuple[bytes, bytes]:
        """The key that signed the token, and the payload."""
        payload = raw.partition(b".")[0]
        for key, signer in self._signers.items():
            # The whole token is compared: another spelling of the same signature in base64 is not a token.
            if hmac.compare_digest(signer.sign(payload), raw):
                try:
                    return key, itsdangerous.base64_decode(payload)
                except itsdangerous.BadData as error:
                    raise SessionMalformed(
                        "The session token is not base64url.", field="session", remedy="Start a new session."
                    ) from error
        if not _SHAPE.fullmatch(raw):
            raise _not_a_token(raw)
        raise SessionTampered(
            "The session token has an invalid signature: it was changed, or its signing key has been retired.",
            field="session",
            remedy="Start a new session.",
        )


def _check_dimensions(state: SessionState, dim: int) -> None:
    dims = [len(page.photo) for page in state.rounds.rare if page.photo is not None]
    if state.preference is not None:
        dims.append(state.preference.dim)
    for found in dims:
        if found != dim:
            raise SessionMalformed(
                f"The session token has a vector of {found} dimensions; this shop's have {dim}.",
                field="session",
                value=found,
                limit=dim,
                remedy="Start a new session.",
            )


def _not_a_token(raw: bytes) -> SessionMalformed:
    return SessionMalformed(
        f"This is not a session token ({len(raw):,} characters).",
        field="session",
        limit=f"at most {MAX_TOKEN_CHARS} characters of base64url with one dot",
        remedy="Send the `session` of the last answer, or start a new session.",
    )


@lru_cache(maxsize=SESSIONS_KEPT)  # every page of a session asks for the same one
def _derived_secret(key: bytes, session_id: bytes) -> bytes:
    return hmac.digest(key, SECRET_SALT + session_id, "sha256")[: session_codec.SECRET_BYTES]


def _encrypted(key: bytes, session_id: bytes, secret: bytes) -> bytes:
    """The secret XOR a pad that only this key and this session have; applied twice, the secret again."""
    pad = hmac.digest(key, PAD_SALT + session_id, "sha256")
    return bytes(one ^ other for one, other in zip(secret, pad, strict=False))


def _checked_secret(state: SessionState) -> bytes:
    if len(state.secret) != session_codec.SECRET_BYTES:
        raise ValueError("The state has no secret; get it from SessionTokens.start() or read().")
    return state.secret
