"""Shoppers of a function under the Runtime Interface Emulator, which answers one invocation at a time."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from tests.handler.photo_files import as_json, photo
from tests.handler.support import event

ROUNDS_A_SESSION = 7
ROUNDS_A_PHOTO = 20
"""Every so many pages come one photo search and the question which bundle is in service."""
PHOTO_SIDE = 600


class Function(Protocol):
    """What answers the shoppers."""

    def invoke(self, event: object) -> tuple[int, Any]:
        """The HTTP status of the invocation, and the function's answer."""


@dataclass
class Played:
    """What the shoppers met."""

    seconds: float = 0
    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Seconds of each invocation by kind, as the client waits for them."""
    errors: list[str] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    """Bundles in service, in order; the same one does not stand twice in a row."""

    def kinds(self) -> dict[str, dict[str, float]]:
        """By kind of invocation: its number, invocations a second, and percentiles in milliseconds."""
        return {
            kind: {
                "requests": len(times),
                "per_second": round(len(times) / self.seconds, 1),
                "p50_ms": round(float(np.percentile(times, 50)) * 1e3, 1),
                "p99_ms": round(float(np.percentile(times, 99)) * 1e3, 1),
            }
            for kind, times in self.times.items()
        }


def play(api: Function, rounds: int, seconds: float, shoppers: int) -> Played:
    """Up to `rounds` pages within `seconds`, one a shopper in turn. Errors are counted and do not end it."""
    played, pages = Played(), dict[int, Any]()
    upload = as_json(photo(size=(PHOTO_SIDE, PHOTO_SIDE)))
    seen: dict[int, set[str]] = defaultdict(set)
    started = time.monotonic()
    for number in range(rounds):
        if time.monotonic() - started >= seconds:
            break
        shopper = number % shoppers
        before = pages.pop(shopper, None)
        if before is None or before["round"] >= ROUNDS_A_SESSION:
            seen[shopper] = set()
            page = _invoke(api, played, "page", event("start_session"))
        else:
            liked = [item["id"] for item in before["items"][:2]]
            page = _invoke(api, played, "page", event("next_page", {"session": before["session"], "liked": liked}))
        if page:
            pages[shopper] = page
            ids = {item["id"] for item in page["items"]}
            if again := seen[shopper] & ids:
                played.errors.append(f"products came twice: {sorted(again)}")
            seen[shopper] |= ids
        if number % ROUNDS_A_PHOTO == 0:
            _invoke(api, played, "photo", upload)
            bundle = _invoke(api, played, "bundle", event("bundle"))
            if bundle and bundle["version"] not in played.versions[-1:]:
                played.versions.append(bundle["version"])
    played.seconds = time.monotonic() - started
    return played


def _invoke(api: Function, played: Played, kind: str, sent: dict[str, Any]) -> Any:
    """The answer's JSON, or None after an error."""
    began = time.perf_counter()
    status, answer = api.invoke(sent)
    played.times[kind].append(time.perf_counter() - began)
    if status != 200 or not isinstance(answer, dict) or answer.get("statusCode") != 200:
        played.errors.append(f"{kind}: {status} {str(answer)[:200]}")
        return None
    return json.loads(answer["body"])
