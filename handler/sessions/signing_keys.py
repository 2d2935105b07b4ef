"""Signing keys that live in AWS Secrets Manager, read at the first request and again every minute.

The secret is what VITRINE_SIGNING_KEYS would be: comma-separated, the first signs, all verify. A rotation puts a new
key in front and keeps the ones before, but no two processes learn of it at the same moment: one that already signs with
the new key would hand out tokens that the next one calls tampered. So a new key only verifies for the first
`SETTLE_SECONDS`, and the one behind it goes on signing.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from handler.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

REFRESH_SECONDS = 60
SETTLE_SECONDS = 3 * REFRESH_SECONDS
MIN_KEY_BYTES = 32
logger = logging.getLogger(__name__)


class SecretKeys:
    """The keys of one secret, in the order in which `SessionTokens` wants them."""

    def __init__(
        self, secret: str, client: Callable[[], Any] | None = None, now: Callable[[], float] = time.time
    ) -> None:
        """Asks nothing yet. `now` is wall-clock time: it goes on while a process is frozen or lies in a snapshot."""
        self._secret = secret
        self._client = client or _secrets_manager
        self._now = now
        self._keys: tuple[str, ...] = ()
        self._created = 0.0
        self._read_at = float("-inf")

    def current(self) -> tuple[str, ...]:
        """Raises ConfigurationError while no usable key was ever read; afterwards the last ones stay in force."""
        now = self._now()
        if now - self._read_at >= REFRESH_SECONDS:
            try:
                self._keys, self._created = self._read()
            except ConfigurationError as error:
                if not self._keys:
                    raise
                logger.error("staying with the signing keys read before: %s", error)
            self._read_at = now
        newest, *older = self._keys
        return (older[0], newest, *older[1:]) if older and now - self._created < SETTLE_SECONDS else self._keys

    def _read(self) -> tuple[tuple[str, ...], float]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._client().get_secret_value(SecretId=self._secret, VersionStage="AWSCURRENT")
        except (BotoCoreError, ClientError) as error:
            raise ConfigurationError(
                f"The signing keys in {self._secret} cannot be read: {error}.",
                field="signing_keys_secret",
                remedy="Let the function's role call secretsmanager:GetSecretValue on it.",
            ) from error
        keys = tuple(part.strip() for part in answer.get("SecretString", "").split(",") if part.strip())
        if not keys or any(len(key.encode()) < MIN_KEY_BYTES for key in keys):
            raise ConfigurationError(
                f"{self._secret} holds no list of signing keys of {MIN_KEY_BYTES} bytes or more.",
                field="signing_keys_secret",
                limit=MIN_KEY_BYTES,
                remedy="Store comma-separated keys, each made with `openssl rand -hex 32`.",
            )
        return keys, answer["CreatedDate"].timestamp()


def _secrets_manager() -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        "secretsmanager", config=Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard"})
    )
