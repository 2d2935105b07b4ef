"""The OpenAPI document that clients are written from says what the API does."""

from __future__ import annotations

from typing import Any

import pytest

from handler.recommend.strategies import STRATEGIES
from handler.sessions.tokens import SessionTokens
from tests.conftest import KEY
from tests.handler.support import event, send

pytestmark = pytest.mark.usefixtures("gateway")

PATHS = {
    "/v1/sessions": "post",
    "/v1/sessions/next": "post",
    "/v1/sessions/undo": "post",
    "/v1/sessions/show": "post",
    "/v1/search/image": "post",
    "/v1/items/{product_id}": "get",
    "/v1/items/{product_id}/similar": "get",
    "/v1/health": "get",
    "/v1/bundle": "get",
}


@pytest.fixture(scope="module")
def document(gateway: None) -> dict[str, Any]:  # noqa: ARG001
    loaded: dict[str, Any] = send(event("openapi")).json
    return loaded


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(path, one) for path, methods in document["paths"].items() for one in methods.values()]


def references(node: object) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(references(value) for value in node.values()))
    return set().union(*(references(value) for value in node)) if isinstance(node, list) else set()


def test_every_route_is_documented(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.")
    assert document["info"]["title"] == "Vitrine"
    for path, method in PATHS.items():
        assert method in document["paths"][path], path
    for path, operation in operations(document):
        assert operation["summary"], path
        assert operation["description"], path
        assert "200" in operation["responses"], path


def test_only_the_api_is_in_it(document: dict[str, Any]) -> None:
    assert all(path.startswith("/v1/") for path in document["paths"])


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = references(document)
    assert found
    for reference in found:
        node: Any = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_operation_ids_are_unique(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(ids) == len(set(ids))


def test_errors_are_documented_as_problem_documents(document: dict[str, Any]) -> None:
    for path, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"], (path, status)


def test_requests_and_answers_have_schemas(document: dict[str, Any]) -> None:
    for path, operation in operations(document):
        assert operation["responses"]["200"]["content"]["application/json"]["schema"], path
    limits = document["components"]["schemas"]["StartSession"]["properties"]["count"]
    assert (limits["minimum"], limits["maximum"], limits["default"]) == (1, 50, 10)


def test_bundle_lists_the_options_of_a_request() -> None:
    answer = send(event("bundle")).json
    assert answer["products"] == 80
    assert answer["strategies"] == sorted(STRATEGIES)
    assert {field["name"] for field in answer["fields"]} == {"colour", "in_stock", "name", "price"}
    price = next(field for field in answer["fields"] if field["name"] == "price")
    assert (price["minimum"], price["maximum"]) == (10.0, 29.0)
    assert answer["recall"] >= 0.99


def test_an_encoder_and_a_vector_space_have_a_name_each() -> None:
    """A session of another vector space is told which one the shop uses, as /v1/bundle calls it."""
    answer = send(event("bundle")).json
    tokens = SessionTokens([KEY], 60)
    foreign = tokens.write(tokens.start("f" * 32).show([1]))
    problem = send(event("next_page", {"session": foreign})).json
    assert problem["code"] == "session_model_changed"
    assert problem["limit"] == answer["vector_space"]
    assert f"vector space {'f' * 16}; this shop now uses {answer['vector_space']}" in problem["detail"]
    assert answer["model_fingerprint"] != answer["vector_space"]  # this bundle has a projection
    assert "fingerprint" not in answer


def test_health_names_the_bundle_that_is_served() -> None:
    expected = {"status": "ok", "bundle": send(event("bundle")).json["version"], "reason": None, "stale_seconds": None}
    assert send(event("health")).json == expected
