"""How every route gets what it answers from, and how it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from handler.api.caching import KEEP_A_MINUTE, NEVER, conditional
from handler.api.uploads import JSON_MEDIA_TYPE

if TYPE_CHECKING:
    from fastapi import Request
    from pydantic import BaseModel

    from handler.runtime import Runtime
    from handler.serving import Serving


def runtime_of(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


async def serving(request: Request) -> Serving:
    """What this request is answered from. Only a check for a new bundle, which reads files, leaves the event loop."""
    runtime = runtime_of(request)
    return await run_in_threadpool(runtime.serving) if runtime.current.due else runtime.serving()


def private(body: BaseModel) -> Response:
    """An answer for one shopper, which nobody may cache."""
    # The models are built here from trusted values; returning them to FastAPI would validate them again.
    return Response(body.model_dump_json(), headers={"Cache-Control": NEVER}, media_type=JSON_MEDIA_TYPE)


def public(request: Request, body: BaseModel) -> Response:
    """An answer that is the same for everyone until the bundle changes."""
    return conditional(request, body.model_dump_json().encode(), JSON_MEDIA_TYPE, KEEP_A_MINUTE)


def statuses(*listed: int, example: object = None, **examples: object) -> dict[int | str, dict[str, Any]]:
    """FastAPI's `responses`: the statuses of problems, which handler.api.openapi fills in, and examples of the 200."""
    documented: dict[int | str, dict[str, Any]] = {status: {} for status in listed}
    shown = {"example": example} if example is not None else examples
    if shown:
        named = {name.replace("_", " "): {"value": value} for name, value in shown.items()}
        documented[200] = {"content": {JSON_MEDIA_TYPE: {"examples": named}}}
    return documented
