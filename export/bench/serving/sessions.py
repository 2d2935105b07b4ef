"""Sessions that play side by side, so that each of their answers can be timed once."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from export.bench.serving.gateway_events import START, answer, next_event, post

if TYPE_CHECKING:
    from collections.abc import Mapping

    from export.bench.serving.gateway_events import Handler

SHOPPERS = 20


class Sessions:
    """SHOPPERS sessions of each kind at a time, and the events that answer the pages in front of them.

    They take turns, as shoppers do: between a page and its answer the process serves all the others.
    """

    def __init__(self, handler: Handler, rounds: int, kinds: Mapping[str, Mapping[str, object]]) -> None:
        """`rounds` pages are answered before. `kinds` are the further fields of a kind's answers."""
        self._handler = handler
        self._rounds = rounds
        self._wishes = [(kind, wishes) for kind, wishes in kinds.items() for _ in range(SHOPPERS)]
        self._numbers = itertools.count()
        self._events: dict[str, list[dict[str, Any]]] = {}

    def prepare(self, turn: int) -> None:
        """Play new sessions once every one has been asked for."""
        if turn % SHOPPERS:
            return
        pages = [answer(self._handler, post(START, {"seed": f"shopper {next(self._numbers)}"})) for _ in self._wishes]
        for _ in range(self._rounds):
            pages = [answer(self._handler, event) for _, event in self._answers(pages)]
        self._events = {kind: [] for kind, _ in self._wishes}
        for kind, event in self._answers(pages):
            self._events[kind].append(event)

    def event(self, turn: int, kind: str = "") -> dict[str, Any]:
        return self._events[kind][turn % SHOPPERS]

    def _answers(self, pages: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
        answered = zip(self._wishes, pages, strict=True)
        return [(kind, next_event(page, **wishes)) for (kind, wishes), page in answered]
