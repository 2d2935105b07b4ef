"""Cache headers, and 304 for clients whose copy is current."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

KEEP_A_MINUTE = "public, max-age=60"
"""For data that changes with the bundle: at most a minute old, and one request a minute from a whole CDN."""

REVALIDATE = "no-cache"
"""Cached but revalidated each time, so that a deployment shows at once."""

NEVER = "no-store"
"""For one shopper's data."""


def conditional(
    request: Request,
    content: bytes,
    media_type: str,
    cache_control: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """`content` with an ETag of its bytes, or 304 if the request's If-None-Match names that tag.

    The tag is weak because a gateway may compress the content.
    """
    tag = f'W/"{hashlib.sha256(content).hexdigest()[:24]}"'
    sent = {**(headers or {}), "ETag": tag, "Cache-Control": cache_control}
    if _names(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=sent)
    return Response(content, headers=sent, media_type=media_type)


def _names(condition: str, tag: str) -> bool:
    """If-None-Match compares weakly (RFC 9110, 13.1.2), so `W/` is ignored."""
    given = {one.strip().removeprefix("W/") for one in condition.split(",")}
    return "*" in given or tag.removeprefix("W/") in given
