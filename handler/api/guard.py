"""What no route has to think about: a body that never ends, and an error that nobody foresaw."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from handler.api.problems import error_problem, problem
from handler.api.uploads import MAX_PHOTO_BODY
from handler.errors import BodyTooLarge, UnsupportedMediaType

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

MAX_BODY = 1_000_000
"""Bytes; the largest request that means anything (a token, 400 answers and a filter) has about 300,000."""


class Guard:
    """ASGI middleware around the routes, within the request's id and CORS so that these answers carry both."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        encoding = _header(scope, b"content-encoding").strip().lower()
        if encoding not in (b"", b"identity"):
            await error_problem(_compressed(encoding))(scope, receive, send)
            return
        limit = MAX_PHOTO_BODY if scope["path"].endswith("/search/image") else MAX_BODY
        declared = _declared_length(scope)
        if declared > limit:
            await error_problem(_too_large(declared, limit))(scope, receive, send)
            return
        answering = False
        received = 0

        async def receive_bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                # FastAPI passes this kind on from within the reading of a body, and makes a 400 of every other.
                raise HTTPException(413) from _too_large(received, limit)
            return message

        async def send_noticed(message: Message) -> None:
            nonlocal answering
            answering = True
            await send(message)

        try:
            await self.app(scope, receive_bounded, send_noticed)
        except ClientDisconnect:
            logger.info("%s %s: the client went away", scope["method"], scope["path"])
        except Exception as error:
            logger.error("%s %s failed", scope["method"], scope["path"], exc_info=error)
            if answering:
                raise
            unforeseen = problem(500, "internal", "Something went wrong on our side.", remedy="Try again later.")
            await unforeseen(scope, receive, send)


def _header(scope: Scope, wanted: bytes) -> bytes:
    return next((value for name, value in scope["headers"] if name == wanted), b"")


def _declared_length(scope: Scope) -> int:
    given = _header(scope, b"content-length")
    return int(given) if given.isdigit() else 0


def _compressed(encoding: bytes) -> UnsupportedMediaType:
    return UnsupportedMediaType(
        f"The request's body is compressed ({encoding.decode('latin-1')}).",
        field="content-encoding",
        value=encoding.decode("latin-1"),
        limit="identity",
        remedy="Send the body uncompressed.",
    )


def _too_large(size: int, limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"The request's body has {size:,} bytes or more; at most {limit:,} are read.",
        field="body",
        value=size,
        limit=limit,
        remedy="Send less; scale a photo down to 1,024 pixels.",
    )
