"""What every answer carries: the request's id, how long it may be kept, and who may read it from a browser."""

from __future__ import annotations

import json
import logging
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from handler import lambda_entry
from handler.api.app import STATIC, STATIC_TYPES
from handler.api.guard import MAX_BODY
from handler.request_context import request_id
from tests.handler.api.test_problems import assert_problem
from tests.handler.photo_files import as_json, photo
from tests.handler.support import EVENTS, Answer, event, get, send

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("gateway")

ID = "JKJaXmPLvHcESHA="
ORIGIN = "https://shop.example"


def with_headers(made: dict[str, Any], method: str | None = None, **headers: str) -> dict[str, Any]:
    made["headers"] |= {name.replace("_", "-"): value for name, value in headers.items()}
    if method:
        made["requestContext"]["http"]["method"] = method
    return made


@pytest.mark.parametrize("name", sorted(path.stem for path in EVENTS.glob("*.json")))
def test_every_answer_carries_the_gateways_request_id(name: str) -> None:
    made = event(name)
    assert send(made).headers["x-request-id"] == made["requestContext"]["requestId"]


def test_an_unforeseen_error_carries_it_in_its_answer_and_its_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("the secret\ninside")

    monkeypatch.setattr("handler.pages.show_product", fail)
    made = event("get_item")
    answer = send(made)
    (line,) = [json.loads(one) for one in capsys.readouterr().out.splitlines()]
    assert (answer.status, answer.json["code"]) == (500, "internal")
    assert answer.headers["x-request-id"] == line["request_id"] == made["requestContext"]["requestId"]
    assert (line["level"], line["logger"]) == ("ERROR", "handler.api.guard")
    assert "ZeroDivisionError: the secret\ninside" in line["exception"]


def scope(event: object = None, context: object = None, *headers: bytes) -> dict[str, Any]:
    return {"aws.event": event, "aws.context": context, "headers": [(b"x-request-id", value) for value in headers]}


def test_the_gateways_id_precedes_lambdas_and_the_clients() -> None:
    gateway = {"requestContext": {"requestId": ID}}
    context = SimpleNamespace(aws_request_id="8f507cfc-xmpl-4697-b07a-ac58fc914c95")
    assert request_id(scope(gateway, context, b"from-client")) == ID
    assert request_id(scope({}, context, b"from-client")) == context.aws_request_id
    assert request_id(scope(None, None, b"from-client")) == "from-client"
    assert request_id(scope({"requestContext": None}, None, b"short")) != "short"


@examples(max_examples=200)
@given(offered=st.binary(max_size=140), claimed=st.none() | st.text(max_size=20) | st.integers())
def test_an_id_is_always_one_plain_word(offered: bytes, claimed: object) -> None:
    found = request_id(scope({"requestContext": {"requestId": claimed}}, None, offered))
    assert re.fullmatch(r"[0-9A-Za-z._=+/-]{8,128}", found)


def test_ids_made_here_differ() -> None:
    assert len({request_id(scope()) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("name", "cache"),
    [("bundle", "public, max-age=60"), ("get_item", "public, max-age=60"), ("get_similar", "public, max-age=60"),
     ("gallery", "no-cache")],
)  # fmt: skip
def test_a_current_copy_is_not_sent_again(name: str, cache: str) -> None:
    first = send(event(name))
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == cache
    for condition in (tag, f'"other", {tag}', tag.removeprefix("W/"), "*"):
        again = send(with_headers(event(name), if_none_match=condition))
        assert (again.status, again.content) == (304, b"")
        assert (again.headers["etag"], again.headers["cache-control"]) == (tag, cache)
    assert send(with_headers(event(name), if_none_match='"other"')).content == first.content


@pytest.mark.parametrize(
    "name", sorted(path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*") if path.suffix in STATIC_TYPES)
)
def test_static_files_are_revalidated(name: str) -> None:
    first = send(get(f"/static/{name}"))
    again = send(with_headers(get(f"/static/{name}"), if_none_match=first.headers["etag"]))
    assert (first.status, again.status) == (200, 304)
    assert first.headers["cache-control"] == "no-cache"
    assert first.headers["x-content-type-options"] == "nosniff"


def test_pages_are_never_cached() -> None:
    first = send(event("start_session"))
    token = first.json["session"]
    second = send(event("next_page", {"session": token}))
    answers = [
        first,
        second,
        send(event("undo", {"session": second.json["session"]})),
        send(as_json(photo())),
        send(event("health")),
        send(event("next_page")),
        send(event("get_item_unknown")),
    ]
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}
    assert all("etag" not in answer.headers for answer in answers)


@pytest.mark.parametrize("name", ["start_session", "next_page", "undo", "show_page", "health"])
@pytest.mark.parametrize("declared", [True, False], ids=["content-length", "chunked"])
def test_a_body_beyond_all_sense_is_not_parsed(name: str, declared: bool) -> None:
    made = event(name, {"seed": "x" * MAX_BODY})
    made["headers"].pop("content-length", None)
    if declared:
        made["headers"]["content-length"] = str(len(made["body"]))
    answer = send(made)
    if name == "health" and not declared:
        assert answer.status == 200  # nobody reads its body
        return
    document = assert_problem(answer, 413)
    assert (document["code"], document["limit"]) == ("body_too_large", MAX_BODY)
    assert document["remedy"]
    assert answer.headers["x-request-id"]


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("VITRINE_CORS_ORIGINS", f"{ORIGIN}, http://localhost:5173")
    lambda_entry._adapter.cache_clear()
    yield
    lambda_entry._adapter.cache_clear()


def preflight(origin: str) -> Answer:
    return send(
        with_headers(
            event("start_session", {}),
            "OPTIONS",
            origin=origin,
            access_control_request_method="POST",
            access_control_request_headers="content-type",
        )
    )


def test_no_origin_is_let_in_unless_it_is_named() -> None:
    assert "access-control-allow-origin" not in send(with_headers(event("health"), origin=ORIGIN)).headers
    assert preflight(ORIGIN).status == 405


@pytest.mark.usefixtures("shared")
def test_named_origins_may_call_and_read_the_id() -> None:
    asked = preflight(ORIGIN)
    assert asked.status == 200
    assert asked.headers["access-control-max-age"] == "3600"
    assert {"content-type", "if-none-match", "x-request-id"} <= {
        name.strip().lower() for name in asked.headers["access-control-allow-headers"].split(",")
    }
    assert asked.headers["access-control-allow-origin"] == ORIGIN
    answer = send(with_headers(event("start_session"), origin=ORIGIN))
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert {"etag", "x-request-id"} == {
        name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")
    }
    assert preflight("https://other.example").status == 400
    stranger = send(with_headers(event("start_session"), origin="https://other.example"))
    assert "access-control-allow-origin" not in stranger.headers


@pytest.mark.usefixtures("shared")
def test_a_page_elsewhere_can_read_errors_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser shows an answer without the header as no answer at all, and nobody would learn what went wrong."""
    monkeypatch.setattr("handler.pages.show_product", lambda *_: 1 / 0)
    too_large = with_headers(event("start_session"), origin=ORIGIN, content_length=str(MAX_BODY + 1))
    for made, status in ((event("get_item"), 500), (too_large, 413), (event("unknown_path"), 404)):
        answer = send(with_headers(made, origin=ORIGIN))
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (status, ORIGIN)


def test_a_log_record_is_always_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("handler.test").warning("a\nb\u2028c %s", "\x1b[31m")
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["message"] == "a\nb\u2028c \x1b[31m"
    assert json.loads(line)["request_id"] is None
