"""How every route gets what it answers from, and how it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from handler.api.caching import KEEP_A_MINUTE, NEVER, conditional
from handler.api.routes.documented_route import DocumentedRoute
from handler.api.uploads import JSON_MEDIA_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import Request

    from handler.runtime import Runtime
    from handler.schemas import Item, Page, SimilarItems
    from handler.serving import Serving

    Answer = BaseModel | Item | Page | SimilarItems


PREFIX = "/v1"
_PRIVATE_HEADERS = ((b"cache-control", NEVER.encode()), (b"content-type", JSON_MEDIA_TYPE.encode()))


def new_router(route_class: type[DocumentedRoute] = DocumentedRoute) -> APIRouter:
    return APIRouter(
        prefix=PREFIX,
        responses=statuses(413, 500, 503),
        route_class=route_class,
        generate_unique_id_function=lambda route: route.name,  # the method names of generated clients
    )


def runtime_of(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


async def serving(request: Request) -> Serving:
    """What this request is answered from. Only a check for a new bundle, which reads files, leaves the event loop."""
    runtime = runtime_of(request)
    return await run_in_threadpool(runtime.serving) if runtime.current.due else runtime.serving()


def private(body: Answer) -> Response:
    """An answer for one shopper, which nobody may cache."""
    # Answers are built here from trusted values; returning them to FastAPI would validate them again.
    return _PrivateJson(_json(body))


def public(request: Request, body: Answer) -> Response:
    """An answer that is the same for everyone until the bundle changes."""
    return conditional(request, _json(body), JSON_MEDIA_TYPE, KEEP_A_MINUTE)


class _PrivateJson(Response):
    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:  # noqa: ARG002  always these
        self.raw_headers = [*_PRIVATE_HEADERS, (b"content-length", b"%d" % len(self.body))]


def _json(body: Answer) -> bytes:
    return orjson.dumps(body.model_dump() if isinstance(body, BaseModel) else body)


def statuses(*listed: int, example: object = None, **examples: object) -> dict[int | str, dict[str, Any]]:
    """FastAPI's `responses`: the statuses of problems, which handler.api.openapi fills in, and examples of the 200."""
    documented: dict[int | str, dict[str, Any]] = {status: {} for status in listed}
    shown = {"example": example} if example is not None else examples
    if shown:
        named = {name.replace("_", " "): {"value": value} for name, value in shown.items()}
        documented[200] = {"content": {JSON_MEDIA_TYPE: {"examples": named}}}
    return documented
