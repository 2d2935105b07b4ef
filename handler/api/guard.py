"""Protection around all routes: a limit on request bodies, and an answer to unexpected errors."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from handler.api.headers import header
from handler.api.problems import error_problem, problem
from handler.api.uploads import MAX_PHOTO_BODY
from handler.errors import BodyTooLarge, UnsupportedMediaType

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

MAX_BODY = 1_000_000
"""Bytes; the largest meaningful request (a token, 400 answers and a filter) has about 300,000."""


class Guard:
    """ASGI middleware around the routes, inside the request id and CORS, so that its responses carry both."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        encoding = header(scope, b"content-encoding").strip().lower()
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
                # FastAPI lets this exception through while it reads a body, and turns every other one into a 400.
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
            unforeseen = problem(500, "internal", "An unexpected server error.", remedy="Try again later.")
            await unforeseen(scope, receive, send)


def _declared_length(scope: Scope) -> int:
    given = header(scope, b"content-length")
    return int(given) if given.isdigit() else 0


def _compressed(encoding: bytes) -> UnsupportedMediaType:
    return UnsupportedMediaType(
        f"The request body is compressed ({encoding.decode('latin-1')}).",
        field="content-encoding",
        value=encoding.decode("latin-1"),
        limit="identity",
        remedy="Send the body uncompressed.",
    )


def _too_large(size: int, limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"The request body has {size:,} bytes or more; the limit is {limit:,}.",
        field="body",
        value=size,
        limit=limit,
        remedy="Send less; scale a photo down to 1,024 pixels.",
    )
