"""Photos without a title: cards show the category or nothing; ids, often UUIDs, stay in tooltips."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import serve
from tests.browser.gallery_page import GalleryPage
from tests.conftest import draw_photos, run_index

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def untitled(encoder_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A directory of photos with one sub-directory a colour, and some photos beside them."""
    folder = tmp_path_factory.mktemp("untitled")
    photos = draw_photos(folder / "photos", per_colour=3)
    (photos / "catalog.jsonl").unlink()
    for path in list((photos / "red").iterdir()):
        path.rename(photos / f"red-{path.name}")
    run_index(photos, folder / "bundles", encoder_directory)
    with serve(folder / "bundles", photos) as address:
        yield address


def test_a_card_shows_the_category_or_nothing_and_keeps_the_id_for_the_tooltip(browser: Browser, untitled: str) -> None:
    gallery = GalleryPage(browser.new_context(reduced_motion="reduce").new_page(), untitled).open()
    for product, shown in zip(gallery.products.all(), gallery.ids(), strict=True):
        category = shown.partition("/")[0].capitalize() if "/" in shown else ""
        expect(product.locator(".name")).to_have_text(category)
        expect(product).to_have_attribute("title", shown)
        expect(product).to_have_accessible_name(re.compile(f"^Like, {category or re.escape(shown)}"))
    gallery.page.context.close()
