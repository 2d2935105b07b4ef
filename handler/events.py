"""One log line for every round, for a shop that wants to learn what its shoppers like.

    {"time": "...", "level": "INFO", "logger": "vitrine.events", "request_id": "JKJaXmPLvHcESHA=",
     "event": "round",                   # or "undo"
     "session": "9f2c4a1be07d5536",      # keyed hash of the session's id; does not lead to a token
     "round": 2,                         # of the page now shown, counted from 1
     "strategy": "mean",                 # null for an undo
     "bundle": "20260101T120000Z-1a2b3c4d",
     "photo": false,                     # whether this request liked a photo
     "text": false,                      # whether it searched for words; never which
     "answer": {"liked": [{"label": 17, "position": 0}], "disliked": []},
     "shown": [{"label": 42, "position": 0, "reason": "similar"}, ...],
     "latency_ms": 1.9}                  # from the arrival of the request until the page is ready

Labels stand for products (the bundle's catalog maps them to ids); positions on a page count from 0, and are null for a
product of a page so old that the session has forgotten its order. An answer refers to a page of an earlier line,
usually the previous one. No session sees a product twice, so the label identifies the page.
The same session and round again is a repeated request or a new answer after an undo: the last line counts.

Showing a page again (`POST /v1/sessions/show`) is not a round and logs nothing.

A line contains no address, browser, personal id, or anything that a shopper typed or uploaded. VITRINE_EVENTS=off turns
events off. scripts/click_through.py computes click-through by strategy, and `vitrine tune --by-events` tunes vectors to
what shoppers liked.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handler.logs import EVENTS
from handler.request_context import current_request, end_stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handler.recommend.next_page import Pick
    from handler.serving import Serving
    from handler.sessions.history import Round
    from handler.sessions.state import SessionState

logger = logging.getLogger(EVENTS)


@dataclass(frozen=True)
class _Event:
    name: str
    round: int
    strategy: str | None
    state: SessionState
    """The session, with the page that `answered` stands for at its end."""
    answered: Round | None
    picks: Sequence[Pick]

    def log(self, serving: Serving) -> None:
        request = current_request()
        line = {
            "event": self.name,
            "session": serving.tokens.pseudonym(self.state),
            "round": self.round,
            "strategy": self.strategy,
            "bundle": serving.bundle.version,
            "photo": self.answered is not None and self.answered.photo is not None,
            "text": self.answered is not None and self.answered.words != "",
            "answer": self._answer(),
            "shown": [
                {"label": pick.label, "position": position, "reason": pick.reason}
                for position, pick in enumerate(self.picks)
            ],
            "latency_ms": round(request.elapsed_ms, 2) if request else None,
        }
        logger.info(self.name, extra={"event": line})

    def _answer(self) -> dict[str, list[dict[str, int | None]]]:
        liked, disliked = (self.answered.liked, self.answered.disliked) if self.answered else ((), ())
        return {
            "liked": [self._positioned(label) for label in liked],
            "disliked": [self._positioned(label) for label in disliked],
        }

    def _positioned(self, label: int) -> dict[str, int | None]:
        page = next((page.shown for page in reversed(self.state.rounds) if label in page.shown), None)
        return {"label": label, "position": None if page is None else page.index(label)}


def log_round(serving: Serving, strategy: str, state: SessionState, picks: Sequence[Pick]) -> None:
    """Log and count a page. `state` holds the answer to the page before, and does not show `picks` yet."""
    end_stage("write")
    request = current_request()
    serving.metrics.round(strategy, serving.bundle.manifest.created_at, request.stages if request else {})
    if serving.settings.events == "on" and logger.isEnabledFor(logging.INFO):
        answered = state.rounds[-1] if state.rounds else None
        _Event("round", state.number + 1, strategy, state, answered, picks).log(serving)


def log_undo(serving: Serving, state: SessionState, picks: Sequence[Pick]) -> None:
    """Log an undo. In `state` the previous page is in front again."""
    if serving.settings.events == "on":
        _Event("undo", state.number, None, state, None, picks).log(serving)
