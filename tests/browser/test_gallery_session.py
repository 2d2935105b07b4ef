"""A session in the gallery, as shoppers go through it: by mouse, by finger, by keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Route

    from tests.browser.gallery_page import GalleryPage

PRODUCTS = 80
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
    "reduced_motion": "no-preference",
}


def test_first_page_shows_ten_with_name_price_and_photo(gallery: GalleryPage) -> None:
    expect(gallery.products).to_have_count(10)
    expect(gallery.progress).to_have_text(f"Round 1 · {PRODUCTS - 10} left")
    expect(gallery.liked).to_have_count(0)
    expect(gallery.undo).to_be_disabled()
    expect(gallery.next).to_have_accessible_name("None of these 10 others")
    assert len(set(gallery.ids())) == 10
    assert gallery.badges() == ["Surprise"] * 10
    product = gallery.products.first
    name = product.locator(".name").inner_text()
    colour, number = name.split(" no. ")
    assert gallery.ids()[0] == f"{colour.lower()}-{int(number):02}"
    expect(product.locator(".price")).to_have_text(str(10 + int(number)))
    expect(product.locator(".photo img")).to_have_attribute("alt", name)
    expect(product.locator(".photo img.loaded")).to_be_visible()
    expect(product).to_have_accessible_name(f"Like, {name}, {10 + int(number)}")
    expect(product).to_have_accessible_description("Surprise")


def test_a_page_takes_several_answers_and_sends_them_at_once(gallery: GalleryPage) -> None:
    seen = gallery.ids()
    names = [gallery.tap(3), gallery.tap(7)]
    expect(gallery.next).to_have_accessible_name("Next 5 to your taste · 5 new")
    gallery.hold(0)
    gallery.cards.nth(5).hover()
    gallery.page.get_by_role("button", name="Not for me").nth(5).click()
    gallery.tap(9)
    gallery.tap(9)
    expect(gallery.products.nth(3)).to_have_attribute("aria-pressed", "true")
    assert (gallery.marked("liked"), gallery.marked("disliked")) == ([seen[3], seen[7]], [seen[0], seen[5]])
    shown = gallery.liked.locator("img").evaluate_all("all => all.map((image) => image.alt)")
    assert shown == names[::-1]
    expect(gallery.page.locator("#taste-more")).to_have_text("2 not for you")
    gallery.go_on().ready(2)
    path, body = gallery.asked[-1]
    assert path == "sessions/next"
    assert (body["liked"], body["disliked"]) == ([seen[3], seen[7]], [seen[0], seen[5]])
    assert gallery.badges() == ["For you"] * 5 + ["Surprise"] * 5
    assert set(seen).isdisjoint(gallery.ids())
    lines = [" ".join(text.split()) for text in gallery.page.locator(".because").all_inner_texts()]
    assert set(lines[:5]) <= {f"because you liked {name}" for name in names}
    assert lines[5:] == [""] * 5
    expect(gallery.page.get_by_role("status")).to_contain_text("5 close to your taste, 5 to surprise you. Round 2")


def test_liking_and_refusing_exclude_each_other(gallery: GalleryPage) -> None:
    product = gallery.ids()[2]
    gallery.tap(2)
    gallery.hold(2)
    assert (gallery.marked("liked"), gallery.marked("disliked")) == ([], [product])
    gallery.hold(2)
    assert gallery.marked("disliked") == []


def test_none_of_these_continues_without_a_like(gallery: GalleryPage) -> None:
    seen = set(gallery.ids())
    gallery.go_on().ready(2)
    expect(gallery.liked).to_have_count(0)
    assert seen.isdisjoint(gallery.ids())


def test_a_double_press_asks_for_one_page(gallery: GalleryPage) -> None:
    gallery.next.dblclick()
    gallery.ready(2)
    gallery.page.wait_for_timeout(200)
    expect(gallery.progress).to_contain_text("Round 2 ")


def test_undo_shows_the_page_before_with_its_badges_and_marks(gallery: GalleryPage) -> None:
    first = gallery.ids()
    gallery.like(1)
    second, badges = gallery.ids(), gallery.badges()
    gallery.hold(4)
    gallery.like(6)
    gallery.undo.click()
    gallery.ready(2)
    assert (gallery.ids(), gallery.badges()) == (second, badges)
    assert (gallery.marked("liked"), gallery.marked("disliked")) == ([second[6]], [second[4]])
    expect(gallery.products.nth(6)).to_be_focused()
    gallery.undo.click()
    gallery.ready(1)
    assert gallery.ids() == first
    gallery.tap(1)
    expect(gallery.liked).to_have_count(0)
    expect(gallery.undo).to_be_disabled()


def test_start_over_forgets_everything(gallery: GalleryPage) -> None:
    gallery.like(0)
    gallery.restart.click()
    gallery.ready(1)
    expect(gallery.liked).to_have_count(0)
    expect(gallery.progress).to_contain_text(f"{PRODUCTS - 10} left")


def test_everything_is_shown_once_and_then_the_end_is_announced(gallery: GalleryPage) -> None:
    seen = gallery.ids()
    for number in range(2, PRODUCTS // 10 + 1):
        gallery.like(0)
        gallery.ready(number)
        seen += gallery.ids()
    assert len(seen) == len(set(seen)) == PRODUCTS
    expect(gallery.progress).to_contain_text("the last ones")
    gallery.next.click()
    expect(gallery.heading).to_have_text("That was everything.")
    expect(gallery.heading).to_be_focused()
    expect(gallery.next).to_contain_text("Start over")
    expect(gallery.liked).to_have_count(PRODUCTS // 10 - 1)
    gallery.ready().undo.click()
    gallery.ready(PRODUCTS // 10)
    expect(gallery.products).to_have_count(10)
    gallery.next.click()
    expect(gallery.heading).to_have_text("That was everything.")
    gallery.ready().next.click()
    gallery.ready(1)
    expect(gallery.products).to_have_count(10)


def test_keyboard_alone_is_enough(gallery: GalleryPage) -> None:
    press = gallery.page.keyboard.press
    seen = gallery.ids()
    gallery.tab_to(gallery.products.first)
    assert gallery.focused().evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
    press("Enter")
    gallery.tab_to(gallery.page.get_by_role("button", name="Not for me").nth(1))
    press("Space")
    assert (gallery.marked("liked"), gallery.marked("disliked")) == ([seen[0]], [seen[1]])
    gallery.tab_to(gallery.next)
    press("Enter")
    gallery.ready(2)
    expect(gallery.products.first).to_be_focused()
    gallery.tab_to(gallery.undo)
    press("Enter")
    gallery.ready(1)
    assert gallery.marked("liked") == [seen[0]]
    press("Shift+Tab")
    press("Shift+Tab")
    expect(gallery.page.locator("#tune > summary")).to_be_focused()
    press("Enter")
    press("Tab")
    expect(gallery.page.get_by_role("slider")).to_be_focused()
    press("ArrowRight")
    expect(gallery.page.locator("#ratio-text")).to_have_text("6 to your taste, 4 others")
    press("Escape")
    expect(gallery.page.locator("#tune > summary")).to_be_focused()


def with_long_names(route: Route) -> None:
    page = route.fetch().json()
    for number, item in enumerate(page["items"]):
        item["fields"]["name"] = "Unabbreviatable" * 10 if number % 2 else "A name of many short words " * 10
    route.fulfill(json=page)


def test_phone_has_two_columns_the_taste_below_and_never_scrolls_sideways(
    open_gallery: Callable[..., GalleryPage],
) -> None:
    gallery = open_gallery(**PHONE)
    gallery.page.route("**/v1/sessions**", with_long_names)
    gallery.open()
    assert not gallery.scrolls_sideways()
    tops = gallery.products.evaluate_all("all => all.map((one) => one.getBoundingClientRect().top)")
    assert tops[0] == tops[1] < tops[2]
    taste = gallery.page.locator(".taste").bounding_box()
    assert taste is not None
    assert taste["y"] > tops[-1]
    for round_number in range(2, 4):
        gallery.products.nth(0).tap()
        gallery.page.get_by_role("button", name="Not for me").nth(1).tap()
        # Whatever is scrolled, the way on is in reach.
        expect(gallery.next).to_be_in_viewport(ratio=1)
        gallery.next.tap()
        gallery.ready(round_number)
        assert not gallery.scrolls_sideways()
        assert gallery.page.evaluate("scrollY") == 0
    expect(gallery.liked).to_have_count(2)
    gallery.undo.tap()
    gallery.ready(2)
    for panel in (gallery.filters, gallery.tune):
        panel.tap()
        assert not gallery.scrolls_sideways()
    gallery.restart.tap()
    gallery.ready(1)


def test_a_finger_that_stays_down_refuses_and_one_that_slides_scrolls(open_gallery: Callable[..., GalleryPage]) -> None:
    gallery = open_gallery(**PHONE).open()
    product = gallery.ids()[0]
    box = gallery.products.first.bounding_box()
    assert box is not None
    x, y = box["x"] + 80, box["y"] + 120
    touch = gallery.page.context.new_cdp_session(gallery.page)

    def send(kind: str, *points: tuple[float, float]) -> None:
        at = [{"x": px, "y": py} for px, py in points]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    send("touchStart", (x, y))
    send("touchMove", (x, y - 60))
    gallery.page.wait_for_timeout(600)
    send("touchEnd")
    assert gallery.marked("disliked") == gallery.marked("liked") == []
    gallery.page.evaluate("scrollTo(0, 0)")
    send("touchStart", (x, y))
    gallery.page.wait_for_timeout(600)
    send("touchEnd")
    assert gallery.marked("disliked") == [product]
    assert gallery.marked("liked") == []


@pytest.mark.parametrize("options", [{"color_scheme": "dark"}, {"reduced_motion": "no-preference"}])
def test_preferences_of_the_system_change_nothing_else(
    open_gallery: Callable[..., GalleryPage], options: dict[str, str]
) -> None:
    gallery = open_gallery(**options).open()
    gallery.like(9)
    expect(gallery.liked).to_have_count(1)
    expect(gallery.products).to_have_count(10)
