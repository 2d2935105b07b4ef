"""Requests that bypass the CDN are refused: only the CDN knows the secret it adds to each request."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from handler.api.headers import header
from handler.api.problems import error_problem
from handler.errors import OriginForbidden

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

HEADER = b"x-origin-secret"


class OriginSecrets:
    """ASGI middleware that requires one of several secrets, so that they can rotate; health is no exception."""

    def __init__(self, app: ASGIApp, secrets: Sequence[str]) -> None:
        self.app = app
        self._secrets = [secret.encode() for secret in secrets]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._knows_one(scope):
            await self.app(scope, receive, send)
            return
        refused = OriginForbidden(
            "This address serves the shop's CDN only.", field="x-origin-secret", remedy="Use the shop's public address."
        )
        await error_problem(refused)(scope, receive, send)

    def _knows_one(self, scope: Scope) -> bool:
        given = header(scope, HEADER)
        return any(hmac.compare_digest(given, secret) for secret in self._secrets)
