"""An example of a problem document for each status that the OpenAPI document explains by one."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from handler.api.uploads import MAX_PHOTO_BYTES
from handler.schemas import MAX_COUNT


def _problem(status: int, code: str, detail: str, **members: Any) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": _TITLES[status],
        "status": status,
        "detail": detail,
        "code": code,
        **members,
    }


# Spelled out: Python renames phrases from version to version, and the document must not change with them.
_TITLES = {404: "Not Found", 410: "Gone", 413: "Content Too Large", 422: "Unprocessable Content"}

PROBLEMS: Final[dict[int, dict[str, Any]]] = {
    HTTPStatus.NOT_FOUND: _problem(404, "unknown_product", "No product has the id 'x'.", field="id", value="x"),
    HTTPStatus.GONE: _problem(
        410,
        "session_expired",
        "The session is 604,801 seconds old.",
        field="session",
        value=604_801,
        limit=604_800,
        remedy="Start a new session.",
    ),
    413: _problem(
        413,
        "image_too_large",
        f"The photo has 7,340,032 bytes; the limit is {MAX_PHOTO_BYTES:,}.",
        field="image",
        value=7_340_032,
        limit=MAX_PHOTO_BYTES,
        remedy="Scale it down; 1,024 pixels are enough.",
    ),
    422: _problem(
        422,
        "invalid_request",
        f"count: Input should be less than or equal to {MAX_COUNT}.",
        field="count",
        value=MAX_COUNT + 1,
        limit=MAX_COUNT,
        remedy="/docs describes the parameters of this path.",
    ),
}
