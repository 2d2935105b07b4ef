"""Answers that a browser or a CDN may keep, and the 304 for who has them already."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

KEEP_A_MINUTE = "public, max-age=60"
"""For what changes only with the bundle: old for a minute at most, and one request a minute for a whole CDN."""

REVALIDATE = "no-cache"
"""Kept, and asked about each time: a deployment is seen at once."""

NEVER = "no-store"
"""For what belongs to one shopper."""


def conditional(
    request: Request,
    content: bytes,
    media_type: str,
    cache_control: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """`content` under an ETag of its bytes, or 304 without it where the request's If-None-Match names that tag.

    Weak: a gateway may compress what we send, and it would still mean the same.
    """
    tag = f'W/"{hashlib.sha256(content).hexdigest()[:24]}"'
    sent = {**(headers or {}), "ETag": tag, "Cache-Control": cache_control}
    if _names(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=sent)
    return Response(content, headers=sent, media_type=media_type)


def _names(condition: str, tag: str) -> bool:
    """If-None-Match compares weakly (RFC 9110, 13.1.2): `W/` makes no difference."""
    given = {one.strip().removeprefix("W/") for one in condition.split(",")}
    return "*" in given or tag.removeprefix("W/") in given
