"""scripts/click_through.py reads what the handler really logs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).parents[1] / "scripts" / "click_through.py"


def line(session: str, number: int, shown: dict[int, str], liked: list[int] = [], **more: Any) -> str:  # noqa: B006
    answer = {"liked": [{"label": label, "position": 0} for label in liked], "disliked": []}
    pages = [{"label": label, "position": place, "reason": why} for place, (label, why) in enumerate(shown.items())]
    event = {"event": "round", "session": session, "round": number, "strategy": "mean", "answer": answer}
    return json.dumps({**event, "shown": pages, **more})


def run(*lines: str) -> list[list[str]]:
    done = subprocess.run(
        [sys.executable, SCRIPT], input="\n".join(lines), capture_output=True, text=True, check=True, timeout=60
    )
    return [one.split() for one in done.stdout.splitlines()]


def test_likes_are_counted_by_strategy_and_reason() -> None:
    table = run(
        line("a", 1, {1: "random", 2: "random"}),
        "START RequestId: 1",
        "2026-01-01T00:00:00 " + line("a", 2, {3: "similar", 4: "random"}, liked=[1]),
        line("a", 3, {5: "similar", 6: "random"}, liked=[3]),  # its own page was never answered
        line("b", 1, {1: "random"}, strategy="bayes"),
        line("b", 2, {2: "random"}, strategy="bayes"),
    )
    assert table == [
        ["bayes", "all", "0", "of", "1", "liked", "0.0%"],
        ["bayes", "random", "0", "of", "1", "liked", "0.0%"],
        ["mean", "all", "2", "of", "4", "liked", "50.0%"],
        ["mean", "random", "1", "of", "3", "liked", "33.3%"],
        ["mean", "similar", "1", "of", "1", "liked", "100.0%"],
    ]


def test_a_repeated_request_counts_once_and_an_undone_answer_not_at_all() -> None:
    first, undone, final = (
        line("a", 1, {1: "random", 2: "random"}),
        line("a", 2, {3: "similar"}, liked=[1]),
        line("a", 2, {4: "similar"}, liked=[2]),
    )
    undo = json.dumps({"event": "undo", "session": "a", "round": 1, "shown": []})
    assert run(first, first, undone, undo, final) == [
        ["mean", "all", "1", "of", "2", "liked", "50.0%"],
        ["mean", "random", "1", "of", "2", "liked", "50.0%"],
    ]


def test_no_events_make_no_table() -> None:
    assert run("", "nothing", "{}", "[1]", '{"event": "start"') == []
