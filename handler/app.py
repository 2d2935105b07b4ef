"""The HTTP face: one FastAPI application around one Runtime."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response

from handler.problems import add_problem_handlers
from handler.routes import router

if TYPE_CHECKING:
    from handler.runtime import Runtime

STATIC = Path(__file__).parent / "static"
STATIC_FILES = {
    "gallery.css": "text/css",
    "products.css": "text/css",
    "controls.css": "text/css",
    "gallery.js": "text/javascript",
    "api.js": "text/javascript",
    "card.js": "text/javascript",
    "filters.js": "text/javascript",
    "hold.js": "text/javascript",
    "memory.js": "text/javascript",
    "photo.js": "text/javascript",
    "session.js": "text/javascript",
    "tune.js": "text/javascript",
    "view.js": "text/javascript",
    "words.js": "text/javascript",
}
REVALIDATED = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
PAGE_POLICY = {
    **REVALIDATED,
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'",
    "Referrer-Policy": "no-referrer",
}


def create_app(runtime: Runtime) -> FastAPI:
    """The API and the gallery. Opens no bundle: the first request does."""
    app = FastAPI(
        title="Vitrine",
        version=version("vitrine"),
        summary="A visual product recommender that needs no running server.",
        redoc_url=None,
    )
    app.state.runtime = runtime
    app.include_router(router)
    add_problem_handlers(app)
    _add_gallery(app)
    return app


def _add_gallery(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    async def gallery() -> Response:
        return FileResponse(STATIC / "gallery.html", headers=PAGE_POLICY)

    for name, media_type in STATIC_FILES.items():
        _add_static(app, name, media_type)


def _add_static(app: FastAPI, name: str, media_type: str) -> None:
    @app.get(f"/static/{name}", include_in_schema=False)
    async def static() -> Response:
        return FileResponse(STATIC / name, media_type=media_type, headers=REVALIDATED)
