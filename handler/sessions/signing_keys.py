"""Signing keys kept in AWS Secrets Manager or Parameter Store, read at the first request and then every minute.

Either holds what VITRINE_SIGNING_KEYS would: comma-separated keys; the first signs, all verify. A rotation puts a new
key first and keeps the ones before it. Processes learn of a rotation at different moments, and one that signed with the
new key at once would issue tokens that others reject as tampered. A new key therefore only verifies for the first
SETTLE_SECONDS, while the key behind it keeps signing.
"""

from __future__ import annotations

import logging
import time
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol

from handler.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

REFRESH_SECONDS: Final = 60
SETTLE_SECONDS: Final = 3 * REFRESH_SECONDS
MIN_KEY_BYTES: Final = 32
logger = logging.getLogger(__name__)


class StoredKeys(NamedTuple):
    text: str
    created: float
    """Seconds since the epoch: when this version was written."""


class KeySource(Protocol):
    """Where rotating keys are kept."""

    @property
    def field(self) -> str:
        """The setting that names it."""

    @property
    def name(self) -> str: ...

    @property
    def permission(self) -> str:
        """The IAM action that reading needs."""

    def read(self) -> StoredKeys:
        """Raises botocore's errors."""


class SecretSource:
    """A secret in AWS Secrets Manager."""

    field = "signing_keys_secret"
    permission = "secretsmanager:GetSecretValue"

    def __init__(self, name: str, client: Callable[[], Any] | None = None) -> None:
        self.name = name
        self._client = cache(client or (lambda: _client("secretsmanager")))

    def read(self) -> StoredKeys:
        answer = self._client().get_secret_value(SecretId=self.name, VersionStage="AWSCURRENT")
        return StoredKeys(answer.get("SecretString", ""), answer["CreatedDate"].timestamp())


class ParameterSource:
    """A SecureString in AWS Systems Manager's Parameter Store; a standard parameter costs nothing."""

    field = "signing_keys_parameter"
    permission = "ssm:GetParameter"

    def __init__(self, name: str, client: Callable[[], Any] | None = None) -> None:
        self.name = name
        self._client = cache(client or (lambda: _client("ssm")))

    def read(self) -> StoredKeys:
        answer = self._client().get_parameter(Name=self.name, WithDecryption=True)["Parameter"]
        return StoredKeys(answer.get("Value", ""), answer["LastModifiedDate"].timestamp())


class RotatingKeys:
    """The keys of one source, in the order that `SessionTokens` expects."""

    def __init__(self, source: KeySource, now: Callable[[], float] = time.time) -> None:
        """Reads nothing yet. `now` is wall-clock time, which advances while a process is frozen or in a snapshot."""
        self._source = source
        self._now = now
        self._keys: tuple[str, ...] = ()
        self._created = 0.0
        self._read_at = float("-inf")

    def current(self) -> tuple[str, ...]:
        """Raises ConfigurationError until keys have been read once; after that, the last ones stay in force."""
        now = self._now()
        if now - self._read_at >= REFRESH_SECONDS:
            try:
                self._keys, self._created = self._read()
            except ConfigurationError as error:
                if not self._keys:
                    raise
                logger.error("keeping the signing keys read before: %s", error)
            self._read_at = now
        newest, *older = self._keys
        return (older[0], newest, *older[1:]) if older and now - self._created < SETTLE_SECONDS else self._keys

    def _read(self) -> tuple[tuple[str, ...], float]:
        from botocore.exceptions import BotoCoreError, ClientError

        source = self._source
        try:
            text, created = source.read()
        except (BotoCoreError, ClientError) as error:
            raise ConfigurationError(
                f"Cannot read the signing keys in {source.name}: {error}.",
                field=source.field,
                remedy=f"Grant the function's role {source.permission} on it.",
            ) from error
        keys = tuple(part.strip() for part in text.split(",") if part.strip())
        if not keys or any(len(key.encode()) < MIN_KEY_BYTES for key in keys):
            raise ConfigurationError(
                f"{source.name} does not hold signing keys of at least {MIN_KEY_BYTES} bytes each.",
                field=source.field,
                limit=MIN_KEY_BYTES,
                remedy="Store comma-separated keys, each made with `openssl rand -hex 32`.",
            )
        return keys, created


def _client(service: Literal["secretsmanager", "ssm"]) -> Any:
    import botocore.session
    from botocore.config import Config

    config = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard"})
    return botocore.session.get_session().create_client(service, config=config)
