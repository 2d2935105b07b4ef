"""The connection to Milvus, and the one place where pymilvus' errors become Vitrine's."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from handler.errors import ConfigurationError, IndexUnavailable
from handler.milvus.collection import MilvusAddress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

CONNECT_SECONDS = 3
REQUEST_SECONDS = 3
"""While serving. An answer takes milliseconds; pymilvus repeats a request that fails until this time is over."""
MAX_ROWS = 16_384
"""Rows that Milvus returns for one request (its `quotaAndLimits`, and the sum of offset and limit of a search)."""
Row = dict[str, Any]


class Found(NamedTuple):
    """The result of a search: primary keys and inner products, in the same order."""

    labels: list[int]
    scores: list[float]


class Milvus:
    """A connection, opened by the first request over it. Every method raises IndexUnavailable."""

    def __init__(
        self, address: str, token: Callable[[], str] = lambda: "", request_seconds: float = REQUEST_SECONDS
    ) -> None:
        """`token` gives an API key or USER:PASSWORD. Raises ConfigurationError for a malformed address."""
        self.address = address
        self.request_seconds = request_seconds
        self._token = token
        self._uri = MilvusAddress.parse(address).uri

    @property
    def is_lite(self) -> bool:
        """Whether it is Milvus Lite, a file opened in this process."""
        return self._uri.startswith("/")

    @cached_property
    def client(self) -> Any:
        """pymilvus' client, for what this class does not offer.

        Raises ConfigurationError without pymilvus, or if the token cannot be read.
        """
        try:
            from pymilvus import MilvusClient
        except ImportError as error:
            raise ConfigurationError(
                "Milvus needs pymilvus.", remedy="Install it with: scripts/setup milvus"
            ) from error
        # pymilvus logs every error that it raises, with a traceback to standard error; `translated` reports them.
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
        with self.translated():
            return MilvusClient(uri=self._uri, token=self._token(), timeout=CONNECT_SECONDS)

    def collections(self) -> list[str]:
        """The names of all collections on the server."""
        with self.translated():
            return list(self.client.list_collections(timeout=self.request_seconds))

    def drop(self, collection: str) -> None:
        """Does nothing if there is none of that name."""
        with self.translated():
            self.client.drop_collection(collection, timeout=self.request_seconds)

    def query(self, collection: str, expression: str, columns: Sequence[str], limit: int = MAX_ROWS) -> list[Row]:
        """The rows that an expression admits, in no order; at most `limit`."""
        with self.translated():
            return list(
                self.client.query(
                    collection,
                    filter=expression,
                    output_fields=list(columns),
                    limit=limit,
                    timeout=self.request_seconds,
                )
            )

    def count(self, collection: str, expression: str = "") -> int:
        with self.translated():
            found = self.client.query(
                collection, filter=expression, output_fields=["count(*)"], timeout=self.request_seconds
            )
        return int(found[0]["count(*)"])

    def require_rows(self, collection: str, expected: int) -> None:
        """Raise IndexUnavailable unless the collection is loaded and has `expected` rows."""
        with self.translated():
            loading = self.client.get_load_state(collection, timeout=self.request_seconds)
        if loading["state"].name != "Loaded":
            raise IndexUnavailable(
                f"Collection {collection} in Milvus at {self.address} is not loaded: {loading['state'].name}, "
                f"{loading.get('progress', 0)} %.",
                value=loading["state"].name,
                remedy="Wait until it is loaded; load it in Milvus if somebody released it, or index again.",
            )
        found = self.count(collection)
        if found != expected:
            raise IndexUnavailable(
                f"Collection {collection} in Milvus at {self.address} has {found:,} rows, not {expected:,}.",
                value=found,
                limit=expected,
                remedy="Wait until it is loaded, or index again.",
            )

    def search(
        self, collection: str, vectors: NDArray[np.float32], limit: int, ef: int, expression: str = ""
    ) -> list[Found]:
        """For each of `vectors` (n, dim), the nearest rows that an expression admits, best first.

        Without other columns: the server would look each of them up, which takes longer than the search.
        """
        with self.translated():
            found = self.client.search(
                collection,
                vectors,
                limit=limit,
                filter=expression,
                search_params={"metric_type": "IP", "params": {"ef": max(ef, limit)}},
                timeout=self.request_seconds,
            )
        return [Found(list(map(int, hits.ids)), list(map(float, hits.distances))) for hits in found]

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn what pymilvus and gRPC raise into IndexUnavailable."""
        from grpc import RpcError
        from pymilvus.exceptions import MilvusException

        try:
            yield
        except (MilvusException, RpcError) as error:
            raise IndexUnavailable(
                f"Milvus at {self.address} does not answer: {_reason(error)}.",
                value=self.address,
                remedy="Check that the server runs, that the collection is loaded, and the credentials.",
            ) from error


def _reason(error: Exception) -> str:
    return (str(getattr(error, "message", "")) or str(error)).strip().rstrip(".")[:200]
