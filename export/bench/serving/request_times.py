"""Where the time of requests to Milvus goes: pymilvus' Python, gRPC, or the server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from handler.milvus.client import Milvus

_KINDS = {"search": "Search", "query": "Query", "count": "Query"}
"""What Vitrine's client calls, and the remote call behind it."""
_EMPTY_CALLS = 200


class RequestTimes:
    """Wraps the methods of a client and the remote calls below them. Undone on leaving the block."""

    def __init__(self, milvus: Milvus) -> None:
        self._milvus = milvus
        self._stub = milvus.client._get_connection()._stub
        self._kept: dict[str, Any] = {}
        self._seconds: dict[str, list[float]] = {kind: [] for kind in _KINDS}
        self._remote: dict[str, list[float]] = {kind: [] for kind in _KINDS}
        self._kind = ""

    def __enter__(self) -> RequestTimes:
        for kind in _KINDS:
            setattr(self._milvus, kind, self._timed(kind, getattr(self._milvus, kind)))
        for name in set(_KINDS.values()):
            self._kept[name] = getattr(self._stub, name)
            setattr(self._stub, name, self._remotely_timed(self._kept[name]))
        return self

    def __exit__(self, *_: object) -> None:
        for kind in _KINDS:
            delattr(self._milvus, kind)
        for name, original in self._kept.items():
            setattr(self._stub, name, original)

    def a_round(self, rounds: int) -> dict[str, dict[str, float]]:
        """By kind, requests a round and the median milliseconds of one request's parts."""
        empty = self._empty_call()
        return {
            kind: {
                "a_round": round(len(taken) / rounds, 2),
                "ms": _ms(taken),
                "pymilvus_ms": _ms(np.subtract(taken, self._remote[kind])),
                "grpc_ms": empty,
                "server_ms": round(_ms(self._remote[kind]) - empty, 3),
            }
            for kind, taken in self._seconds.items()
            if taken
        }

    def _empty_call(self) -> float:
        """Median milliseconds of a remote call that asks for nothing but the server's version."""
        from pymilvus.grpc_gen import milvus_pb2

        taken = []
        for _ in range(_EMPTY_CALLS):
            started = time.perf_counter()
            self._stub.GetVersion(milvus_pb2.GetVersionRequest())
            taken.append(time.perf_counter() - started)
        return _ms(taken)

    def _timed(self, kind: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            self._kind = kind
            started = time.perf_counter()
            result = original(*args, **kwargs)
            self._seconds[kind].append(time.perf_counter() - started)
            return result

        return timed

    def _remotely_timed(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            result = original(*args, **kwargs)
            self._remote[self._kind].append(time.perf_counter() - started)
            return result

        return timed


def _ms(seconds: Any) -> float:
    return round(float(np.median(seconds)) * 1000, 3)
