"""Whole sessions that schemathesis makes up: tokens and products of one answer go into the next request."""

from __future__ import annotations

import copy
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from handler.api.app import create_app
from handler.runtime import Runtime
from handler.settings import Settings
from scripts.write_openapi import OUT
from tests.conftest import KEY, MILVUS
from tests.live import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SESSIONS, STEPS = 30, 8
RUNS = 4
"""At most. In the first one, which depends on the modules that hypothesis finds imported, a session may never come to
the point where an undo is possible."""
SESSION, FIRST, SECOND = "$response.body#/session", "$response.body#/items/0/id", "$response.body#/items/1/id"
LINKS: dict[str, dict[str, Any]] = {
    "next": {"operationId": "next_page", "requestBody": {"session": SESSION, "liked": [FIRST], "disliked": [SECOND]}},
    "skip": {"operationId": "next_page", "requestBody": {"session": SESSION, "liked": [], "disliked": []}},
    "undo": {"operationId": "undo", "requestBody": {"session": SESSION}},
    "show": {"operationId": "show_page", "requestBody": {"session": SESSION}},
    "words": {"operationId": "search_text", "requestBody": {"session": SESSION, "text": "red no"}},
    "item": {"operationId": "item", "parameters": {"product_id": FIRST}},
    "similar": {"operationId": "similar_items", "parameters": {"product_id": FIRST}},
}
"""From an answer with a session and products; the document itself describes each operation alone."""


def linked_document() -> dict[str, Any]:
    document: dict[str, Any] = copy.deepcopy(json.loads(OUT.read_text(encoding="utf-8")))
    for path in ("/v1/sessions", "/v1/sessions/next", "/v1/sessions/undo", "/v1/sessions/show"):
        document["paths"][path]["post"]["responses"]["200"]["links"] = LINKS
    return document


@pytest.fixture(scope="module")
def server(bundles: Path) -> Iterator[str]:
    app = create_app(Runtime(Settings(bundles=str(bundles), signing_keys=(KEY,), index=MILVUS, events="off")))
    with serving(app) as address:
        yield address


def test_no_course_of_a_session_leaves_what_is_documented(server: str) -> None:
    answers: Counter[tuple[str, int]] = Counter()

    schema = schemathesis.openapi.from_dict(linked_document())
    schema.config.generation.update(modes=[schemathesis.GenerationMode.POSITIVE])  # test_contract.py has the others

    class Shopper(schema.as_state_machine()):  # type: ignore[misc]
        def setup(self) -> None:
            self.pages: list[dict[str, Any]] = []
            self.calls = 0

        def before_call(self, case: schemathesis.Case) -> None:
            """Continue the session in two of three steps: a request of the schema alone hardly ever has a token."""
            self.calls += 1
            if self.pages and isinstance(case.body, dict) and self.calls % 3:
                page = self.pages[-1]
                case.body.pop("filter", None)
                if "session" in case.body:
                    case.body["session"] = page["session"]
                if "liked" in case.body:
                    case.body |= {"liked": [item["id"] for item in page["items"][:1]], "disliked": []}

        def get_call_kwargs(self, case: schemathesis.Case) -> dict[str, Any]:  # noqa: ARG002
            return {"base_url": server}

        def validate_response(self, response: Any, case: schemathesis.Case, **kwargs: Any) -> None:  # noqa: ARG002
            answers[case.operation.definition.raw["operationId"], response.status_code] += 1
            if response.status_code == 200 and "session" in response.json():
                self.pages.append(response.json())
            # No schema says which tokens are signed and which products exist: refusing is no failure.
            case.validate_response(response, excluded_checks=[positive_data_acceptance])

    expected = {"start_session", "next_page", "undo", "show_page", "item", "similar_items"}
    for run in range(RUNS):
        Shopper.run(
            settings=settings(
                max_examples=SESSIONS,
                stateful_step_count=STEPS,
                deadline=None,
                derandomize=run == 0,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
        )
        succeeded = {operation for operation, status in answers if status == 200}
        if expected <= succeeded:
            break
    assert expected <= succeeded, answers
    assert all(status < 500 for _, status in answers), answers
