"""Parses photo searches, from a form or from JSON, into a request and the photo's bytes. Decodes no image."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from handler.errors import ImageTooLarge, ImageUndecodable, InvalidRequest, UnsupportedMediaType
from handler.schemas import PhotoSearch

if TYPE_CHECKING:
    from fastapi import Request

MAX_PHOTO_BYTES = 5_000_000
MAX_PHOTO_BODY = 7_500_000
"""Bytes of a whole request: 5 MB in base64, a session token, answers and a filter."""

FORM_MEDIA_TYPE = "multipart/form-data"
JSON_MEDIA_TYPE = "application/json"
_LISTS = ("liked", "disliked")
_TEXTS = ("session", "strategy")


async def read_photo_search(request: Request) -> tuple[PhotoSearch, bytes]:
    """The request and the bytes of its photo.

    Raises UnsupportedMediaType, ImageTooLarge, ImageUndecodable (for invalid base64), InvalidRequest and
    RequestValidationError.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == FORM_MEDIA_TYPE:
        return await _from_form(request)
    if media_type == JSON_MEDIA_TYPE:
        search = _validated(await request.body())
        return search, _from_base64(search.image)
    raise UnsupportedMediaType(
        f"Photos cannot be sent with the content type {media_type or '(none)'}.",
        field="content-type",
        value=media_type,
        limit=f"{FORM_MEDIA_TYPE}, {JSON_MEDIA_TYPE}",
        remedy="Send a form with the file under `image`, or JSON with the file in base64.",
    )


async def _from_form(request: Request) -> tuple[PhotoSearch, bytes]:
    try:
        form = await request.form(max_files=1, max_fields=500)
    except HTTPException as error:
        if error.status_code != 400:
            raise
        raise InvalidRequest(f"The form cannot be read: {error.detail}", field="body") from error
    try:
        photo = form.get("image")
        if not isinstance(photo, UploadFile):
            raise InvalidRequest(
                "The form has no file named image.", field="image", remedy="With curl: -F image=@photo.jpg"
            )
        data = await photo.read()
        _check_size(len(data))
        return _validated(json.dumps({"image": "", **_fields(form)}).encode()), data
    finally:
        await form.close()


def _fields(form: FormData) -> dict[str, Any]:
    """A form's fields as the JSON body has them: lists repeat their field, values other than text are JSON."""
    fields: dict[str, Any] = {}
    for name, value in form.multi_items():
        if name == "image":
            continue
        if name in _LISTS:
            fields.setdefault(name, []).append(value)
        else:
            fields[name] = value if name in _TEXTS else _parsed(value)
    return {name: repr(value) if isinstance(value, UploadFile) else value for name, value in fields.items()}


def _parsed(value: object) -> object:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return value  # validation reports the expected type


def _validated(body: bytes) -> PhotoSearch:
    try:
        return PhotoSearch.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[:1]
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in first]) from error


def _from_base64(text: str) -> bytes:
    """Decode plain base64 or a data URL, as browsers make of files."""
    encoded = text.partition(",")[2] if text.startswith("data:") else text
    _check_size(len(encoded) * 3 // 4 - 2)
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageUndecodable(
            f"The image is not base64: {error}.",
            field="image",
            value=text,
            remedy="Encode the file's bytes with the standard alphabet, padding included.",
        ) from error
    _check_size(len(data))
    return data


def _check_size(size: int) -> None:
    if size > MAX_PHOTO_BYTES:
        raise ImageTooLarge(
            f"The photo has {size:,} bytes; the limit is {MAX_PHOTO_BYTES:,}.",
            field="image",
            value=size,
            limit=MAX_PHOTO_BYTES,
            remedy="Scale it down; 1,024 pixels are enough.",
        )
