"""The token of a Milvus server: from a setting, or from AWS Secrets Manager when the first connection needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handler.errors import ConfigurationError
from handler.sessions.signing_keys import SecretSource

if TYPE_CHECKING:
    from collections.abc import Callable


def server_token(token: str, secret: str | None) -> Callable[[], str]:
    """Reads nothing yet. The function raises ConfigurationError if the secret cannot be read."""
    if secret is None:
        return lambda: token
    source = SecretSource(secret)

    def read() -> str:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return source.read().text.strip()
        except (BotoCoreError, ClientError) as error:
            raise ConfigurationError(
                f"Cannot read the token of the Milvus server in {secret}: {error}.",
                field="index_token_secret",
                value=secret,
                remedy=f"Grant the function's role {source.permission} on it.",
            ) from error

    return read
