"""Any method, path, query, header and body: an answer that is documented, never a 5xx."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts.write_openapi import OUT
from tests.handler.api.test_problems import MEMBERS
from tests.handler.support import event, get, send

pytestmark = pytest.mark.usefixtures("gateway")

PATHS: dict[str, dict[str, Any]] = json.loads(OUT.read_text(encoding="utf-8"))["paths"]
DOCUMENTED = {
    (path, method): {int(status) for status in operation["responses"]}
    for path, operations in PATHS.items()
    for method, operation in operations.items()
}
POSTS = sorted(path for path, method in DOCUMENTED if method == "post")
NAMES = ("session", "liked", "disliked", "count", "similar", "filter", "strategy", "seed", "image", "text")
HEADERS = ("content-type", "content-length", "content-encoding", "accept", "host", "origin", "if-none-match", "range")
fuzz = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])

text = st.text(max_size=20) | st.sampled_from(
    ["\ud800", "\x00", "../..", "%2e%2e%2f", "red-03", "' OR 1=1 --", "9" * 400]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | text | st.just(10**400),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["color", "price", "in_stock", "lt", "gte", "nosuch"]) | text, inner, max_size=4
        )
    ),
    max_leaves=10,
)
bodies = st.binary(max_size=60) | st.dictionaries(st.sampled_from(NAMES) | text, values, max_size=6).map(
    lambda body: json.dumps(body).encode()
)


def assert_answered(request: dict[str, Any], allowed: set[int]) -> None:
    answer = send(request)
    assert answer.status in allowed, (answer.status, answer.content[:300])
    if answer.status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert {"type", "title", "status", "detail", "code"} <= answer.json.keys() <= MEMBERS


def post(path: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    request = event("start_session")
    request["rawPath"] = request["requestContext"]["http"]["path"] = path
    request["headers"] |= headers
    return request | {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


@fuzz
@given(st.sampled_from(POSTS), bodies)
def test_any_body_gets_a_documented_answer(path: str, body: bytes) -> None:
    assert_answered(post(path, body, {"content-type": "application/json"}), DOCUMENTED[path, "post"])


@fuzz
@given(
    st.sampled_from(POSTS),
    bodies,
    st.dictionaries(st.sampled_from(HEADERS), st.text(st.characters(max_codepoint=255), max_size=30), max_size=4),
)
def test_any_header_gets_a_documented_answer(path: str, body: bytes, headers: dict[str, str]) -> None:
    # 415 is the guard's, for every path that takes a body.
    assert_answered(post(path, body, headers), DOCUMENTED[path, "post"] | {415})


@fuzz
@given(st.sampled_from(["/v1/items/{}", "/v1/items/{}/similar", "/v1/search/text", "/v1/{}", "/{}"]), text, text)
def test_any_id_and_query_get_a_documented_answer(path: str, id_: str, query: str) -> None:
    from urllib.parse import quote

    quoted = quote(id_.encode(errors="surrogatepass"))
    search = quote(query.encode(errors="surrogatepass"))
    request = get(f"{path.format(quoted)}?count={search}&filter={search}&q={search}&text={search}&{search}")
    assert_answered(request, {200, 304, 404, 405, 409, 413, 422})


@fuzz
@given(
    st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]),
    st.sampled_from(sorted(PATHS)),
)
def test_any_method_gets_an_answer_that_is_no_fault_of_the_server(method: str, path: str) -> None:
    request = get(path)
    request["requestContext"]["http"]["method"] = method
    assert_answered(request, {200, 204, 400, 404, 405, 409, 415, 422})
