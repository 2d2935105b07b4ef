"""A session continues after a reload, from a link, in another browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.gallery_page import GalleryPage


def test_a_reload_restores_the_page_and_its_marks(gallery: GalleryPage) -> None:
    seen = set(gallery.ids())
    gallery.like(5)
    page, badges = gallery.ids(), gallery.badges()
    gallery.tap(2)
    gallery.hold(3)
    gallery.page.reload()
    gallery.ready(2)
    assert (gallery.ids(), gallery.badges()) == (page, badges)
    assert (gallery.marked("liked"), gallery.marked("disliked")) == ([page[2]], [page[3]])
    expect(gallery.liked).to_have_count(2)
    gallery.go_on()
    assert seen.union(page).isdisjoint(gallery.ids())
    gallery.undo.click()
    gallery.ready(2)
    assert gallery.badges() == badges


def test_a_shared_link_shows_the_same_page_and_the_session_continues(
    gallery: GalleryPage, open_gallery: Callable[..., GalleryPage]
) -> None:
    seen = gallery.ids()
    (name,) = gallery.like(4)
    page = gallery.ids()
    link = gallery.page.url
    assert "#s=" in link
    friend = open_gallery()
    asked = []
    friend.page.on("request", lambda request: asked.append(request.url) if "/v1/sessions" in request.url else None)
    friend.open(link.removeprefix(gallery.address)).ready(2)
    assert friend.ids() == page
    assert [url.rpartition("/")[2] for url in asked] == ["show"]
    assert friend.page.url == link
    expect(friend.undo).to_be_enabled()
    friend.go_on().ready(3)
    assert set(seen).union(page).isdisjoint(friend.ids())
    # Earlier likes are looked up once they are a reason for a product.
    expect(friend.liked.locator("img")).to_have_attribute("alt", name)
    expect(friend.products.first).to_have_accessible_description(f"For you, because you liked {name}")
    friend.undo.click()
    friend.ready(2).undo.click()
    friend.ready(1)
    assert friend.ids() == seen
    assert gallery.page.url == link


def test_another_link_in_the_same_tab_is_followed(gallery: GalleryPage) -> None:
    link, page = gallery.page.url, gallery.ids()
    gallery.restart.click()
    gallery.page.wait_for_url(lambda url: url != link)
    gallery.ready(1)
    assert gallery.ids() != page
    gallery.page.goto(link)
    expect(gallery.page.locator(f"#grid [data-id='{page[0]}']")).to_be_visible()
    assert gallery.ready(1).ids() == page


def test_the_back_button_leaves_the_gallery(gallery: GalleryPage) -> None:
    before = gallery.page.evaluate("history.length")
    gallery.like(0)
    gallery.go_on()
    assert gallery.page.evaluate("history.length") == before


def test_sharing_copies_the_link(open_gallery: Callable[..., GalleryPage]) -> None:
    gallery = open_gallery(permissions=["clipboard-read", "clipboard-write"]).open()
    gallery.page.get_by_role("button", name="Share").click()
    expect(gallery.page.get_by_role("status")).to_contain_text("Link copied")
    assert gallery.page.evaluate("navigator.clipboard.readText()") == gallery.page.url
