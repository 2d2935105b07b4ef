"""A photo finds what looks like it, and counts as a taste in a session."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from handler.sessions.tokens import SessionTokens
from tests.conftest import COLOURS
from tests.handler.api.test_problems import assert_problem
from tests.handler.photo_files import as_form, as_json, photo
from tests.handler.support import event, send

if TYPE_CHECKING:
    from pathlib import Path

    from handler.sessions.state import SessionState

pytestmark = pytest.mark.usefixtures("gateway")


@pytest.mark.parametrize("wrap", [as_json, as_form])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_photo_finds_products_like_it(wrap: Any, form: str) -> None:
    answer = send(wrap(photo(form)))
    assert answer.status == 200
    items = answer.json["items"]
    assert len(items) == 10
    assert {item["reason"] for item in items} == {"similar"}
    assert sum(item["fields"]["colour"] == "red" for item in items) >= 9
    scores = [item["score"] for item in items]
    assert scores == sorted(scores, reverse=True)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("colour", COLOURS)
def test_a_products_own_photo_finds_the_product_first(photos: Path, colour: str) -> None:
    """Uploads and index go through the same preprocessing and the same file, so the vectors are equal."""
    answer = send(as_form((photos / colour / "03.jpg").read_bytes(), ("count", "3")))
    assert answer.ids[0] == f"{colour}-03"
    assert answer.json["items"][0]["score"] == pytest.approx(1, abs=1e-3)
    assert len(answer.ids) == 3


def test_form_and_json_say_the_same() -> None:
    wanted = {"colour": ["red", "sand"], "price": {"lt": 15}}
    as_fields = send(as_form(photo(), ("filter", json.dumps(wanted)), ("count", "4")))
    as_members = send(as_json(photo(), filter=wanted, count=4))
    as_data_url = send(as_json("data:image/jpeg;base64," + json.loads(as_json(photo())["body"])["image"], count=4))
    assert as_fields.json == as_members.json
    assert all(item["fields"]["price"] < 15 for item in as_fields.json["items"])
    assert as_data_url.status == 200


def test_in_a_session_the_photo_is_liked_and_the_next_page_follows() -> None:
    first = send(event("start_session", {"seed": "photo"})).json
    liked = next(item["id"] for item in first["items"])
    page = send(as_form(photo(), ("session", first["session"]), ("liked", liked), ("similar", "6"))).json
    assert (page["round"], len(page["items"]), page["remaining"]) == (2, 10, 60)
    assert [item["reason"] for item in page["items"]] == ["similar"] * 6 + ["random"] * 4
    assert not {item["id"] for item in page["items"]} & {item["id"] for item in first["items"]}
    without = send(as_json(photo(), session=first["session"])).json
    similar = [item for item in without["items"] if item["reason"] == "similar"]
    assert {item["fields"]["colour"] for item in similar} == {"red"}
    assert {tuple(item["because"]) for item in similar} == {()}
    third = send(event("next_page", {"session": without["session"]})).json
    assert {item["fields"]["colour"] for item in third["items"] if item["reason"] == "similar"} == {"red"}


def test_a_photo_verifies_its_token_once(monkeypatch: pytest.MonkeyPatch) -> None:
    token = send(event("start_session")).json["session"]
    read, tokens = SessionTokens.read, []

    def counted(self: SessionTokens, token: str, vector_space: str, dim: int) -> SessionState:
        tokens.append(token)
        return read(self, token, vector_space, dim)

    monkeypatch.setattr(SessionTokens, "read", counted)
    assert send(as_json(photo(), session=token)).json["round"] == 2
    assert tokens == [token]


def test_the_same_photo_with_the_same_token_gives_the_same_page() -> None:
    token = send(event("start_session")).json["session"]
    pages = [send(as_json(photo(), session=token)).json["items"] for _ in range(2)]
    assert pages[0] == pages[1]


def test_an_undo_takes_the_photo_back() -> None:
    """Of four that are kept, the last: the taste is what it was before."""
    page = send(event("start_session", {"seed": "undo a photo"})).json
    for colour in ("blue", "green"):
        page = send(as_json(photo(colour=COLOURS[colour]), session=page["session"])).json
    back = send(event("undo", {"session": page["session"]})).json
    again = send(event("next_page", {"session": back["session"]})).json
    assert {item["fields"]["colour"] for item in again["items"] if item["reason"] == "similar"} == {"blue"}
    first = send(event("undo", {"session": back["session"]})).json
    blank = send(event("next_page", {"session": first["session"]})).json
    assert {item["reason"] for item in blank["items"]} == {"random"}


@pytest.mark.parametrize(
    ("fields", "status", "expected"),
    [
        ({"session": "not a token"}, 400, {"code": "session_malformed"}),
        ({"session": "AAAA.BBBB"}, 403, {"code": "session_tampered"}),
        ({"count": 51}, 422, {"code": "invalid_request", "field": "count", "limit": 50}),
        ({"count": "many"}, 422, {"code": "invalid_request", "field": "count"}),
        ({"liked": ["red-00"]}, 422, {"code": "invalid_request", "field": "liked"}),
        ({"filter": {"size": "M"}}, 422, {"code": "invalid_filter", "field": "filter.size"}),
        ({"colour": "red"}, 422, {"code": "invalid_request", "field": "colour"}),
    ],
)
def test_fields_are_checked_alike_in_both_kinds_of_body(
    fields: dict[str, Any], status: int, expected: dict[str, Any]
) -> None:
    pairs = [
        (name, value if isinstance(value, str) else json.dumps(value))
        for name, given in fields.items()
        for value in (given if isinstance(given, list) else [given])
    ]
    for answer in (send(as_json(photo(), **fields)), send(as_form(photo(), *pairs))):
        document = assert_problem(answer, status)
        assert {key: document.get(key) for key in expected} == expected


def test_the_first_picture_of_an_animation_counts_and_the_phone_may_lie_on_its_side() -> None:
    frames = [Image.new("RGB", (40, 40), COLOURS[name]) for name in ("blue", "red")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    assert {item["fields"]["colour"] for item in send(as_form(buffer.getvalue())).json["items"]} == {"blue"}

    split = np.zeros((80, 60, 3), dtype=np.uint8)
    split[:40] = 255
    upright, sideways = io.BytesIO(), io.BytesIO()
    Image.fromarray(split).save(upright, "PNG")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(split)).save(sideways, "PNG", exif=exif)
    assert send(as_form(sideways.getvalue())).json == send(as_form(upright.getvalue())).json
