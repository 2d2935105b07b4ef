"""The search field previews results while the shopper types, and a search is a step of the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.test_gallery_page import axe, check  # noqa: F401  a fixture
from tests.browser.test_gallery_session import PHONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Route

    from tests.browser.gallery_page import GalleryPage

SEARCH = "**/v1/search/text"
DESKTOP = {"viewport": {"width": 1280, "height": 860}}


TYPE = """([field, texts, submit]) => {
  for (const text of texts) {
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  if (submit) field.form.requestSubmit();
}"""


def type_fast(gallery: GalleryPage, *texts: str, submit: bool = False) -> None:
    """Type faster than any pause, however slow the machine."""
    gallery.page.evaluate(TYPE, [gallery.words.element_handle(), texts, submit])


def found(gallery: GalleryPage) -> Locator:
    return gallery.page.get_by_role("button", name="Show results for")


def searches(gallery: GalleryPage) -> list[str]:
    return [body["text"] for path, body in gallery.asked if path == "search/text"]


def colors(gallery: GalleryPage) -> set[str]:
    return {product.rsplit("-", 1)[0] for product in gallery.ids()}


@pytest.mark.parametrize("screen", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_typing_previews_results_and_a_tap_shows_them(
    open_gallery: Callable[..., GalleryPage], screen: dict[str, object]
) -> None:
    gallery = open_gallery(**screen).open()
    type_fast(gallery, "r", "re", "red")
    expect(found(gallery)).to_have_text("Show results for “red”")
    expect(gallery.page.locator(".thumbs img")).to_have_count(6)
    assert not gallery.scrolls_sideways()
    # One request for three keys, and it is no step of the session.
    assert searches(gallery) == ["red"]
    assert "session" not in gallery.asked[-1][1]
    expect(gallery.progress).to_contain_text("Round 1 ")
    found(gallery).click()
    gallery.ready(2)
    assert colors(gallery) == {"red"}
    assert gallery.badges() == ["Found"] * 10
    expect(gallery.page.locator("#hint")).to_have_text("10 for “red”.")
    expect(gallery.products.first).to_have_accessible_description("Found, you searched for “red”")
    expect(gallery.liked).to_have_text(["“red”"])
    expect(gallery.words).to_have_value("")
    expect(found(gallery)).to_be_hidden()


def test_the_keyboard_is_enough(gallery: GalleryPage) -> None:
    gallery.tab_to(gallery.words)
    gallery.page.keyboard.type("blue")
    expect(found(gallery)).to_be_visible()
    gallery.page.keyboard.press("Escape")
    expect(found(gallery)).to_be_hidden()
    expect(gallery.words).to_be_focused()
    expect(gallery.words).to_have_value("blue")
    gallery.page.keyboard.type(" no")
    expect(found(gallery)).to_be_visible()
    gallery.page.keyboard.press("Tab")
    expect(found(gallery)).to_be_focused()
    gallery.page.keyboard.press("Enter")
    gallery.ready(2)
    expect(gallery.products.first).to_be_focused()
    assert colors(gallery) == {"blue"}


def test_enter_searches_before_the_preview(gallery: GalleryPage) -> None:
    type_fast(gallery, "sand", submit=True)
    gallery.ready(2)
    gallery.page.wait_for_timeout(400)
    assert searches(gallery) == ["sand"]
    assert gallery.asked[-1][1]["session"]


def test_marks_go_with_the_search_and_an_undo_takes_both_back(gallery: GalleryPage) -> None:
    first = gallery.ids()
    gallery.tap(0)
    gallery.search("green")
    assert gallery.asked[-1][1]["liked"] == [first[0]]
    expect(gallery.liked).to_have_count(2)
    gallery.page.reload()
    gallery.ready(2)
    expect(gallery.liked).to_have_count(2)
    expect(gallery.products.first).to_have_accessible_description("Found, you searched for “green”")
    gallery.go_on()
    assert "green" in colors(gallery)
    gallery.undo.click()
    gallery.ready(2)
    gallery.undo.click()
    gallery.ready(1)
    assert gallery.ids() == first
    expect(gallery.liked).to_have_count(1)


def test_words_and_filters_combine(gallery: GalleryPage) -> None:
    gallery.filters.click()
    gallery.page.get_by_label("to", exact=True).fill("13")
    gallery.page.keyboard.press("Escape")
    gallery.words.fill("red")
    expect(found(gallery)).to_be_visible()
    expect(gallery.page.locator(".thumbs img")).to_have_count(6)
    assert gallery.asked[-1][1]["filter"] == {"price": {"lte": 13}}
    gallery.words.press("Enter")
    gallery.ready(2)
    assert gallery.asked[-1][1]["filter"] == {"price": {"lte": 13}}
    assert {int(product.rsplit("-", 1)[1]) for product in gallery.ids()} <= {0, 1, 2, 3}


def test_an_answer_that_is_overtaken_is_dropped(gallery: GalleryPage) -> None:
    """The first answer is held back until the second is on the screen."""
    held: list[Route] = []
    gallery.page.route(SEARCH, lambda route: held.append(route), times=1)
    with gallery.page.expect_request(SEARCH):
        gallery.words.fill("red")
    gallery.words.fill("sand")
    expect(found(gallery)).to_contain_text("“sand”")
    assert len(held) == 1
    assert held[0].request.failure == "net::ERR_ABORTED"
    gallery.page.wait_for_timeout(200)
    expect(found(gallery)).to_contain_text("“sand”")


def test_a_search_without_results_keeps_the_page(gallery: GalleryPage) -> None:
    first = gallery.ids()
    gallery.words.fill("zeppelin")
    expect(gallery.page.get_by_text("Nothing matches “zeppelin”.")).to_be_visible()
    expect(found(gallery)).to_be_hidden()
    gallery.failures_expected = True
    gallery.words.press("Enter")
    expect(gallery.problem).to_contain_text("Search for other words")
    gallery.problem.get_by_role("button", name="OK").click()
    assert gallery.ids() == first
    gallery.like(0)
    expect(gallery.liked).to_have_count(1)


def test_a_failed_preview_shows_the_reason(gallery: GalleryPage) -> None:
    gallery.failures_expected = True
    gallery.page.route(SEARCH, lambda route: route.abort())
    gallery.words.fill("red")
    expect(gallery.page.locator("#search .note")).to_have_text("The shop cannot be reached.")


@pytest.mark.parametrize("typed", ["<img src=x onerror=alert(1)>", "“quotes” & <b>tags</b>"])
def test_typed_markup_stays_text(gallery: GalleryPage, typed: str) -> None:
    """Any markup that came to life would be a complaint, by the page's own policy."""
    gallery.words.fill(f"red {typed}")
    expect(gallery.page.locator("#search .panel")).to_contain_text(typed)
    gallery.words.press("Enter")
    gallery.ready(2)
    expect(gallery.liked).to_contain_text(typed)
    assert gallery.page.locator("#grid img[src='x'], #liked img[src='x'], #search img[src='x']").count() == 0


def test_a_shared_link_shows_what_was_searched_for(
    gallery: GalleryPage, open_gallery: Callable[..., GalleryPage]
) -> None:
    gallery.search("red")
    other = open_gallery(**DESKTOP).open(gallery.page.evaluate("location.hash"))
    expect(other.liked).to_have_text(["“red”"])
    other.go_on()
    expect(other.products.first).to_have_accessible_description("Found, you searched for “red”")


def test_a_shop_without_a_text_index_has_no_field(open_gallery: Callable[..., GalleryPage]) -> None:
    gallery = open_gallery(**DESKTOP)
    gallery.page.route("**/v1/bundle", lambda route: route.fulfill(json={**route.fetch().json(), "text_search": False}))
    gallery.open()
    expect(gallery.tune).to_be_visible()
    expect(gallery.page.locator("#search")).to_be_hidden()


@pytest.mark.parametrize("screen", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_search_is_accessible(
    open_gallery: Callable[..., GalleryPage],
    axe: str,  # noqa: F811
    screen: dict[str, object],
) -> None:
    gallery = open_gallery(**{**screen, "reduced_motion": "reduce"}).open()
    gallery.words.fill("red")
    expect(found(gallery)).to_be_visible()
    check(gallery, axe)
    gallery.words.fill("zeppelin")
    expect(found(gallery)).to_be_hidden()
    check(gallery, axe)
    gallery.words.fill("red")
    gallery.words.press("Enter")
    check(gallery.ready(2), axe)
