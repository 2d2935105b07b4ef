"""The FastAPI application around one Runtime."""

from __future__ import annotations

from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.responses import Response  # noqa: TC002  FastAPI evaluates the annotations
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from handler.api.caching import REVALIDATE, conditional
from handler.api.guard import Guard
from handler.api.head_requests import HeadRequests
from handler.api.origin_secrets import OriginSecrets
from handler.api.photo_queue import PhotoQueue
from handler.api.problems import add_problem_handlers
from handler.api.routes import ROUTES
from handler.request_context import HEADER, RequestIds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handler.runtime import Runtime

STATIC = Path(__file__).parents[1] / "static"
STATIC_TYPES = {".css": "text/css", ".js": "text/javascript"}
BUSIEST = "next_page"
"""The route that is tried first."""
PREFLIGHT_SECONDS = 3_600
"""How long a browser remembers a preflight. Behind the gateway each preflight is a Lambda invocation."""
STATIC_POLICY = {"X-Content-Type-Options": "nosniff"}
PAGE_POLICY = {
    **STATIC_POLICY,
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'",
    "Referrer-Policy": "no-referrer",
}

DOCS_POLICY = {
    **STATIC_POLICY,
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


def create_app(runtime: Runtime) -> FastAPI:
    """Create the API and the gallery. The first request opens the bundle."""
    app = FastAPI(
        title="Vitrine",
        version=version("vitrine"),
        summary="A visual product recommender that needs no running server.",
        docs_url=None,  # FastAPI's page loads its scripts from a CDN
        redoc_url=None,
        redirect_slashes=False,  # the redirect would repeat the request's Host header
    )
    # Starlette puts the last one added outermost, so responses of the guard also get the headers of the others.
    app.add_middleware(Guard)
    app.add_middleware(HeadRequests)
    if runtime.settings.origin_secrets:
        app.add_middleware(OriginSecrets, secrets=runtime.settings.origin_secrets)
    if runtime.settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=runtime.settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Content-Type", "If-None-Match", HEADER],
            expose_headers=["ETag", HEADER],
            max_age=PREFLIGHT_SECONDS,
        )
    app.add_middleware(RequestIds)
    app.state.runtime = runtime
    app.state.photo_queue = PhotoQueue()
    # In place, because include_router would match every path twice; first, because the others are asked for rarely.
    app.router.routes[:0] = [ROUTES[name] for name in sorted(ROUTES, key=lambda name: name != BUSIEST)]
    add_problem_handlers(app)
    _add_gallery(app)
    app.openapi = cache(partial(_document, app))  # type: ignore[method-assign]
    return app


def _document(app: FastAPI) -> dict[str, Any]:
    from handler.api.openapi import document  # serving pages never needs it

    return document(app)


def _add_gallery(app: FastAPI) -> None:
    _add_file(app, "/", "gallery.html", "text/html", PAGE_POLICY)
    _add_file(app, "/docs", "docs/docs.html", "text/html", DOCS_POLICY)
    for path in sorted(STATIC.rglob("*")):
        if path.suffix in STATIC_TYPES:
            name = path.relative_to(STATIC).as_posix()
            _add_file(app, f"/static/{name}", name, STATIC_TYPES[path.suffix], STATIC_POLICY)


def _add_file(app: FastAPI, path: str, name: str, media_type: str, headers: Mapping[str, str]) -> None:
    async def file(request: Request) -> Response:
        # Kilobytes, but for /docs: reading them here is faster than handing them to a thread.
        return conditional(request, (STATIC / name).read_bytes(), media_type, REVALIDATE, headers)

    # Starlette's own route: FastAPI's takes a millisecond of a cold start to look for parameters.
    route = Route(path, file)
    route.methods = {"GET"}  # HEAD arrives as GET, and is no method of its own in an Allow header
    app.router.routes.append(route)
