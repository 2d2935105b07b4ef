"""API Gateway's events in, its answers out, through the function that Lambda calls."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import pytest

from handler import lambda_entry
from handler.errors import ConfigurationError
from tests.conftest import KEY, draw_photos, run_index
from tests.handler.support import EVENTS, event, get, send

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("gateway")

STATUSES = {
    "start_session": 200,
    "start_session_base64": 200,
    "get_item": 200,
    "get_similar": 200,
    "search_image": 200,
    "search_image_form": 200,
    "search_text": 200,
    "health": 200,
    "bundle": 200,
    "gallery": 200,
    "openapi": 200,
    "get_item_unknown": 404,
    "get_item_nested": 404,
    "unknown_path": 404,
    "wrong_method": 405,
    "start_session_broken_json": 422,
    "start_session_as_form": 422,
    "start_session_no_body": 422,
    "next_page": 400,  # its token is a placeholder
    "undo": 400,
    "show_page": 400,
}


@pytest.mark.parametrize("name", sorted(path.stem for path in EVENTS.glob("*.json")))
def test_every_event_gets_its_status_and_type(name: str) -> None:
    answer = send(event(name))
    assert answer.status == STATUSES[name]
    media_type = answer.headers["content-type"].partition(";")[0]
    if answer.status >= 400:
        assert media_type == "application/problem+json"
        assert answer.json["status"] == answer.status
    else:
        assert media_type == ("text/html" if name == "gallery" else "application/json")


def test_the_answer_is_one_that_the_gateway_takes() -> None:
    raw = lambda_entry.handler(event("start_session"), None)  # type: ignore[arg-type]
    assert json.loads(json.dumps(raw)) == raw
    assert raw["isBase64Encoded"] is False
    assert {"statusCode", "headers", "body"} <= raw.keys()
    headers = sum(len(key) + len(value) for key, value in raw["headers"].items())
    assert headers < 1_000  # the token travels in the body; a gateway's headers end at 10 KB


def test_a_session_over_http() -> None:
    first = send(event("start_session")).json
    assert (first["round"], len(first["items"]), first["remaining"]) == (1, 10, 70)
    assert {item["reason"] for item in first["items"]} == {"random"}
    liked = [item["id"] for item in first["items"][:2]]
    body = {"session": first["session"], "liked": liked, "disliked": [first["items"][9]["id"]], "similar": 6}
    second = send(event("next_page", body)).json
    assert (second["round"], len(second["items"]), second["remaining"]) == (2, 10, 60)
    assert [item["reason"] for item in second["items"]] == ["similar"] * 6 + ["random"] * 4
    assert all(set(item["because"]) == set(liked) for item in second["items"][:6])
    assert send(event("next_page", body)).json["items"] == second["items"]
    third = send(event("next_page", {"session": second["session"]})).json
    back = send(event("undo", {"session": third["session"]})).json
    assert [item["id"] for item in back["items"]] == [item["id"] for item in second["items"]]
    assert (back["round"], back["remaining"]) == (2, 50)


def test_items_have_all_that_a_client_shows() -> None:
    item = send(event("get_item")).json
    expected = {
        "id": "red-03",
        "image_url": "https://images.example/shop/red/03.jpg",
        "fields": {"name": "Red no. 3", "colour": "red", "price": 13.0, "in_stock": True},
        "reason": None,
        "score": None,
        "because": [],
    }
    assert {key: item[key] for key in expected} == expected


def test_similar_items_leave_out_the_item_itself() -> None:
    answer = send(event("get_similar"))
    assert len(answer.ids) == len(set(answer.ids)) == 5
    assert "red-03" not in answer.ids
    scores = [item["score"] for item in answer.json["items"]]
    assert scores == sorted(scores, reverse=True)
    assert sum(name.startswith("red") for name in answer.ids) >= 4


def test_a_filter_holds_on_every_page() -> None:
    wanted = {"colour": ["red"], "price": {"lt": 20}}
    page = send(event("start_session", {"count": 4, "filter": wanted})).json
    assert page["remaining"] == 6
    body = {"session": page["session"], "liked": [page["items"][0]["id"]], "count": 10, "filter": wanted}
    following = send(event("next_page", body)).json
    assert len(following["items"]) == 6
    assert all(item["fields"]["colour"] == "red" and item["fields"]["price"] < 20 for item in following["items"])


def test_a_filter_that_nothing_passes_gives_an_empty_page() -> None:
    """Also with a taste: not the nearest of what the shopper did not ask for."""
    first = send(event("start_session")).json
    liked = [first["items"][0]["id"]]
    nothing = {"price": {"gt": 1_000_000}}
    page = send(event("next_page", {"session": first["session"], "liked": liked, "filter": nothing})).json
    assert (page["items"], page["remaining"]) == ([], 0)


def test_a_seed_repeats_a_demonstration() -> None:
    body = {"seed": "demo"}
    assert send(event("start_session", body)).ids == send(event("start_session", body)).ids
    assert send(event("start_session")).ids != send(event("start_session")).ids


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/items/red-03/similar?count=50", 200),
        ("/v1/items/red-03/similar?count=51", 422),
        ("/v1/items/red-03/similar?count=0", 422),
        ("/v1/items/red-03/similar?count=many", 422),
        ("/v1/items/red%2D03", 200),
        ("/v1/items/", 404),
        ("/v1/items/%00", 404),
        ("/v1/items/%ff%fe", 404),
        ("/v1/items/..%2F..%2Fetc%2Fpasswd", 404),
        ("/v1/items/' OR 1=1 --", 404),
        ("/v1/items/" + "x" * 8_000, 404),
        ("/v1/items/ŗøt/similar", 404),
        ("/v1/sessions", 405),
        ("/v1/sessions/next", 405),
        ("/v1", 404),
        ("//", 404),
        ("/static/../lambda_entry.py", 404),
        ("/static/%2e%2e/lambda_entry.py", 404),
        ("/docs", 200),
    ],
)
def test_paths(path: str, status: int) -> None:
    assert send(get(path)).status == status


def test_the_gallery_and_its_parts_are_served_with_a_policy() -> None:
    page = send(event("gallery"))
    assert "default-src 'none'" in page.headers["content-security-policy"]
    parts = [part for part in page.content.decode().split('"') if part.startswith(("static/", "/static/"))]
    assert parts
    for part in parts:
        answer = send(get("/" + part.lstrip("/")))
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/")


@pytest.fixture
def unconfigured(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    for name in ("BUNDLES", "SIGNING_KEYS", "IMAGE_BASE_URL"):
        monkeypatch.delenv(f"VITRINE_{name}", raising=False)
    lambda_entry._adapter.cache_clear()
    yield monkeypatch
    lambda_entry._adapter.cache_clear()


def test_an_invalid_environment_is_logged_with_the_first_event(unconfigured: pytest.MonkeyPatch) -> None:
    unconfigured.setenv("VITRINE_SIGNING_KEYS", "short")
    with pytest.raises(ConfigurationError, match=r"VITRINE_BUNDLES.*VITRINE_SIGNING_KEYS"):
        lambda_entry.handler(event("health"), None)  # type: ignore[arg-type]


def test_before_the_first_publish_the_shop_is_unavailable(unconfigured: pytest.MonkeyPatch, tmp_path: Path) -> None:
    unconfigured.setenv("VITRINE_BUNDLES", str(tmp_path / "secret-place"))
    unconfigured.setenv("VITRINE_SIGNING_KEYS", KEY)
    for name in ("health", "bundle", "start_session", "get_item"):
        answer = send(event(name))
        assert (answer.status, answer.json["code"]) == (503, "bundle_not_found")
        assert b"secret-place" not in answer.content  # where bundles live is nobody's business
    assert send(event("gallery")).status == 200


def test_ids_may_be_paths_in_any_script(
    unconfigured: pytest.MonkeyPatch, tmp_path: Path, encoder_directory: Path
) -> None:
    folder = draw_photos(tmp_path / "photos", per_colour=2)
    (folder / "catalog.jsonl").unlink()
    nested = folder / "kleider" / "sommer"
    nested.mkdir(parents=True)
    for name in ("rot und grün", "50% off", "drei_.._#1?", "служба", "a+b&c=d"):
        (nested / f"{name}.jpg").write_bytes((folder / "red" / "00.jpg").read_bytes())
    run_index(folder, tmp_path / "bundles", encoder_directory)
    unconfigured.setenv("VITRINE_BUNDLES", str(tmp_path / "bundles"))
    unconfigured.setenv("VITRINE_SIGNING_KEYS", KEY)
    items: list[dict[str, Any]] = send(event("start_session", {"count": 50})).json["items"]
    assert len(items) == 13
    assert "kleider/sommer/rot und grün" in {item["id"] for item in items}
    for item in items:
        assert send(get(f"/v1/items/{quote(item['id'])}")).json["id"] == item["id"]
        assert send(get(f"/v1/items/{quote(item['id'], safe='')}/similar?count=3")).status == 200
        assert unquote(item["image_url"]) == f"/photos/{item['id']}.jpg"
    assert send(event("get_item_nested")).json["fields"] == {"category": "kleider"}


def test_an_id_may_end_in_similar(unconfigured: pytest.MonkeyPatch, tmp_path: Path, encoder_directory: Path) -> None:
    photos = draw_photos(tmp_path / "photos", per_colour=4)
    records = [json.loads(line) for line in (photos / "catalog.jsonl").read_text().splitlines()]
    records[0]["id"], records[1]["id"], records[2]["id"] = "shoes", "shoes/similar", "bags/similar"
    (photos / "catalog.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    run_index(photos / "catalog.jsonl", tmp_path / "bundles", encoder_directory)
    unconfigured.setenv("VITRINE_BUNDLES", str(tmp_path / "bundles"))
    unconfigured.setenv("VITRINE_SIGNING_KEYS", KEY)
    assert send(get("/v1/items/shoes")).json["id"] == "shoes"
    assert send(get("/v1/items/shoes/similar")).json["id"] == "shoes/similar"
    assert send(get("/v1/items/bags/similar")).json["id"] == "bags/similar"
    # With a count, the path always asks for neighbors: no product has a count.
    nearest = send(get("/v1/items/shoes/similar?count=10"))
    assert len(nearest.ids) == 10
    assert "shoes" not in nearest.ids
    assert "bags/similar" not in send(get("/v1/items/bags/similar/similar")).ids
    assert send(get("/v1/items/bags/similar?count=3")).status == 404
