"""Whatever a client sends, it gets an answer or a problem document that says what to change; never our insides."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from handler import errors
from handler.api.http_status import status_of
from handler.api.problem_codes import PROBLEM_CODES, http_errors
from handler.errors import VitrineError
from tests.handler.support import Answer, event, get, send

pytestmark = pytest.mark.usefixtures("gateway")

INSIDES = (b"Traceback", b"site-packages", b'File "', b".py", b"sqlite", b"pydantic", b"0x7f")
MEMBERS = {"type", "title", "status", "detail", "code", "field", "value", "limit", "remedy"}


def assert_problem(answer: Answer, status: int | None = None) -> dict[str, Any]:
    assert 400 <= answer.status < 500
    assert status in (None, answer.status)
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json
    assert {"type", "title", "status", "detail", "code"} <= document.keys() <= MEMBERS
    assert document["status"] == answer.status
    return document


def start() -> dict[str, Any]:
    page: dict[str, Any] = send(event("start_session", {"seed": "problems"})).json
    return page


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"count": 51}, {"code": "invalid_request", "field": "count", "value": 51, "limit": 50}),
        ({"count": 0}, {"code": "invalid_request", "field": "count", "value": 0, "limit": 1}),
        ({"count": "10"}, {"code": "invalid_request", "field": "count", "value": "10"}),
        ({"count": True}, {"code": "invalid_request", "field": "count", "value": True}),
        ({"count": 2.5}, {"code": "invalid_request", "field": "count", "value": 2.5}),
        ({"size": 3}, {"code": "invalid_request", "field": "size"}),
        ({"seed": "x" * 129}, {"code": "invalid_request", "field": "seed", "limit": 128}),
        ({"strategy": "magic"}, {"code": "invalid_request", "field": "strategy", "value": "magic"}),
        ({"filter": {"size": "M"}}, {"code": "invalid_filter", "field": "filter.size"}),
        ({"filter": {"price": "cheap"}}, {"code": "invalid_filter", "field": "filter.price", "value": "cheap"}),
        ({"filter": {"price": {"max": 3}}}, {"code": "invalid_filter", "field": "filter.price"}),
        ({"filter": {"in_stock": 1}}, {"code": "invalid_filter", "field": "filter.in_stock", "value": 1}),
        ({"filter": {"colour": ["red"] * 101}}, {"code": "invalid_filter", "field": "filter.colour", "limit": 100}),
        ([], {"code": "invalid_request"}),
    ],
)
def test_a_start_that_cannot_be_names_the_field_the_value_and_the_limit(body: Any, expected: dict[str, Any]) -> None:
    document = assert_problem(send(event("start_session", body)), 422)
    assert {key: document.get(key) for key in expected} == expected


@pytest.mark.parametrize(
    ("changes", "status", "expected"),
    [
        ({"liked": ["nobody"]}, 422, {"code": "unknown_product", "field": "liked", "value": "nobody"}),
        ({"liked": ["x"] * 201}, 422, {"code": "invalid_request", "field": "liked", "limit": 200}),
        ({"liked": [""]}, 422, {"code": "invalid_request", "field": "liked.0", "limit": 1}),
        ({"liked": "red-00"}, 422, {"code": "invalid_request", "field": "liked"}),
        ({"similar": 11}, 422, {"code": "invalid_request", "field": "similar", "value": 11, "limit": 10}),
        ({"session": "not a token"}, 400, {"code": "session_malformed", "field": "session"}),
        ({"session": "AAAA.BBBB"}, 403, {"code": "session_tampered", "field": "session"}),
        ({"session": "a" * 70_000}, 422, {"code": "invalid_request", "field": "session", "limit": 65_536}),
        ({"session": None}, 422, {"code": "invalid_request", "field": "session"}),
    ],
)
def test_an_answer_that_cannot_be(changes: dict[str, Any], status: int, expected: dict[str, Any]) -> None:
    document = assert_problem(send(event("next_page", {"session": start()["session"], **changes})), status)
    assert {key: document.get(key) for key in expected} == expected


def test_liking_an_unseen_product_or_also_disliking_it_is_refused() -> None:
    page = start()
    shown = [item["id"] for item in page["items"]]
    unseen = next(name for name in (f"red-{number:02}" for number in range(20)) if name not in shown)
    never = assert_problem(send(event("next_page", {"session": page["session"], "liked": [unseen]})), 422)
    assert (never["code"], never["field"], never["value"]) == ("not_shown", "liked", unseen)
    both = {"session": page["session"], "liked": shown[:1], "disliked": shown[:1]}
    assert assert_problem(send(event("next_page", both)), 422)["code"] == "contradictory_answer"


def test_nothing_to_undo_is_a_conflict_with_a_remedy() -> None:
    document = assert_problem(send(event("undo", {"session": start()["session"]})), 409)
    assert document["code"] == "nothing_to_undo"
    assert document["remedy"]


def test_an_expired_session_is_gone() -> None:
    with time_machine.travel("2025-01-01", tick=False) as clock:
        token = start()["session"]
        clock.shift(7 * 86_400 + 1)
        document = assert_problem(send(event("next_page", {"session": token})), 410)
    assert (document["code"], document["value"], document["limit"]) == ("session_expired", 604_801, 604_800)


def test_long_values_are_cut_in_problems() -> None:
    answer = send(event("next_page", {"session": start()["session"], "liked": ["y" * 500], "strategy": "z" * 9_000}))
    assert len(answer.content) < 2_000
    assert len(send(event("start_session", {"strategy": "z" * 9_000})).content) < 2_000
    assert len(send(event("start_session", {"filter": {"z" * 9_000: 1}})).content) < 2_000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[[[[",
        b"[" * 100_000,
        b'{"count": 1e999}',
        b'{"count": ' + b"9" * 5_000 + b"}",
        b'{"filter": {"price": ' + b"9" * 400 + b"}}",
        b'{"filter": {"price": {"lt": ' + b"9" * 400 + b"}}}",
        b'{"filter": {"price": NaN}}',
        b'{"filter": {"price": {"lt": Infinity}}}',
        b'{"seed": "\\ud800"}',
        b'{"strategy": "\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"filter": {"\\ud800": 1}}',
        b'{"filter": {"colour": "\\ud800"}}',
        b'{"filter": {"colour": ["\\ud800"]}}',
        b'{"filter": {"colour": "\\u0000"}}',
        b'{"filter": {"\\u0000": "a"}}',
        b"\xff\xfe\x00",
        b'{"seed": "\xff"}',
    ],
)
def test_hostile_bodies(body: bytes) -> None:
    hostile = event("start_session")
    hostile |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    answer = send(hostile)
    if answer.status != 200:
        assert_problem(answer)
        assert not any(inside in answer.content for inside in INSIDES)


@pytest.mark.parametrize("name", ["next_page", "undo", "show_page"])
@pytest.mark.parametrize("token", ["\ud800", "a.\ud800", "\x00.\x00", "é.é", "", "."])
def test_hostile_tokens(name: str, token: str) -> None:
    answer = send(event(name, {"session": token}))
    assert_problem(answer)
    assert not any(inside in answer.content for inside in INSIDES)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
KEYS = ("session", "liked", "disliked", "count", "similar", "filter", "strategy", "seed")
LIKELY = JSON | st.sampled_from(["red-00", ["red-00"], {"colour": "red"}, {"price": {"lt": 12}}, 5, "mean", "AA.AA"])


@examples(deadline=None, max_examples=150)
@given(name=st.sampled_from(["start_session", "next_page", "undo", "show_page"]), body=JSON)
def test_any_json_is_answered_or_explained(name: str, body: Any) -> None:
    answer = send(event(name, body))
    if answer.status != 200:
        assert_problem(answer)


@examples(deadline=None, max_examples=150)
@given(name=st.sampled_from(["start_session", "next_page"]), body=st.dictionaries(st.sampled_from(KEYS), LIKELY))
def test_nearly_right_json_is_answered_or_explained(name: str, body: dict[str, Any]) -> None:
    if name == "next_page":
        body = {"session": start()["session"], **body}
    answer = send(event(name, body))
    if answer.status != 200:
        assert_problem(answer)


@examples(deadline=None, max_examples=100)
@given(
    path=st.text(st.characters(codec="utf-8"), max_size=40),
    method=st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", "FOO"]),
)
def test_any_path_is_answered_or_explained(path: str, method: str) -> None:
    wild = get("/" + path)
    wild["requestContext"]["http"]["method"] = method
    assert send(wild).status < 500


def test_an_unexpected_error_leaks_no_internals(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("the secret inside")

    monkeypatch.setattr("handler.pages.show_product", fail)
    answer = send(event("get_item"))
    assert (answer.status, answer.json["code"]) == (500, "internal")
    assert b"secret" not in answer.content
    assert b"ZeroDivision" not in answer.content


def tree(kind: type[VitrineError]) -> set[type[VitrineError]]:
    return {kind}.union(*(tree(below) for below in kind.__subclasses__()))


ABSTRACT = {VitrineError, errors.SessionError, errors.ImageError, errors.BundleError}
"""Bases that are never raised themselves; ConfigurationError and InvalidRequest are both base and raised."""
OFFLINE = {errors.PublishConflict, errors.CatalogError, errors.RecallTooLow} | tree(errors.ExportError)
"""Errors of the commands; no request can raise them."""


def test_every_error_class_a_request_can_raise_is_documented() -> None:
    assert (
        http_errors()
        == {kind for kind in tree(VitrineError) if kind.__module__ == "handler.errors"} - ABSTRACT - OFFLINE
    )


@pytest.mark.parametrize("kind", sorted(http_errors(), key=lambda kind: kind.__name__))
def test_an_error_reaches_the_client_under_its_documented_code_and_status(
    kind: type[VitrineError], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise kind("The detail.", remedy="The remedy.")

    monkeypatch.setattr("handler.pages.show_product", fail)
    answer = send(event("get_item"))
    assert (answer.json["code"], answer.status) in {(known.code, known.status) for known in PROBLEM_CODES}
    assert answer.json["status"] == answer.status
    assert (answer.json["detail"] == "The detail.") == (answer.status < 500), "server faults are not explained"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.NotShown, 422),
        (errors.NothingToUndo, 409),
        (errors.UnknownProduct, 404),
        (errors.UnknownAnswer, 422),
        (errors.SessionMalformed, 400),
        (errors.SessionTampered, 403),
        (errors.SessionExpired, 410),
        (errors.StoreUnavailable, 503),
        (errors.ConfigurationError, 500),
    ],
)
def test_statuses_clients_rely_on(kind: type[VitrineError], status: int) -> None:
    assert status_of(kind) == status


def test_an_error_reads_as_a_sentence_with_its_remedy() -> None:
    assert str(VitrineError("It broke.", remedy="Mend it.")) == "It broke. Mend it."
    assert json.dumps(str(VitrineError("It broke."))) == '"It broke."'
