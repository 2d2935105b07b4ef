"""A photo finds what looks like it, counts as a taste in a session, and cannot hurt whoever reads it."""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
import subprocess
import sys
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from PIL import Image

from handler.errors import BundleCorrupt, BundleNotFound
from handler.runtime import Runtime
from handler.settings import Settings
from handler.uploads import MAX_PHOTO_BODY, MAX_PHOTO_BYTES
from tests.conftest import COLOURS, KEY
from tests.handler.photos import BOUNDARY, as_body, as_form, as_json, photo
from tests.handler.support import event, send
from tests.handler.test_problems import assert_problem

if TYPE_CHECKING:
    from pathlib import Path

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


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises that many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize("wrap", [as_json, as_form])
@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (bomb(30_000, 30_000), 413, "image_too_large"),
        (bomb(5_001, 5_000), 413, "image_too_large"),
        (bomb(4_000, 4_000), 422, "image_undecodable"),  # few enough, but they are not there
        (photo(size=(1, 60_000)), 200, ""),
        (b"", 422, "image_undecodable"),
        (b"GIF89a", 422, "image_undecodable"),
        (photo()[:-400], 422, "image_undecodable"),
        (photo("BMP"), 422, "image_undecodable"),  # what an upload may be is less than what a catalogue may
        (photo("TIFF"), 422, "image_undecodable"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 422, "image_undecodable"),
        (b"\xff\xd8\xff" + b"\xff" * 5_000, 422, "image_undecodable"),
    ],
)
def test_what_cannot_be_read_says_why(wrap: Any, data: bytes, status: int, code: str) -> None:
    answer = send(wrap(data))
    if status == 200:
        assert answer.status == 200
        return
    document = assert_problem(answer, status)
    assert (document["code"], document["field"]) == (code, "image")
    assert document["remedy"]


@pytest.mark.parametrize("wrap", [as_json, as_form])
def test_five_megabytes_are_the_limit(wrap: Any) -> None:
    # JPEG readers stop at the end marker; what follows is only weight.
    fits = photo() + b"\0" * (MAX_PHOTO_BYTES - len(photo()))
    assert send(wrap(fits)).status == 200
    document = assert_problem(send(wrap(fits + b"\0")), 413)
    assert (document["code"], document["limit"]) == ("image_too_large", MAX_PHOTO_BYTES)
    assert document["value"] >= MAX_PHOTO_BYTES


@pytest.mark.parametrize("declared", [True, False], ids=["content-length", "chunked"])
def test_a_body_that_goes_on_is_not_read_to_its_end(declared: bool) -> None:
    made = as_form(b"\0" * MAX_PHOTO_BODY)
    if not declared:
        del made["headers"]["content-length"]
    document = assert_problem(send(made), 413)
    assert (document["code"], document["limit"]) == ("body_too_large", MAX_PHOTO_BODY)


@pytest.mark.parametrize(
    "text", ["%%%", "AAA", "A" * 5, "data:image/png;base64", "data:,", "ÄÖÜ=", "AAAA\n====", "\x00", "-_-_", " " * 50]
)
def test_base64_that_is_none(text: str) -> None:
    document = assert_problem(send(as_json(text)), 422)
    assert document["code"] in {"image_undecodable", "invalid_request"}


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", None, 415),
        (photo(), "image/jpeg", 415),
        (b"image=x", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
        (b"{}", "application/json", 422),
        (b"[]", "application/json", 422),
        (b'{"image": 1}', "application/json", 422),
        (b'{"image": "\\ud800"}', "application/json", 422),
        (b"[" * 900_000, "application/json", 422),
        (b'{"image": "' + b"A" * 6_000_000 + b'"}', "application/json; charset=utf-8", 422),
        (b"", "multipart/form-data", 422),
        (b"", f"multipart/form-data; boundary={BOUNDARY}", 422),
        (b"no form", f"multipart/form-data; boundary={BOUNDARY}", 422),
        (b"--" + BOUNDARY.encode(), f"multipart/form-data; boundary={BOUNDARY}", 422),
        (b"x" * 2_000_000, f"multipart/form-data; boundary={BOUNDARY}", 422),
        (b"", "multipart/form-data; boundary=" + "b" * 5_000, 422),
        (b"\xff\xfe", "multipart/form-data; boundary=\xff", 422),
    ],
)
def test_bodies_of_other_kinds(body: bytes, content_type: str | None, status: int) -> None:
    assert_problem(send(as_body(body, content_type)), status)


def test_forms_that_mean_mischief() -> None:
    twice = as_form(photo(), ("image", "text"))
    text = as_form(None, ("image", "text"))
    many = as_form(photo(), *(("liked", f"id-{number}") for number in range(600)))
    file = as_form(photo(), ("session", "\x00"), ('filter"; filename="x', "{}"))
    long = as_form(photo(), ("session", "s" * 1_500_000))
    deep = as_form(photo(), ("filter", "[" * 100_000))
    for made in (text, many, file, long, deep):
        assert_problem(send(made))
    assert send(twice).status in {200, 422}


@examples(deadline=None, max_examples=60)
@given(
    data=st.binary(max_size=200)
    | st.builds(lambda cut, flip: _damaged(cut, flip), st.integers(0, 900), st.binary(max_size=8))
)
def test_any_bytes_are_answered_or_explained(data: bytes) -> None:
    for answer in (send(as_json(data)), send(as_form(data)), send(as_body(data, "application/json"))):
        if answer.status != 200:
            assert_problem(answer)


def _damaged(place: int, by: bytes) -> bytes:
    whole = photo()
    return whole[:place] + by + whole[place + len(by) :]


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


def test_the_encoder_is_opened_once_and_only_when_a_photo_comes(
    bundles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import handler.encoder

    opened = []
    real = handler.encoder.Encoder
    monkeypatch.setattr("handler.encoder.Encoder", lambda path: (opened.append(path), real(path))[1])
    bundle = Runtime(Settings(bundles=str(shutil.copytree(bundles, tmp_path / "b")), signing_keys=(KEY,))).bundle()
    assert opened == []
    start = threading.Barrier(4)

    def embed(_: int) -> Any:
        start.wait()
        return bundle.embed_photo(photo())

    with ThreadPoolExecutor(4) as pool:
        vectors = list(pool.map(embed, range(4)))
    assert len(opened) == 1
    assert all(np.array_equal(vector, vectors[0]) for vector in vectors)
    assert np.linalg.norm(vectors[0]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("damage", ["changed", "gone", "spec"])
def test_an_encoder_that_is_not_the_indexs_is_not_opened_and_pages_go_on(
    bundles: Path, tmp_path: Path, damage: str
) -> None:
    store = shutil.copytree(bundles, tmp_path / "bundles")
    encoder = next((store / "models").glob("*/encoder.onnx"))
    if damage == "gone":
        encoder.unlink()
    elif damage == "changed":
        encoder.write_bytes(encoder.read_bytes()[:-1] + b"!")
    else:
        (encoder.parent / "preprocess.json").write_text("{}")
    bundle = Runtime(Settings(bundles=str(store), signing_keys=(KEY,))).bundle()
    assert len(bundle.index.everything) == 80
    with pytest.raises(BundleNotFound if damage == "gone" else BundleCorrupt):
        bundle.embed_photo(photo())


ONE_PHOTO = """
import json, sys
from handler.lambda_entry import handler

answers = [handler(one, None) for one in json.load(sys.stdin)]
loaded = [name for name in ("PIL", "onnxruntime") if name in sys.modules]
print(json.dumps({"statuses": [one["statusCode"] for one in answers], "loaded": loaded}))
"""


@pytest.mark.parametrize("valid", [True, False])
def test_only_a_photo_that_is_one_loads_the_encoder(bundles: Path, valid: bool) -> None:
    """Who guesses at tokens or sends the wrong kind of body must not make us open a model."""
    events = [as_json(photo())] if valid else [as_json(photo(), session="AA.AA"), as_body(photo(), "image/jpeg")]
    done = subprocess.run(
        [sys.executable, "-c", ONE_PHOTO],
        input=json.dumps(events),
        env={**os.environ, "VITRINE_BUNDLES": str(bundles), "VITRINE_SIGNING_KEYS": KEY, "VITRINE_EVENTS": "off"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer == (
        {"statuses": [200], "loaded": ["PIL", "onnxruntime"]} if valid else {"statuses": [403, 415], "loaded": []}
    )
