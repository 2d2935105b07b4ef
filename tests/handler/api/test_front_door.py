"""Requests and events off the usual path: HEAD, compressed bodies, trailing slashes, a CDN's secret, no HTTP at all."""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from handler import lambda_entry
from tests.conftest import KEY
from tests.handler.support import EVENTS, event, get, send

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("gateway")


def with_method(loaded: dict[str, Any], method: str, **headers: str) -> dict[str, Any]:
    loaded["requestContext"]["http"]["method"] = method
    loaded["headers"] |= {name.replace("_", "-"): value for name, value in headers.items()}
    return loaded


@pytest.mark.parametrize("path", ["/", "/static/gallery.js", "/v1/health", "/v1/bundle", "/v1/items/red-03", "/docs"])
def test_head_answers_as_get_without_the_body(path: str) -> None:
    full, head = send(get(path)), send(with_method(get(path), "HEAD"))
    assert (full.status, head.status) == (200, 200)
    assert (len(full.content) > 0, head.content) == (True, b"")
    for name in ("content-type", "content-length", "etag", "cache-control"):
        assert head.headers.get(name) == full.headers.get(name)


def test_head_of_a_path_that_only_takes_posts_is_refused() -> None:
    assert send(with_method(get("/v1/sessions"), "HEAD")).status == 405


@pytest.mark.parametrize("host", ["", ":", "[::1]:8000", "shop.example:x", "a:b:c"])
@pytest.mark.parametrize("source", ["http_api_by_sam", "rest_api", "function_url"])
def test_a_host_that_is_none_is_no_fault_of_the_server(host: str, source: str) -> None:
    """Mangum converts what follows the colon into a number."""
    loaded = json.loads((EVENTS / "sources" / f"{source}.json").read_text())
    loaded["headers"] |= {"Host": host, "host": host, "x-forwarded-port": host}
    if loaded.get("multiValueHeaders"):
        loaded["multiValueHeaders"] |= {"Host": [host], "X-Forwarded-Port": [host]}
    assert send(loaded).status < 500


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "deflate", "gzip, gzip"])
def test_a_compressed_body_is_refused_by_name(encoding: str) -> None:
    asked = with_method(event("start_session"), "POST", content_encoding=encoding)
    asked |= {"body": base64.b64encode(gzip.compress(b'{"count": 3}')).decode(), "isBase64Encoded": True}
    answer = send(asked)
    assert (answer.status, answer.json["code"]) == (415, "unsupported_media_type")
    assert (answer.json["field"], answer.json["limit"]) == ("content-encoding", "identity")
    assert send(with_method(event("start_session", {}), "POST", content_encoding="identity")).status == 200


@pytest.mark.parametrize("path", ["/v1/health/", "/v1/bundle/", "/docs/", "//evil.example"])
def test_no_redirect_repeats_a_foreign_host(path: str) -> None:
    answer = send(with_method(get(path), "GET", host="evil.example"))
    assert answer.status == 404
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    "other",
    [
        {},
        {
            "source": "aws.events",
            "detail-type": "Scheduled Event",
            "detail": {},
            "resources": ["arn:aws:events:::rule/w"],
        },
        {"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": "x"}}}]},
        {"Records": []},
        {"key1": "value1", "key2": "value2"},
        {"requestContext": None},
        [],
        "warm",
        None,
    ],
)
def test_an_event_other_than_http_warms_the_process_and_is_answered(other: Any, bundles: Path) -> None:
    answer = lambda_entry.handler(other, None)  # type: ignore[arg-type]
    assert answer["status"] == "ok"
    assert answer["bundle"] == json.loads((bundles / "current.json").read_text())["version"]
    assert "Not an HTTP event" in answer["detail"]
    json.dumps(answer)


def test_a_warm_up_before_the_first_publish_names_the_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VITRINE_BUNDLES", str(tmp_path))
    lambda_entry._adapter.cache_clear()
    answer = lambda_entry.handler({}, None)  # type: ignore[typeddict-item, arg-type]
    assert (answer["status"], answer["reason"]) == ("degraded", "bundle_not_found")
    lambda_entry._adapter.cache_clear()


@pytest.fixture
def behind_a_cdn(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("VITRINE_ORIGIN_SECRETS", "the new secret, the old secret")
    lambda_entry._adapter.cache_clear()
    yield
    lambda_entry._adapter.cache_clear()


@pytest.mark.usefixtures("behind_a_cdn")
@pytest.mark.parametrize("path", ["/", "/v1/health", "/v1/bundle", "/nowhere"])
def test_the_gateway_cannot_be_reached_past_the_cdn(path: str) -> None:
    for wrong in ({}, {"x_origin_secret": ""}, {"x_origin_secret": "the new secret, the old secret"}):
        refused = send(with_method(get(path), "GET", **wrong))
        assert (refused.status, refused.json["code"]) == (403, "origin_forbidden")
        assert b"secret" not in refused.content.replace(b"x-origin-secret", b"")
    for right in ("the new secret", "the old secret"):
        assert send(with_method(get(path), "GET", x_origin_secret=right)).status in (200, 404)


def test_health_is_degraded_with_the_reason(monkeypatch: pytest.MonkeyPatch, bundles: Path, tmp_path: Path) -> None:
    pointer = tmp_path / "bundles" / "current.json"
    (tmp_path / "bundles").mkdir()
    for name in ("bundles", "models"):
        (tmp_path / "bundles" / name).symlink_to(bundles / name)
    pointer.write_bytes((bundles / "current.json").read_bytes())
    monkeypatch.setenv("VITRINE_BUNDLES", str(tmp_path / "bundles"))
    monkeypatch.setenv("VITRINE_SIGNING_KEYS", KEY)
    monkeypatch.setenv("VITRINE_REFRESH_SECONDS", "0")
    lambda_entry._adapter.cache_clear()
    healthy = send(event("health")).json
    assert healthy == {"status": "ok", "bundle": healthy["bundle"], "reason": None, "stale_seconds": None}
    pointer.write_text("{")
    answer = send(event("health"))
    assert (answer.status, answer.json["status"], answer.json["reason"]) == (200, "degraded", "bundle_corrupt")
    assert answer.json["bundle"] == healthy["bundle"]
    assert answer.json["stale_seconds"] >= 0
    assert send(event("start_session", {})).status == 200
    pointer.write_bytes((bundles / "current.json").read_bytes())
    assert send(event("health")).json == healthy
    lambda_entry._adapter.cache_clear()
