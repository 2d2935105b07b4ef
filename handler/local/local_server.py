"""The same application on one's own machine, with the photos that a bucket would serve."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from fastapi.responses import FileResponse, Response

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
REFRESH_SECONDS = 2


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises ConfigurationError if the address cannot be had."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise ConfigurationError(
            f"Cannot listen on {host} port {port}: {error.strerror}.",
            field="port",
            value=port,
            remedy="Give another one with --port; --port 0 takes any free one.",
        ) from error


def serve_local(
    bundles: str | Path, photos: Path | None, listening: socket.socket, announce: Callable[[str], None]
) -> None:
    """Serve until interrupted; `announce` gets the URL as soon as it answers. Raises what create_local_app raises."""
    import uvicorn

    configure_logging()
    app = create_local_app(bundles, photos)
    host, port = listening.getsockname()[:2]
    announce(f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/")
    uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off")).run(sockets=[listening])


def create_local_app(
    bundles: str | Path, photos: Path | None = None, environ: Mapping[str, str] = os.environ
) -> FastAPI:
    """The API, the gallery and the photos. Opens the bundle now, so that what is wrong with it is said at once.

    The VITRINE_* variables count here, too, but for those that say where things are and who signs.

    Raises BundleError, and ConfigurationError if the photos cannot be found or a variable cannot be used.
    """
    open_store(str(bundles)).current()  # before anything is written: a misspelt folder must not come to be
    state = LocalState.of(str(bundles))
    root = state.photos(photos).resolve()
    runtime = Runtime(
        Settings.from_env(
            {
                "VITRINE_EVENTS": "off",  # a terminal is for people, unless they say otherwise
                "VITRINE_METRICS": "off",
                "VITRINE_REFRESH_SECONDS": str(REFRESH_SECONDS),
                **environ,
                "VITRINE_BUNDLES": str(bundles),
                "VITRINE_SIGNING_KEYS": state.signing_key(),
                "VITRINE_IMAGE_BASE_URL": PHOTOS,
            }
        )
    )
    runtime.bundle()
    app = create_app(runtime)
    _add_photos(app, runtime, root)
    return app


def _add_photos(app: FastAPI, runtime: Runtime, root: Path) -> None:
    @app.get(PHOTOS + "/{image:path}", include_in_schema=False)
    async def photo(image: str) -> Response:
        # Only what the catalog names is served, so no path can lead out of the photos' folder.
        if not runtime.bundle().catalog.has_image(image):
            return problem(404, "not_found", "No product has this photo.", value=image)
        path = root / image
        if not path.is_file():
            return problem(404, "not_found", "The photo is no longer in its folder.", value=image)
        return FileResponse(path, headers={"Cache-Control": "max-age=3600"})
