"""The Milvus collections of a store's bundles. Their names say which store they belong to and when they were made."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from handler.milvus.client import Milvus
from handler.milvus.collection import RETIRED_SUFFIX, collection_prefix
from handler.milvus.server_token import server_token

if TYPE_CHECKING:
    from collections.abc import Collection

REQUEST_SECONDS = 60
"""A server that is building an index answers slowly, and no shopper waits for it."""
_TIME = "%Y%m%d_%H%M%S"
_TIME_CHARS = len("20260101_120000")


class Collections:
    """Collections of one store on one server. Methods that ask the server raise IndexUnavailable."""

    def __init__(self, milvus: Milvus, store_address: str) -> None:
        self.milvus = milvus
        self._prefix = collection_prefix(store_address)

    @classmethod
    def at(cls, address: str, store_address: str, token: str | None = None, secret: str | None = None) -> Collections:
        """On the server at `address`, with `token`, or the one in the AWS secret of that ARN.

        Without either, with the one in VITRINE_INDEX_TOKEN. Raises ConfigurationError for a malformed address.
        """
        given = os.environ.get("VITRINE_INDEX_TOKEN", "") if token is None else token
        return cls(Milvus(address, server_token(given, secret), REQUEST_SECONDS), store_address)

    def new_name(self) -> str:
        return f"{self._prefix}{datetime.now(UTC):{_TIME}}_{secrets.token_hex(4)}"

    def unused(self, referenced: Collection[str], before: datetime) -> list[str]:
        """Names, in order, of collections that no bundle refers to and that were made before `before`.

        Younger ones may belong to a bundle that is being built.
        """
        names = {name for name in self.milvus.collections() if name.startswith(self._prefix)}
        return sorted(
            name
            for name in names
            if name.removesuffix(RETIRED_SUFFIX) not in referenced and self._made_at(name) < before
        )

    def _made_at(self, name: str) -> datetime:
        stamp = name.removeprefix(self._prefix)[:_TIME_CHARS]
        return datetime.strptime(stamp, _TIME).replace(tzinfo=UTC)
