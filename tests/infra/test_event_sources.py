"""Two rounds through whatever may stand before the function: API Gateway v2 and v1, and a function URL.

`*_by_sam.json` are what `sam local generate-event apigateway ... --path v1/sessions --method POST` prints; the
others follow AWS's documentation of the payloads.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from handler import lambda_entry
from tests.conftest import KEY
from tests.handler.support import EVENTS, send

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOURCES = sorted((EVENTS / "sources").glob("*.json"))


@pytest.fixture(autouse=True)
def _deployed(bundles: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("VITRINE_BUNDLES", str(bundles))
    monkeypatch.setenv("VITRINE_SIGNING_KEYS", KEY)
    lambda_entry._adapter.cache_clear()
    yield
    lambda_entry._adapter.cache_clear()


def load(source: Path) -> dict[str, Any]:
    """The file's event. SAM's have no content type, without which a JSON body is none; a browser always sends one."""
    event: dict[str, Any] = json.loads(source.read_text())
    for headers, value in (("headers", "application/json"), ("multiValueHeaders", ["application/json"])):
        if headers in event and not {"content-type", "Content-Type"} & event[headers].keys():
            event[headers]["Content-Type"] = value
    return event


def moved(event: dict[str, Any], path: str, body: object) -> dict[str, Any]:
    """The same event for another path and body; everything else of it stays as it came."""
    text = json.dumps(body)
    event["body"] = base64.b64encode(text.encode()).decode() if event["isBase64Encoded"] else text
    if event.get("version") == "2.0":
        event["rawPath"] = event["requestContext"]["http"]["path"] = path
    else:
        event["path"] = path
    return event


@pytest.mark.parametrize("source", SOURCES, ids=[path.stem for path in SOURCES])
def test_two_rounds(source: Path) -> None:
    first = send(load(source))
    assert (first.status, len(first.ids), first.json["round"]) == (200, 10, 1)
    body = {"session": first.json["session"], "liked": first.ids[:2]}
    second = send(moved(load(source), "/v1/sessions/next", body))
    assert (second.status, len(second.ids), second.json["round"]) == (200, 10, 2)
    assert not set(first.ids) & set(second.ids)


@pytest.mark.parametrize("source", SOURCES, ids=[path.stem for path in SOURCES])
def test_a_problem_is_a_problem_everywhere(source: Path) -> None:
    body = {"session": "nothing.like-a-token"}
    answer = send(moved(load(source), "/v1/sessions/next", body))
    assert answer.status == 403
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("source", SOURCES, ids=[path.stem for path in SOURCES])
def test_the_unmodified_event_is_answered(source: Path) -> None:
    assert send(json.loads(source.read_text())).status == (422 if source.stem.endswith("by_sam") else 200)
