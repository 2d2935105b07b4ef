"""The application on a developer's machine, with the photos that a bucket would serve."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from fastapi.responses import FileResponse, Response
from starlette.concurrency import run_in_threadpool

from handler.api.app import create_app
from handler.api.problems import problem
from handler.errors import ConfigurationError
from handler.local.local_state import LocalState
from handler.logs import configure_logging
from handler.runtime import Runtime
from handler.settings import Settings
from handler.stores.open_store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from fastapi import FastAPI

PHOTOS = "/photos"
PHOTO_HEADERS = {
    "Cache-Control": "max-age=3600",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
"""A photo shares its origin with the gallery, so nothing in it may run, even where a browser opens it as a page."""
REFRESH_SECONDS = 2


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 picks a free port. Raises ConfigurationError if the address is not available."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise ConfigurationError(
            f"Cannot listen on {host} port {port}: {error.strerror}.",
            field="port",
            value=port,
            remedy="Choose another port with --port; --port 0 picks a free one.",
        ) from error


def serve_local(
    bundles: str | Path, photos: Path | None, listening: socket.socket, announce: Callable[[str], None]
) -> None:
    """Serve until interrupted, and call `announce` with the URL. Raises the errors of create_local_app."""
    import uvicorn

    configure_logging()
    app = create_local_app(bundles, photos)
    host, port = listening.getsockname()[:2]
    announce(f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/")
    uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off")).run(sockets=[listening])


def create_local_app(
    bundles: str | Path, photos: Path | None = None, environ: Mapping[str, str] = os.environ
) -> FastAPI:
    """Create the application with its photos. Opens the bundle now, so that errors in it show at once.

    The VITRINE_* variables apply here as well, except those for the bundles, the signing keys and the image URL.

    Raises BundleError, and ConfigurationError if the photos are missing or a variable is invalid.
    """
    open_store(str(bundles)).current()  # before anything is written, so that a misspelt path creates no directory
    state = LocalState.of(str(bundles))
    root = state.photos(photos).resolve()
    runtime = Runtime(
        Settings.from_env(
            {
                "VITRINE_EVENTS": "off",  # a terminal is for people
                "VITRINE_METRICS": "off",
                "VITRINE_REFRESH_SECONDS": str(REFRESH_SECONDS),
                **environ,
                "VITRINE_BUNDLES": str(bundles),
                "VITRINE_SIGNING_KEYS": state.signing_key(),
                "VITRINE_IMAGE_BASE_URL": PHOTOS,
            }
        )
    )
    runtime.bundle().load()
    app = create_app(runtime)
    _add_photos(app, runtime, root)
    return app


def _add_photos(app: FastAPI, runtime: Runtime, root: Path) -> None:
    @app.get(PHOTOS + "/{image:path}", include_in_schema=False)
    async def photo(image: str) -> Response:
        # The catalog names the photos, but whoever wrote the bundle wrote these names.
        if not runtime.bundle().catalog.has_image(image):
            return problem(404, "not_found", "No product has this photo.", value=image)
        return await run_in_threadpool(_photo, root, image)


def _photo(root: Path, image: str) -> Response:
    from handler.photos.media_type import media_type

    path = (root / image).resolve()
    if not path.is_relative_to(root):
        return problem(404, "not_found", "The photo's path leads out of the photos' directory.", value=image)
    if not path.is_file():
        return problem(404, "not_found", "The photo is no longer in its directory.", value=image)
    found = media_type(path)
    if found is None:
        return problem(404, "not_found", "The file is not a photo in a supported format.", value=image)
    return FileResponse(path, headers=PHOTO_HEADERS, media_type=found)
