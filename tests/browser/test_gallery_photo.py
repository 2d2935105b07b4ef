"""A shopper's own photo: dropped, pasted or picked."""

from __future__ import annotations

import base64
import io
import json
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Route

    from tests.browser.gallery_page import GalleryPage

SEARCH = "**/v1/search/image"
RED = (200, 40, 40)


def photo(width: int = 1600, height: int = 1200) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), RED).save(buffer, "PNG")
    return buffer.getvalue()


def drop(gallery: GalleryPage, data: bytes, event: str = "drop", media_type: str = "image/png") -> None:
    carried = gallery.page.evaluate_handle(
        """([data, type]) => {
          const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
          const transfer = new DataTransfer();
          transfer.items.add(new File([bytes], "dropped.png", { type }));
          return transfer;
        }""",
        [base64.b64encode(data).decode(), media_type],
    )
    target = gallery.page.locator("#grid")
    if event == "drop":
        target.dispatch_event("dragenter", {"dataTransfer": carried})
        expect(gallery.page.locator(".drop")).to_be_visible()
        target.dispatch_event("drop", {"dataTransfer": carried})
        expect(gallery.page.locator(".drop")).to_be_hidden()
    else:
        gallery.page.evaluate(
            "files => document.body.dispatchEvent(new ClipboardEvent('paste', {clipboardData: files, bubbles: true}))",
            carried,
        )


def watch_uploads(gallery: GalleryPage) -> Callable[[], bytes]:
    """Playwright does not see the files of a form, so the page's own `fetch` keeps them."""
    gallery.page.evaluate(
        """() => {
          const original = window.fetch;
          window.fetch = (url, request) => {
            if (request?.body instanceof FormData) window.sent = request.body.get("image");
            return original(url, request);
          };
        }"""
    )
    return lambda: bytes(gallery.page.evaluate("sent.arrayBuffer().then((all) => [...new Uint8Array(all)])"))


def test_a_dropped_photo_is_scaled_and_counts_as_a_like(gallery: GalleryPage) -> None:
    first = gallery.ids()
    gallery.tap(0)
    gallery.tap(0)
    gallery.hold(1)
    sent_photo = watch_uploads(gallery)
    drop(gallery, photo())
    gallery.ready(2)
    with Image.open(io.BytesIO(sent_photo())) as sent:
        assert (sent.format, sent.size) == ("JPEG", (1024, 768))
        pixel = sent.convert("RGB").getpixel((500, 400))
    assert isinstance(pixel, tuple)
    assert all(abs(one - other) < 8 for one, other in zip(pixel, RED, strict=True))
    expect(gallery.liked.locator("img")).to_have_attribute("alt", "Your photo")
    expect(gallery.liked.locator("img.loaded")).to_be_visible()
    expect(gallery.page.locator("#taste-more")).to_have_text("1 not for you")
    assert gallery.badges()[:5] == ["For you"] * 5
    expect(gallery.products.first).to_have_accessible_description("For you, because you liked Your photo")
    assert set(first).isdisjoint(gallery.ids())
    gallery.page.reload()
    gallery.ready(2)
    expect(gallery.liked.locator("img.loaded")).to_be_visible()
    gallery.undo.click()
    gallery.ready(1)
    expect(gallery.liked).to_have_count(0)
    assert gallery.marked("disliked") == [first[1]]


def test_a_photo_can_be_picked_and_pasted(gallery: GalleryPage) -> None:
    with gallery.page.expect_file_chooser() as chooser:
        gallery.page.get_by_text("Your photo").click()
    chooser.value.set_files({"name": "mine.png", "mimeType": "image/png", "buffer": photo(40, 30)})
    gallery.ready(2)
    drop(gallery, photo(30, 40), event="paste")
    gallery.ready(3)
    expect(gallery.liked).to_have_count(2)


def test_a_file_other_than_a_photo_is_refused(gallery: GalleryPage) -> None:
    drop(gallery, b"not a photo", media_type="text/plain")
    expect(gallery.problem).to_contain_text("This browser cannot read that file as a photo. Choose a JPEG")
    gallery.ready(1).problem.get_by_role("button", name="OK").click()
    expect(gallery.problem).to_be_empty()
    gallery.like(0)
    expect(gallery.liked).to_have_count(1)


@pytest.mark.parametrize(
    ("status", "code", "detail"),
    [(413, "image_too_large", "The photo is too large."), (422, "image_undecodable", "It cannot be decoded.")],
)
def test_a_refused_photo_is_reported(gallery: GalleryPage, status: int, code: str, detail: str) -> None:
    def refuse(route: Route) -> None:
        problem = {"status": status, "code": code, "detail": detail, "remedy": "Take another."}
        route.fulfill(status=status, content_type="application/problem+json", body=json.dumps(problem))

    gallery.failures_expected = True
    gallery.page.route(SEARCH, refuse)
    drop(gallery, photo(20, 20))
    expect(gallery.problem).to_contain_text(f"{detail} Take another.")
    gallery.problem.get_by_role("button", name="OK").click()
    expect(gallery.liked).to_have_count(0)
