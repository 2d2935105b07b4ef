"""Bombs, lies about length, forms that are none: whatever is uploaded is answered or explained."""

from __future__ import annotations

import socket
import struct
import zlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from handler.api.app import create_app
from handler.api.uploads import MAX_PHOTO_BODY, MAX_PHOTO_BYTES
from tests.handler.api.test_problems import assert_problem
from tests.handler.photo_files import BOUNDARY, as_body, as_form, as_json, photo
from tests.handler.support import send
from tests.live import serving

if TYPE_CHECKING:
    from handler.runtime import Runtime

pytestmark = pytest.mark.usefixtures("gateway")


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
        (photo("BMP"), 422, "image_undecodable"),  # what an upload may be is less than what a catalog may
        (photo("TIFF"), 422, "image_undecodable"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 422, "image_undecodable"),
        (b"\xff\xd8\xff" + b"\xff" * 5_000, 422, "image_undecodable"),
    ],
)
def test_an_unreadable_store_has_a_reason(wrap: Any, data: bytes, status: int, code: str) -> None:
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
def test_an_endless_body_is_cut_off(declared: bool) -> None:
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


def test_a_client_that_disconnects_is_not_an_error(runtime: Runtime, caplog: pytest.LogCaptureFixture) -> None:
    with serving(create_app(runtime)) as url:
        host, port = url.removeprefix("http://").split(":")
        for kind in ("application/json", f"multipart/form-data; boundary={BOUNDARY}"):
            with socket.create_connection((host, int(port))) as connection:
                head = f"Host: x\r\nContent-Type: {kind}\r\nContent-Length: 999"
                connection.sendall(f"POST /v1/search/image HTTP/1.1\r\n{head}\r\n\r\n{{".encode())
        assert httpx.get(f"{url}/v1/health").status_code == 200
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
