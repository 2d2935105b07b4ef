"""A route for the hot path: the body goes from bytes to a model in one step, and straight to the function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from handler.api.uploads import JSON_MEDIA_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fastapi import Request
    from fastapi.responses import Response


class BareRoute(APIRoute):
    """For `async def route(request, body) -> Response` with a strict pydantic model as its body.

    FastAPI parses a body into Python values, collects the route's parameters and validates each. Here pydantic reads
    the bytes. Whatever it rejects goes FastAPI's way, which alone reports errors and alone reads other content types.
    The OpenAPI document comes from the declaration, as for any other route.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        through_fastapi = super().get_route_handler()
        endpoint = self.endpoint
        model = self._body_model()

        async def handle(request: Request) -> Response:
            media_type = request.headers.get("content-type", "").partition(";")[0]
            if media_type != JSON_MEDIA_TYPE:
                return await through_fastapi(request)
            try:
                body = model.model_validate_json(await request.body())
            except ValidationError:
                return await through_fastapi(request)
            response: Response = await endpoint(request, body)
            return response

        return handle

    def _body_model(self) -> type[BaseModel]:
        model = self.body_field and self.body_field.field_info.annotation
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            raise TypeError(f"The body of {self.name} is {model}; a bare route takes a pydantic model.")
        return model
