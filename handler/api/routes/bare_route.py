"""A route for the hot path: the body goes from bytes to a model in one step, and straight to the function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import Request
from pydantic import BaseModel, ValidationError

from handler.api.headers import header
from handler.api.routes.documented_route import DocumentedRoute
from handler.api.uploads import JSON_MEDIA_TYPE

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send


class BareRoute(DocumentedRoute):
    """For `async def route(request, body) -> Response` with POST and a strict pydantic model as its body.

    FastAPI parses a body into Python values, collects the route's parameters, validates each, and opens scopes for
    dependencies and background tasks. Here pydantic reads the bytes, and nothing else happens. Whatever it rejects goes
    FastAPI's way, which alone reports errors and alone reads other content types. The OpenAPI document comes from the
    declaration, as for any other route.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        model = self.body_field and self.body_field.field_info.annotation
        if not (isinstance(model, type) and issubclass(model, BaseModel) and self.methods == {"POST"}):
            raise TypeError(
                f"{self.name} takes {self.methods} of {model}; a bare route takes a POST of a pydantic model."
            )
        self._model = model

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        media_type = header(scope, b"content-type").partition(b";")[0]
        if scope["method"] != "POST" or media_type != JSON_MEDIA_TYPE.encode():
            await super().handle(scope, receive, send)
            return
        content = await _body(scope, receive)
        try:
            body = self._model.model_validate_json(content)
        except ValidationError:
            await super().handle(scope, _again(content), send)
            return
        response = await self.endpoint(Request(scope), body)
        await response(scope, receive, send)


async def _body(scope: Scope, receive: Receive) -> bytes:
    """The whole body, which comes in one message behind a gateway."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        content: bytes = message.get("body", b"")
        return content
    return await Request(scope, _starting_with(message, receive)).body()


def _starting_with(first: Message, receive: Receive) -> Receive:
    messages = iter([first])

    async def receive_again() -> Message:
        return next(messages, None) or await receive()

    return receive_again


def _again(content: bytes) -> Receive:
    """A body that has been received, to be received once more."""

    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    return receive
