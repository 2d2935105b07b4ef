"""Session tokens: signed, so that nobody but us can write one, and small enough for a request's body.

Signing is itsdangerous's, SHA-256 with an explicit salt and a list of keys: the first signs, all verify, so a new key
goes in front, and an old one is dropped when the tokens it signed have expired.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import random
import re
import time
from typing import TYPE_CHECKING

import itsdangerous

from handler import session_codec
from handler.errors import SessionExpired, SessionMalformed, SessionModelChanged, SessionTampered
from handler.session import SessionState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SALT = b"vitrine.session.v1"
RANDOM_SALT = b"vitrine.page.v1"
EVENT_SALT = b"vitrine.event.v1"
MAX_CHARS = 65_536
_SHAPE = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class SessionTokens:
    """Writes states into tokens and reads them back."""

    def __init__(self, keys: Sequence[str], ttl_seconds: int, now: Callable[[], float] = time.time) -> None:
        self._keys = [key.encode() for key in keys]
        self._signers = [
            itsdangerous.Signer(key, SALT, key_derivation="hmac", digest_method=hashlib.sha256) for key in self._keys
        ]
        self._ttl_seconds = ttl_seconds
        self._now = now

    def start(self, fingerprint: str, seed: str | None = None) -> SessionState:
        """A session that has seen nothing. Its id comes from the operating system, or from `seed` where one is given.

        Copies of a process that was snapshotted share their generators' state, so no generator of ours may choose it.
        """
        size = session_codec.SESSION_ID_BYTES
        session_id = os.urandom(size) if seed is None else hashlib.sha256(seed.encode()).digest()[:size]
        return SessionState(session_id, fingerprint)

    def write(self, state: SessionState) -> str:
        payload = session_codec.encode(state, int(self._now()))
        return self._signers[0].sign(itsdangerous.base64_encode(payload)).decode()

    def read(self, token: str, fingerprint: str) -> SessionState:
        """Raises SessionMalformed, SessionTampered, SessionExpired or SessionModelChanged."""
        raw = token.encode()
        if len(raw) > MAX_CHARS or not _SHAPE.fullmatch(raw):
            raise SessionMalformed(
                f"This is not a session token ({len(token):,} characters).",
                field="session",
                limit=f"at most {MAX_CHARS} characters of base64url with one dot",
                remedy="Send the `session` of the last answer, or start a new session.",
            )
        payload = self._payload(raw)
        state, issued_at = session_codec.decode(payload)
        age = int(self._now()) - issued_at
        if age > self._ttl_seconds:
            raise SessionExpired(
                f"The session is {age:,} seconds old.",
                field="session",
                value=age,
                limit=self._ttl_seconds,
                remedy="Start a new session.",
            )
        if not fingerprint.startswith(state.fingerprint):
            raise SessionModelChanged(
                f"The session belongs to model {state.fingerprint}; this shop now uses {fingerprint}.",
                field="session",
                value=state.fingerprint,
                limit=fingerprint,
                remedy="Start a new session.",
            )
        return SessionState(state.session_id, fingerprint, state.rounds, state.preference)

    def page_random(self, state: SessionState) -> random.Random:
        """The source of a page's random picks: the same for the same state, unpredictable without the key.

        A phone that retries a request gets the page it missed, and skips nothing.
        """
        answer = repr([(page.shown, page.liked, page.disliked) for page in state.rounds[-1:]]).encode()
        message = b"%b|%d|%b" % (state.session_id, len(state.rounds), answer)
        return random.Random(hmac.digest(self._keys[-1], RANDOM_SALT + message, "sha256"))  # noqa: S311  keyed above

    def pseudonym(self, state: SessionState) -> str:
        """A name for the session in logs; without the key it leads to no session id, and no session id to it."""
        return hmac.digest(self._keys[-1], EVENT_SALT + state.session_id, "sha256")[:8].hex()

    def _payload(self, raw: bytes) -> bytes:
        for signer in self._signers:
            try:
                return itsdangerous.base64_decode(signer.unsign(raw))
            except itsdangerous.BadSignature:
                continue
            except itsdangerous.BadData as error:
                raise SessionMalformed(
                    "The session token is not base64url.", field="session", remedy="Start a new session."
                ) from error
        raise SessionTampered(
            "The session token's signature does not fit: it was changed, or signed with a key no longer in use.",
            field="session",
            remedy="Start a new session.",
        )
