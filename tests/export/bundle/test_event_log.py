"""A log is hostile until checked: what breaks the contract is counted, and the rest is read as it was answered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from export.bundle import event_log
from export.bundle.event_log import MAX_LINE, AnsweredPage, EventLog, read_event_log
from handler.errors import CatalogError

if TYPE_CHECKING:
    from pathlib import Path


def event(session: str, number: int, shown: list[int], liked: list[int] = [], **more: Any) -> dict[str, Any]:  # noqa: B006
    return {
        "time": f"2026-01-01T12:00:{number:02}.000Z",
        "event": "round",
        "session": session,
        "round": number,
        "strategy": "mean",
        "bundle": "20260101T120000Z-1a2b3c4d",
        "answer": {"liked": [{"label": label, "position": 0} for label in liked], "disliked": []},
        "shown": [{"label": label, "position": place, "reason": "random"} for place, label in enumerate(shown)],
        **more,
    }


def read(directory: Path, *lines: str | bytes | dict[str, Any]) -> EventLog:
    path = directory / "events.jsonl"
    encoded = [json.dumps(line) if isinstance(line, dict) else line for line in lines]
    path.write_bytes(b"\n".join(line.encode() if isinstance(line, str) else line for line in encoded))
    return read_event_log(path)


def test_answers_belong_to_the_page_before_and_sessions_stay_apart(tmp_path: Path) -> None:
    log = read(
        tmp_path,
        event("a", 2, [4, 5], liked=[1]),  # a download is not always in order
        event("a", 1, [1, 2, 3]),
        event("b", 1, [9]),
        event("a", 3, [6], liked=[5, 2]),
        "2026-01-01T12:00:09 " + json.dumps(event("b", 2, [8], liked=[9])),
    )
    assert log.sessions == (
        (AnsweredPage((1, 2, 3), (1,), ()), AnsweredPage((4, 5), (5, 2), ())),
        (AnsweredPage((9,), (9,), ()),),
    )
    assert (log.events, log.broken) == (5, 0)


def test_a_repeated_request_counts_once_and_an_undo_takes_later_rounds_back(tmp_path: Path) -> None:
    log = read(
        tmp_path,
        event("a", 1, [1, 2]),
        event("a", 1, [1, 2]),
        event("a", 2, [3, 4], liked=[1]),
        event("a", 3, [5, 6], liked=[3]),
        event("a", 1, [], event="undo", time="2026-01-01T12:00:10.000Z"),
        event("a", 2, [7, 8], liked=[2], time="2026-01-01T12:00:11.000Z"),
    )
    assert log.sessions == ((AnsweredPage((1, 2), (2,), ()),),)


@pytest.mark.parametrize(
    "damage",
    [
        {"round": "2"},
        {"round": 0},
        {"round": 10**400},
        {"session": ""},
        {"session": "s" * 65},
        {"session": None},
        {"time": "yesterday"},
        {"time": "2026-01-01T12:00:00"},  # in which time zone?
        {"shown": [{"label": -1}]},
        {"shown": [{"label": 2**27}]},
        {"shown": [{"label": "3"}]},
        {"shown": [{"label": 1.5}]},
        {"shown": [{"label": label} for label in range(51)]},
        {"answer": {"liked": [{"label": True}], "disliked": []}},
        {"answer": None},
        {"event": "purchase"},
    ],
)
def test_a_line_that_breaks_the_contract_is_counted_and_left_out(tmp_path: Path, damage: dict[str, Any]) -> None:
    log = read(tmp_path, event("a", 1, [1, 2]), {**event("a", 2, [3], liked=[1]), **damage}, event("b", 1, [4]))
    assert (log.events, log.broken) == (2, 1)
    assert log.sessions == ((), ())


def test_lines_of_other_loggers_and_garbage_do_not_stop_the_reading(tmp_path: Path) -> None:
    good = json.dumps(event("a", 1, [1]))
    log = read(
        tmp_path,
        "START RequestId: 1",
        '{"level": "ERROR", "message": "bundle_corrupt"}',
        b"\xff\xfe\x00",
        '{"event":' + "[" * 20_000,
        good[:-20],
        good[:-1] + ', "more": "' + MAX_LINE * "x" + '"}',
        good,
    )
    assert (log.events, log.broken) == (1, 3)


def test_a_log_that_does_not_fit_in_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "MAX_EVENTS", 2)
    with pytest.raises(CatalogError, match="more than 2 events"):
        read(tmp_path, *(event("a", number, [number]) for number in range(1, 4)))
