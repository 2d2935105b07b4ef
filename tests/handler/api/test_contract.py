"""The OpenAPI document is a contract: schemathesis makes requests of it, and judges the answers by it.

Checked by its own checks: no 5xx, no status, content type or header that is not documented, no answer that does not
fit its schema, no request accepted that the schema forbids.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx
import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from handler.api.app import create_app
from handler.api.problem_codes import PROBLEM_CODES
from handler.api.problem_examples import PROBLEMS
from handler.runtime import Runtime
from handler.settings import Settings
from scripts.write_openapi import OUT, render
from tests.conftest import KEY, MILVUS, draw_photos, run_index
from tests.handler.photo_files import photo
from tests.live import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from schemathesis import Case

EXAMPLES = 50
DOCUMENT: dict[str, Any] = json.loads(OUT.read_text(encoding="utf-8"))
schema = schemathesis.openapi.from_dict(DOCUMENT)


@pytest.fixture(scope="module")
def server(bundles: Path) -> Iterator[str]:
    app = create_app(Runtime(Settings(bundles=str(bundles), signing_keys=(KEY,), events="off", index=MILVUS)))
    with serving(app) as address:
        yield address


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_every_answer_is_one_that_is_documented(case: Case, server: str) -> None:
    case.call_and_validate(base_url=server, excluded_checks=REFUSING)
    _make_real(case, server)  # which may mend what made it wrong
    case.call_and_validate(base_url=server, excluded_checks=[*REFUSING, negative_data_rejection])


# No schema says which tokens are signed, which products exist and what is a picture: refusing is no failure.
REFUSING = [positive_data_acceptance]


@cache
def _token(server: str) -> str:
    token: str = httpx.post(f"{server}/v1/sessions", json={}).json()["session"]
    return token


def _make_real(case: Case, server: str) -> None:
    """A token, a product and a photo that there are, so that answers are judged and not only refusals."""
    if isinstance(case.body, dict):
        if isinstance(case.body.get("session"), str):
            case.body["session"] = _token(server)
        if isinstance(case.body.get("image"), str):
            case.body["image"] = base64.b64encode(photo()).decode()
        case.body.pop("filter", None)
    if "product_id" in case.path_parameters:
        case.path_parameters["product_id"] = "red-03"


def test_the_committed_document_is_current() -> None:
    assert OUT.read_text(encoding="utf-8") == render(), "The API has changed: run python scripts/write_openapi.py"


def conforms(value: object, schema: dict[str, Any]) -> None:
    jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(value)


def operations() -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method} {path}", operation)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    ]


@pytest.mark.parametrize(("name", "operation"), operations(), ids=lambda one: one if isinstance(one, str) else "")
def test_examples_fit_their_schemas(name: str, operation: dict[str, Any]) -> None:
    answer = operation["responses"]["200"]["content"]["application/json"]
    assert answer["examples"]
    for example in answer["examples"].values():
        conforms(example["value"], answer["schema"])
    assert ("requestBody" in operation) == name.startswith("post ")
    if "requestBody" in operation:
        body = operation["requestBody"]["content"]["application/json"]
        assert body["examples"]
        for example in body["examples"].values():
            conforms(example["value"], body["schema"])


@pytest.mark.parametrize("slash", ["/", "%2F"])
def test_answers_for_ids_that_end_in_similar_fit_the_document(
    slash: str, tmp_path: Path, encoder_directory: Path
) -> None:
    photos = draw_photos(tmp_path / "photos", per_colour=4)
    records = [json.loads(line) for line in (photos / "catalog.jsonl").read_text().splitlines()]
    records[0]["id"], records[1]["id"] = "shoes", "shoes/similar"
    (photos / "catalog.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    run_index(photos / "catalog.jsonl", tmp_path / "bundles", encoder_directory)
    responses = DOCUMENT["paths"]["/v1/items/{product_id}/similar"]["get"]["responses"]
    app = create_app(
        Runtime(Settings(bundles=str(tmp_path / "bundles"), signing_keys=(KEY,), events="off", index=MILVUS))
    )
    with serving(app) as address:
        item = httpx.get(f"{address}/v1/items/shoes{slash}similar").json()
        nearest = [
            httpx.get(f"{address}/v1/items/{path}").json()
            for path in ("shoes/similar?count=3", f"shoes{slash}similar/similar")
        ]
    assert item["id"] == "shoes/similar"
    assert [len(answer["items"]) for answer in nearest] == [3, 10]
    assert "shoes/similar" not in {one["id"] for one in nearest[1]["items"]}
    for answer in (item, *nearest):
        conforms(answer, responses["200"]["content"]["application/json"]["schema"])


def test_examples_of_problems_are_problems() -> None:
    for status, example in PROBLEMS.items():
        conforms(example, {"$ref": "#/components/schemas/Problem"})
        assert example["status"] == status


def test_every_code_is_documented_and_every_response_has_a_request_id() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    assert all(f"| `{known.code}` | {known.status:d} |" in DOCUMENT["info"]["description"] for known in PROBLEM_CODES)
    assert DOCUMENT["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] == list(
        dict.fromkeys(known.code for known in PROBLEM_CODES)
    )
    for _, operation in operations():
        for response in operation["responses"].values():
            assert response["headers"]["X-Request-Id"] == {"$ref": "#/components/headers/RequestId"}
