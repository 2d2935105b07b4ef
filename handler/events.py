"""What happened in a session, one log line a round, for a shop that wants to know what its shoppers like.

    {"time": "...", "level": "INFO", "logger": "vitrine.events", "request_id": "JKJaXmPLvHcESHA=",
     "event": "round",                   # or "undo"
     "session": "9f2c4a1be07d5536",      # keyed hash of the session's id: nobody can go from it to a token, or back
     "round": 2,                         # of the page now shown, counted from 1
     "strategy": "mean",                 # null for an undo
     "bundle": "20260101T120000Z-1a2b3c4d",
     "photo": false,                     # was a photo liked with this request?
     "answer": {"liked": [{"label": 17, "position": 0}], "disliked": []},
     "shown": [{"label": 42, "position": 0, "reason": "similar"}, ...],
     "latency_ms": 1.9}                  # from the request's arrival to the page's being ready

Labels are products (the bundle's catalog has their ids), positions are places on a page, counted from 0. An answer is
to a page of an earlier line, mostly the one before; no session sees a product twice, so its label says which. The same
(session, round) again is a repeated request, or an answer given anew after an undo: the last line counts.

Showing a page again (`POST /v1/sessions/show`) is not a round and logs no line.

There is no address, no browser, no id of a person and nothing a shopper typed or uploaded in it. VITRINE_EVENTS=off
turns it off. scripts/click_through.py makes click-through by strategy of such lines.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from handler.logs import EVENTS
from handler.request_context import current_request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handler.recommend.next_page import Pick
    from handler.runtime import Runtime
    from handler.sessions.state import SessionState

logger = logging.getLogger(EVENTS)


def log_round(runtime: Runtime, bundle: str, strategy: str, answered: SessionState, picks: Sequence[Pick]) -> None:
    """`answered`: the state with the answer, before `picks` are shown; without a page in front at a session's start."""
    if runtime.settings.events == "on":
        last = answered.rounds[-1] if answered.rounds else None
        answer = {"liked": [], "disliked": []} if last is None else _answer(answered)
        _log(runtime, "round", answered, answered.number + 1, bundle, strategy, answer, picks, last)


def log_undo(runtime: Runtime, bundle: str, state: SessionState, picks: Sequence[Pick]) -> None:
    """`state`: after the undo, the page of before in front again."""
    if runtime.settings.events == "on":
        _log(runtime, "undo", state, state.number, bundle, None, {"liked": [], "disliked": []}, picks, None)


def _log(
    runtime: Runtime,
    name: str,
    state: SessionState,
    number: int,
    bundle: str,
    strategy: str | None,
    answer: dict[str, list[dict[str, int]]],
    picks: Sequence[Pick],
    last: Any,
) -> None:
    request = current_request()
    event = {
        "event": name,
        "session": runtime.tokens.pseudonym(state),
        "round": number,
        "strategy": strategy,
        "bundle": bundle,
        "photo": last is not None and last.photo is not None,
        "answer": answer,
        "shown": [{"label": pick.label, "position": place, "reason": pick.reason} for place, pick in enumerate(picks)],
        "latency_ms": round(request.elapsed_ms, 2) if request else None,
    }
    logger.info(name, extra={"event": event})


def _answer(state: SessionState) -> dict[str, list[dict[str, int]]]:
    last = state.rounds[-1]
    return {
        "liked": [_placed(state, label) for label in last.liked],
        "disliked": [_placed(state, label) for label in last.disliked],
    }


def _placed(state: SessionState, label: int) -> dict[str, int]:
    page = next(page.shown for page in reversed(state.rounds) if label in page.shown)
    return {"label": label, "position": page.index(label)}
