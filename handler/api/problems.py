"""Every error as an RFC 9457 problem document that leaks no internals."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from handler.api.http_status import status_of
from handler.api.routes import ROUTES
from handler.errors import InvalidRequest, PhotoSearchBusy, SessionError, VitrineError
from handler.schemas import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import FastAPI, Request

    from handler.runtime import Runtime

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_SHOWN_CHARS = 200
_DETAIL_CHARS = 1_000


def add_problem_handlers(app: FastAPI) -> None:
    """Route our errors, FastAPI's and Starlette's through `problem`; handler.api.guard does so with the unforeseen."""

    @app.exception_handler(VitrineError)
    async def ours(request: Request, error: VitrineError) -> Response:
        _count(request, error)
        return error_problem(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            why = first.get("ctx", {}).get("error", "")
            detail = f"The body is not JSON: {why}, at character {first['loc'][-1]}."
            return error_problem(InvalidRequest(detail, field="body", remedy="Send a JSON object."))
        return problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "invalid_request",
            f"{_path(first['loc'])}: {first['msg']}.",
            field=_path(first["loc"]),
            value=first.get("input"),
            limit=_limit(first.get("ctx", {})),
            remedy="/docs describes the parameters of this path.",
        )

    @app.exception_handler(HTTPException)
    async def from_router(request: Request, error: HTTPException) -> Response:
        if isinstance(error.__cause__, VitrineError):
            return error_problem(error.__cause__)
        if error.status_code == HTTPStatus.BAD_REQUEST:  # only FastAPI raises it, for JSON that is not UTF-8
            return error_problem(
                InvalidRequest("The body is not valid UTF-8.", field="body", remedy="Send JSON in UTF-8.")
            )
        headers = {**(error.headers or {})}
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (methods := _methods_of(request)):
            headers["Allow"] = ", ".join(methods)
        code = HTTPStatus(error.status_code).name.lower()
        detail = f"{request.method} {request.url.path}: {HTTPStatus(error.status_code).phrase}."
        return problem(error.status_code, code, detail, headers=headers, remedy="/docs lists all paths.")


def _methods_of(request: Request) -> list[str]:
    """The methods of all of the API's routes with this path; Starlette's Allow header names those of the first only."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    return sorted(
        {method for route in ROUTES.values() if route.path_regex.match(path) for method in route.methods or ()}
    )


def _count(request: Request, error: VitrineError) -> None:
    runtime: Runtime = request.app.state.runtime
    if isinstance(error, SessionError):
        runtime.metrics.session_refused(error.code)
    elif isinstance(error, PhotoSearchBusy):
        runtime.metrics.photo_search_refused()


def error_problem(error: VitrineError) -> Response:
    """The problem document of an error. Server faults are logged in full and reported in general terms."""
    status = status_of(type(error))
    headers = None if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("%s: %s", error.code, error)
        unavailable = "The shop is temporarily unavailable."
        return problem(status, error.code, unavailable, headers=headers, remedy="Try again later.")
    return problem(
        status,
        error.code,
        error.detail,
        headers=headers,
        field=error.field,
        value=error.value,
        limit=error.limit,
        remedy=error.remedy,
    )


def problem(
    status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any
) -> Response:
    """A problem document without the members that are None."""
    title = HTTPStatus(status).phrase
    members |= {key: _short(members[key]) for key in ("field", "value") if key in members}
    detail = _cut(detail, _DETAIL_CHARS)
    body = Problem(type="about:blank", title=title, status=status, detail=detail, code=code, **members)
    return Response(
        body.model_dump_json(exclude_none=True), status, {"Cache-Control": "no-store", **(headers or {})}, MEDIA_TYPE
    )


def _path(location: Sequence[object]) -> str:
    """`("body", "liked", 0)` as `liked.0`."""
    return ".".join(str(part) for part in location[1:]) or str(location[0])


def _short(value: object) -> object:
    if isinstance(value, bool | int | float) or value is None:
        return value
    return _cut(value if isinstance(value, str) else repr(value), _SHOWN_CHARS)


def _cut(text: str, limit: int) -> str:
    """Shorten `text`, and escape lone surrogates, which JSON can express but UTF-8 cannot encode."""
    shown = text if len(text) <= limit else f"{text[:limit]}..."
    return shown.encode(errors="backslashreplace").decode()


def _limit(context: Mapping[str, object]) -> object:
    """The limit in pydantic's error context, if there is one."""
    bounds = (value for key, value in context.items() if isinstance(value, int | float) and "actual" not in key)
    return next(bounds, None)
