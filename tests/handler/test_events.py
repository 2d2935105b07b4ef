"""One line a round: enough to learn what shoppers like, nothing that says who they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from handler import lambda_entry
from tests.conftest import KEY
from tests.handler.photo_files import as_json, photo
from tests.handler.support import event, send

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("gateway")

MEMBERS = {
    "time", "level", "logger", "request_id", "event", "session", "round", "strategy", "bundle", "photo", "text",
    "answer", "shown", "latency_ms",
}  # fmt: skip


def lines(captured: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in captured.splitlines()]


def test_a_round_logs_the_answer_and_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    first = send(event("start_session")).json
    ids = [item["id"] for item in first["items"]]
    body = {"session": first["session"], "liked": [ids[7], ids[0]], "disliked": [ids[3]]}
    second = send(event("next_page", body)).json
    start, following = lines(capsys.readouterr().out)
    assert start.keys() == following.keys() == MEMBERS
    assert (start["event"], start["round"], following["round"]) == ("round", 1, 2)
    assert start["session"] == following["session"]
    assert start["answer"] == {"liked": [], "disliked": []}
    labels = [item["label"] for item in start["shown"]]
    answer = following["answer"]
    assert answer["liked"] == [{"label": labels[7], "position": 7}, {"label": labels[0], "position": 0}]
    assert answer["disliked"] == [{"label": labels[3], "position": 3}]
    assert [item["reason"] for item in following["shown"]] == [item["reason"] for item in second["items"]]
    assert [item["position"] for item in following["shown"]] == list(range(10))
    assert following["strategy"] == "mean"
    assert following["bundle"] == send(event("bundle")).json["version"]
    assert 0 < following["latency_ms"] < 60_000
    assert following["request_id"] == event("next_page")["requestContext"]["requestId"]


def test_a_search_logs_that_there_was_one_and_nothing_of_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    first = send(event("start_session")).json
    typed = {"text": "red sessions7secret", "session": first["session"]}
    page = send(event("search_text", typed)).json
    send(event("search_text", {**typed, "text": "zeppelin7secret"}))
    send(event("search_text", {"text": "sessionless7secret"}))
    send(event("next_page", {"session": page["session"]}))
    printed = capsys.readouterr()
    assert [line["text"] for line in lines(printed.out)] == [False, True, False]
    assert "7secret" not in printed.out + printed.err
    assert {item["reason"] for item in lines(printed.out)[1]["shown"]} == {"searched", "random"}


def test_events_distinguish_photos_undos_and_sessions(capsys: pytest.CaptureFixture[str]) -> None:
    first = send(event("start_session", {"seed": "one"})).json
    second = send(as_json(photo(), session=first["session"])).json
    send(event("undo", {"session": second["session"]}))
    send(event("start_session", {"seed": "another"}))
    send(as_json(photo()))  # no session, no round
    start, searched, undone, other = lines(capsys.readouterr().out)
    assert [one["photo"] for one in (start, searched, undone, other)] == [False, True, False, False]
    assert [one["event"] for one in (start, searched, undone, other)] == ["round", "round", "undo", "round"]
    assert undone["round"] == 1
    assert undone["strategy"] is None
    assert start["session"] == searched["session"] == undone["session"] != other["session"]


def test_a_page_shown_again_logs_no_round_and_uses_up_no_product(capsys: pytest.CaptureFixture[str]) -> None:
    first = send(event("start_session")).json
    second = send(event("next_page", {"session": first["session"], "liked": [first["items"][0]["id"]]})).json
    capsys.readouterr()
    for page in (first, second):
        shown = send(event("show_page", {"session": page["session"]}))
        assert shown.status == 200
        assert shown.json["session"] == page["session"]
        assert (shown.json["round"], shown.json["remaining"]) == (page["round"], page["remaining"])
        kept = ("id", "image_url", "fields")
        assert [[item[key] for key in kept] for item in shown.json["items"]] == [
            [item[key] for key in kept] for item in page["items"]
        ]
        assert {(item["reason"], item["score"], *item["because"]) for item in shown.json["items"]} == {(None, None)}
    assert capsys.readouterr().out == ""


def test_nothing_in_a_line_is_about_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    made = event("start_session", {"seed": "jane.doe@example.com", "filter": {"colour": "red"}})
    page = send(made).json
    out = capsys.readouterr().out
    (line,) = lines(out)
    assert len(line["session"]) == 16
    for secret in ("jane", "203.0.113", "Mozilla", "iPhone", page["session"][:20], KEY, "colour"):
        assert secret not in out


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("VITRINE_EVENTS", "off")
    lambda_entry._adapter.cache_clear()
    yield
    lambda_entry._adapter.cache_clear()


@pytest.mark.usefixtures("silent")
def test_it_can_be_turned_off(capsys: pytest.CaptureFixture[str]) -> None:
    assert send(event("start_session")).status == 200
    assert capsys.readouterr().out == ""


def test_lines_come_from_the_lambda_as_click_through_reads_them(bundles: Path) -> None:
    """Three processes: two play a session by turns, and the script reads what they printed."""
    play = "import json, sys; from handler.lambda_entry import handler; r = handler(json.load(sys.stdin), None); "
    play += "print('ANSWER ' + r['body'])"
    environ = {**os.environ, "VITRINE_BUNDLES": str(bundles), "VITRINE_SIGNING_KEYS": KEY}

    def in_a_process(made: dict[str, Any]) -> tuple[dict[str, Any], str]:
        done = subprocess.run(
            [sys.executable, "-c", play],
            input=json.dumps(made),
            env=environ,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        log, _, answer = done.stdout.partition("ANSWER ")
        return json.loads(answer), log

    page, log = in_a_process(event("start_session"))
    request = event("next_page", {"session": page["session"], "liked": [page["items"][0]["id"]]})
    second, more = in_a_process(request)
    repeated, again = in_a_process(request)
    assert second["items"] == repeated["items"]
    assert (second["round"], second["remaining"]) == (repeated["round"], repeated["remaining"])
    script = Path(__file__).parents[2] / "scripts" / "click_through.py"
    done = subprocess.run(
        [sys.executable, script], input=log + more + again, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[0].split() == ["mean", "all", "1", "of", "10", "liked", "10.0%"]
