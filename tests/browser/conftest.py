"""The real application under a real server, seen through a real Chromium."""

from __future__ import annotations

import os
import shutil
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import uvicorn
from playwright.sync_api import sync_playwright

from handler.local.local_server import create_local_app, listen
from tests.browser.gallery_page import GalleryPage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

    from playwright.sync_api import Browser

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = [
    "--no-sandbox",  # Chromium's sandbox refuses to start as root, which containers run as
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TIMEOUT_MS = 10_000


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    command = next(filter(None, map(shutil.which, COMMANDS)), None)
    if command is None:
        message = f"No browser found: none of {', '.join(COMMANDS)} is installed."
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=command, args=QUIET)
        yield browser
        browser.close()


@contextmanager
def serve(bundles: Path, photos: Path) -> Iterator[str]:
    """The address of the local application, answering."""
    with listen("127.0.0.1", 0) as listening:
        app = create_local_app(bundles, photos)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield "http://{}:{}".format(*listening.getsockname())
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def live_server(bundles: Path, photos: Path) -> Iterator[str]:
    with serve(bundles, photos) as address:
        yield address


@pytest.fixture
def open_gallery(browser: Browser, live_server: str) -> Iterator[Callable[..., GalleryPage]]:
    """Opens the gallery in a fresh browser context with the options given.

    No page may have logged an error, broken its content security policy, or asked another origin for anything.
    """
    opened: list[GalleryPage] = []

    def open_it(**options: Any) -> GalleryPage:
        # Most tests are about what happens, and wait for no animation.
        context = browser.new_context(**{"locale": "en-US", "reduced_motion": "reduce", **options})
        context.set_default_timeout(TIMEOUT_MS)
        opened.append(GalleryPage(context.new_page(), live_server))
        return opened[-1]

    yield open_it
    for gallery in opened:
        gallery.page.context.close()
        assert gallery.complaints == []


@pytest.fixture
def gallery(open_gallery: Callable[..., GalleryPage]) -> GalleryPage:
    """A desktop's window on the first page of a new session."""
    return open_gallery(viewport={"width": 1280, "height": 860}).open()
