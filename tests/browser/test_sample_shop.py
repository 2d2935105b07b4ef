"""The sample shop, seen as a visitor sees it first. Makes the README's pictures:

VITRINE_SCREENSHOTS=infra .venv/bin/pytest tests/browser/test_sample_shop.py
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageOps
from playwright.sync_api import expect

import export
from export.sample.catalog import write_sample_catalog
from tests.browser.conftest import serve
from tests.browser.test_gallery_session import PHONE
from tests.conftest import KEY, run_index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.browser.gallery_page import GalleryPage

FOLDER = os.environ.get("VITRINE_SCREENSHOTS")
PRODUCTS = 240
SIZE_LIMIT = 400_000
DESKTOP = {"viewport": {"width": 1280, "height": 860}}
ENCODER = Path(export.__file__).parent / "embedded"

pytestmark = pytest.mark.skipif(
    FOLDER is None, reason="draws and indexes a shop; VITRINE_SCREENSHOTS says where to put it"
)


@pytest.fixture(scope="module")
def live_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the sample shop, in place of the tests' own."""
    folder = tmp_path_factory.mktemp("shop")
    manifest = write_sample_catalog(folder / "sample", count=PRODUCTS)
    run_index(manifest, folder / "bundles", ENCODER)
    # Pages follow from the session's seed and the key, so that pictures change only when the gallery does.
    (folder / "bundles" / ".local" / "signing.key").write_text(KEY)
    with pytest.MonkeyPatch.context() as environment:
        # The server reads its settings from variables of this prefix, and refuses one that it does not know.
        environment.delenv("VITRINE_SCREENSHOTS", raising=False)
        with serve(folder / "bundles", manifest.parent) as address:
            yield address


def like_some(gallery: GalleryPage, wanted: str) -> None:
    """Like what a shopper with one thing in mind would: what has the word in its name, or else the first product."""
    found = [place for place, name in enumerate(gallery.products.all_inner_texts()) if wanted in name]
    for place in found[:2] or [0]:
        gallery.tap(place)


@pytest.mark.parametrize(
    ("name", "screen"),
    [
        ("desktop", {**DESKTOP, "color_scheme": "light"}),
        ("phone", {**PHONE, "device_scale_factor": 1.5, "color_scheme": "dark"}),
    ],
)
def test_a_visitor_finds_more_like_the_likes(
    open_gallery: Callable[..., GalleryPage], name: str, screen: dict[str, Any]
) -> None:
    gallery = open_gallery(**screen)
    gallery.page.route("**/v1/sessions", lambda route: route.continue_(post_data={"count": 10, "seed": "README"}))
    gallery.open()
    like_some(gallery, "dress")
    gallery.search("floral dress")
    like_some(gallery, "floral")
    gallery.go_on()
    gallery.tap(1)
    gallery.hold(3)
    gallery.page.mouse.move(0, 0)
    gallery.page.evaluate("scrollTo(0, 0)")
    expect(gallery.page.locator("#grid .picture.loaded").nth(9)).to_be_attached()
    gallery.page.wait_for_timeout(800)
    picture = optimized(gallery.page.screenshot())
    assert len(picture) < SIZE_LIMIT
    (Path(str(FOLDER)) / f"gallery-{name}.png").write_bytes(picture)


def optimized(png: bytes) -> bytes:
    """The same picture in two thirds of the bytes: without the two bits of a colour that nobody sees."""
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        ImageOps.posterize(picture.convert("RGB"), 6).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
