"""Photos as shoppers send them, and the gateway events that carry them."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image

from tests.handler.support import event

BOUNDARY = "----shopper7MA4YWxkTrZu0gW"
RED = (200, 40, 40)


def photo(
    form: str = "JPEG", colour: tuple[int, int, int] = RED, size: tuple[int, int] = (60, 80), **save: Any
) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, form, **save)
    return buffer.getvalue()


def as_json(data: bytes | str, **fields: object) -> dict[str, Any]:
    """The event of a POST with the photo in base64; a string goes out as it is."""
    image = data if isinstance(data, str) else base64.b64encode(data).decode()
    return _posted(event("start_session", {"image": image, **fields}))


def as_form(data: bytes | None, *fields: tuple[str, str], boundary: str = BOUNDARY) -> dict[str, Any]:
    """The event of a POST with the photo as a form's file; the gateway sends what is not text in base64."""
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields]
    if data is not None:
        head = b'Content-Disposition: form-data; name="image"; filename="photo.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
        parts.append(head + data + b"\r\n")
    mark = f"--{BOUNDARY}".encode()
    body = b"".join(mark + b"\r\n" + part for part in parts) + mark + b"--\r\n"
    return as_body(body, f"multipart/form-data; boundary={boundary}")


def as_body(body: bytes, content_type: str | None) -> dict[str, Any]:
    made = _posted(event("start_session"))
    made |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    made["headers"] = {name: value for name, value in made["headers"].items() if name != "content-type"}
    made["headers"] |= {"content-length": str(len(body))} | ({"content-type": content_type} if content_type else {})
    return made


def _posted(made: dict[str, Any]) -> dict[str, Any]:
    made["rawPath"] = made["requestContext"]["http"]["path"] = "/v1/search/image"
    made["headers"].pop("content-length", None)
    return made
