"""Markup in ids, names, categories and field values is text: a real browser runs and loads none of it."""

from __future__ import annotations

import json
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

MARKUP = (
    "<img src=x onerror='window.ran=1'>",
    "<script>window.ran=1</script>",
    "\"><svg onload='window.ran=1'>",
    "' onmouseover='window.ran=1' x='",
    "javascript:window.ran=1",
    "{{constructor.constructor('window.ran=1')()}}",
    "</title><iframe srcdoc='<script>parent.ran=1</script>'>",
    "&lt;b&gt;",
)


@pytest.fixture(scope="module")
def hostile(encoder_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A shop whose product table has markup in every text."""
    directory = tmp_path_factory.mktemp("hostile")
    photos = draw_photos(directory / "photos", per_colour=4)
    table = photos / "catalog.jsonl"
    records = [json.loads(line) for line in table.read_text().splitlines()]
    for number, record in enumerate(records):
        text = MARKUP[number % len(MARKUP)]
        record |= {"id": f"{text}{number}", "name": f"{text} {number}", "title": text, "category": text, text: text}
    table.write_text("".join(json.dumps(record) + "\n" for record in records))
    run_index(table, directory / "bundles", encoder_directory)
    with serve(directory / "bundles", photos) as address:
        yield address


def test_markup_of_a_shop_stays_text_through_a_whole_session(browser: Browser, hostile: str) -> None:
    gallery = GalleryPage(browser.new_context(reduced_motion="reduce").new_page(), hostile).open()
    seen = set(gallery.ids())
    gallery.products.first.hover()
    gallery.tap(0)
    gallery.next.click()
    gallery.ready(2)
    seen |= set(gallery.ids())
    gallery.products.last.hover()
    assert len(seen) == 16
    assert any("<script>" in id_ for id_ in seen)
    assert gallery.page.evaluate("window.ran") is None
    expect(gallery.page.locator("main iframe, main svg[onload], main script, main [onmouseover]")).to_have_count(0)
    assert gallery.complaints == []
    gallery.page.context.close()
