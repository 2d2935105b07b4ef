"""The gallery as shoppers meet it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from handler.app import STATIC, STATIC_FILES

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
}
SIZE_LIMIT = 60_000
NEXT = "**/v1/sessions/next"
BROKEN = {"status": 500, "title": "Internal Server Error", "detail": "It broke.", "remedy": "Wait.", "code": "internal"}


def test_first_page_shows_ten_with_name_price_and_photo(gallery: GalleryPage) -> None:
    expect(gallery.products).to_have_count(10)
    expect(gallery.progress).to_have_text(f"Round 1 · {PRODUCTS - 10} left")
    expect(gallery.liked).to_have_count(0)
    expect(gallery.undo).to_be_disabled()
    assert len(set(gallery.ids())) == 10
    assert set(gallery.badges()) == {""}
    product = gallery.products.first
    name = product.locator(".name").inner_text()
    colour, number = name.split(" no. ")
    assert gallery.ids()[0] == f"{colour.lower()}-{int(number):02}"
    expect(product.locator(".price")).to_have_text(str(10 + int(number)))
    expect(product.locator(".photo img")).to_have_attribute("alt", name)
    expect(product.locator(".photo img.loaded")).to_be_visible()
    expect(product).to_have_accessible_name(f"Like, {name}, {10 + int(number)}")


def test_tap_brings_five_similar_and_five_new(gallery: GalleryPage) -> None:
    seen = set(gallery.ids())
    name = gallery.like(3)
    gallery.ready(2)
    expect(gallery.liked).to_have_count(1)
    expect(gallery.liked.locator("img")).to_have_attribute("alt", name)
    assert gallery.badges() == ["similar"] * 5 + ["new"] * 5
    assert len(gallery.ids()) == 10
    assert seen.isdisjoint(gallery.ids())
    assert gallery.page.locator(".because").all_inner_texts() == [f"because you liked\n{name}"] * 5
    expect(gallery.products.first).to_have_accessible_description(f"similar, because you liked {name}")
    expect(gallery.page.get_by_role("status")).to_contain_text("5 close to your taste, 5 to surprise you. Round 2")


def test_liked_ones_gather_newest_first(gallery: GalleryPage) -> None:
    names = [gallery.like(number) for number in (0, 7, 4)]
    shown = gallery.liked.locator("img").evaluate_all("all => all.map((image) => image.alt)")
    assert shown == names[::-1]
    expect(gallery.page.locator("#liked-count")).to_have_text("3")


def test_none_of_these_goes_on_without_a_like(gallery: GalleryPage) -> None:
    seen = set(gallery.ids())
    gallery.none.click()
    gallery.ready(2)
    expect(gallery.liked).to_have_count(0)
    assert seen.isdisjoint(gallery.ids())


def test_double_tap_likes_once(gallery: GalleryPage) -> None:
    gallery.products.nth(2).dblclick()
    gallery.ready(2)
    gallery.page.wait_for_timeout(200)
    expect(gallery.progress).to_contain_text("Round 2 ")
    expect(gallery.liked).to_have_count(1)


def test_tap_on_a_page_that_has_only_just_appeared_is_ignored(gallery: GalleryPage) -> None:
    gallery.page.evaluate(
        """() => {
          const tap = () => document.querySelector("#grid .product").click();
          new MutationObserver(() => setTimeout(tap, 60)).observe(document.querySelector("#grid"), {childList: true});
          tap();
        }"""
    )
    gallery.ready(2)
    gallery.page.wait_for_timeout(200)
    expect(gallery.progress).to_contain_text("Round 2 ")
    expect(gallery.liked).to_have_count(1)


def test_undo_shows_the_page_before_with_its_badges(gallery: GalleryPage) -> None:
    first = gallery.ids()
    gallery.like(1)
    second, badges = gallery.ids(), gallery.badges()
    gallery.like(6)
    gallery.undo.click()
    gallery.ready(2)
    assert gallery.ids() == second
    assert gallery.badges() == badges
    expect(gallery.liked).to_have_count(1)
    assert gallery.focused().get_attribute("data-id") == second[6]
    gallery.undo.click()
    gallery.ready(1)
    assert gallery.ids() == first
    expect(gallery.liked).to_have_count(0)
    expect(gallery.undo).to_be_disabled()


def test_start_over_forgets_everything(gallery: GalleryPage) -> None:
    gallery.like(0)
    gallery.restart.click()
    gallery.ready(1)
    expect(gallery.liked).to_have_count(0)
    expect(gallery.progress).to_contain_text(f"{PRODUCTS - 10} left")


def test_reload_goes_on_where_it_was(gallery: GalleryPage) -> None:
    seen = set(gallery.ids())
    gallery.like(5)
    page, badges = gallery.ids(), gallery.badges()
    gallery.page.reload()
    gallery.ready(2)
    assert (gallery.ids(), gallery.badges()) == (page, badges)
    expect(gallery.liked).to_have_count(1)
    gallery.like(0)
    assert seen.union(page).isdisjoint(gallery.ids())
    gallery.undo.click()
    gallery.ready(2)
    assert gallery.badges() == badges


def test_everything_is_shown_once_and_then_it_says_so(gallery: GalleryPage) -> None:
    seen = gallery.ids()
    for number in range(2, PRODUCTS // 10 + 1):
        gallery.like(0)
        gallery.ready(number)
        seen += gallery.ids()
    assert len(seen) == len(set(seen)) == PRODUCTS
    expect(gallery.progress).to_contain_text("the last ones")
    gallery.none.click()
    expect(gallery.page.get_by_role("heading", level=1)).to_have_text("That was everything.")
    expect(gallery.page.get_by_role("heading", level=1)).to_be_focused()
    expect(gallery.liked).to_have_count(PRODUCTS // 10 - 1)
    gallery.ready().undo.click()
    gallery.ready(PRODUCTS // 10)
    expect(gallery.products).to_have_count(10)


def test_keyboard_alone_is_enough(gallery: GalleryPage) -> None:
    press = gallery.page.keyboard.press
    press("Tab")
    expect(gallery.restart).to_be_focused()
    press("Tab")
    expect(gallery.none).to_be_focused()
    press("Tab")
    expect(gallery.products.first).to_be_focused()
    assert gallery.focused().evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
    press("Enter")
    gallery.ready(2)
    expect(gallery.products.first).to_be_focused()
    press("Tab")
    press("Space")
    gallery.ready(3)
    expect(gallery.liked).to_have_count(2)
    expect(gallery.products.first).to_be_focused()
    press("Shift+Tab")
    press("Shift+Tab")
    expect(gallery.undo).to_be_focused()
    press("Enter")
    gallery.ready(2)
    expect(gallery.products.nth(1)).to_be_focused()


def with_long_names(route: Route) -> None:
    page = route.fetch().json()
    for number, item in enumerate(page["items"]):
        item["fields"]["name"] = "Unabbreviatable" * 10 if number % 2 else "A name of many short words " * 10
    route.fulfill(json=page)


def test_phone_has_two_columns_and_never_scrolls_sideways(open_gallery: Callable[..., GalleryPage]) -> None:
    gallery = open_gallery(**PHONE)
    gallery.page.route("**/v1/sessions**", with_long_names)
    gallery.open()
    assert not gallery.scrolls_sideways()
    tops = gallery.products.evaluate_all("all => all.map((one) => one.getBoundingClientRect().top)")
    assert tops[0] == tops[1] < tops[2]
    for round_number in range(2, 5):
        gallery.products.nth(round_number).tap()
        gallery.ready(round_number)
        assert not gallery.scrolls_sideways()
        assert gallery.page.evaluate("scrollY") == 0
    expect(gallery.liked).to_have_count(3)
    gallery.undo.tap()
    gallery.ready(3)


@pytest.mark.parametrize("options", [{"color_scheme": "dark"}, {"reduced_motion": "reduce"}])
def test_preferences_of_the_system_change_nothing_else(
    open_gallery: Callable[..., GalleryPage], options: dict[str, str]
) -> None:
    gallery = open_gallery(**options).open()
    gallery.like(9)
    expect(gallery.liked).to_have_count(1)
    expect(gallery.products).to_have_count(10)


def fail_once(gallery: GalleryPage, path: str, fail: Callable[[Route], None]) -> None:
    gallery.failures_expected = True
    gallery.page.route(path, fail, times=1)


def answer_with(problem: dict[str, object]) -> Callable[[Route], None]:
    return lambda route: route.fulfill(
        status=int(str(problem["status"])), content_type="application/problem+json", body=json.dumps(problem)
    )


@pytest.mark.parametrize(
    ("fail", "words"),
    [
        (answer_with(BROKEN), "It broke. Wait."),
        (lambda route: route.abort(), "The shop cannot be reached. Check your connection and try again."),
        (lambda route: route.fulfill(status=502, body="<html>"), "The shop answered in a way"),
    ],
    ids=["problem document", "network", "not ours"],
)
def test_a_failure_is_told_and_retried(gallery: GalleryPage, fail: Callable[[Route], None], words: str) -> None:
    before = gallery.ids()
    fail_once(gallery, NEXT, fail)
    gallery.products.nth(4).click()
    expect(gallery.problem).to_contain_text(words)
    assert gallery.ready(1).ids() == before
    expect(gallery.problem.get_by_role("button", name="Retry")).to_be_focused()
    gallery.page.keyboard.press("Enter")
    gallery.ready(2)
    expect(gallery.problem).to_be_empty()
    expect(gallery.liked).to_have_count(1)


def test_a_failure_at_the_very_start_is_retried(open_gallery: Callable[..., GalleryPage]) -> None:
    gallery = open_gallery()
    fail_once(gallery, "**/v1/sessions", answer_with(BROKEN))
    gallery.open()
    expect(gallery.problem).to_contain_text("It broke.")
    gallery.problem.get_by_role("button", name="Retry").click()
    gallery.ready(1)
    expect(gallery.products).to_have_count(10)
    expect(gallery.page.get_by_role("heading", level=1)).to_be_focused()


@pytest.mark.parametrize(
    ("token", "words"),
    [("nonsense", "This is not a session token"), ("AAAA.AAAA", "signature does not fit")],
    ids=["malformed", "tampered"],
)
def test_a_session_the_shop_refuses_can_be_started_over(gallery: GalleryPage, token: str, words: str) -> None:
    gallery.failures_expected = True
    gallery.page.evaluate(
        """token => {
          const saved = JSON.parse(sessionStorage.vitrine);
          saved.page.session = token;
          sessionStorage.vitrine = JSON.stringify(saved);
        }""",
        token,
    )
    gallery.page.reload()
    gallery.ready(1).products.first.click()
    expect(gallery.problem).to_contain_text(words)
    gallery.ready().problem.get_by_role("button", name="Start over").click()
    expect(gallery.problem).to_be_empty()
    gallery.ready(1).like(0)
    expect(gallery.liked).to_have_count(1)


@pytest.mark.parametrize(("status", "code"), [(410, "session_expired"), (409, "session_model_changed")])
def test_a_session_that_is_over_can_be_started_over(gallery: GalleryPage, status: int, code: str) -> None:
    problem = {"status": status, "code": code, "detail": "It is over.", "remedy": "Start a new session."}
    gallery.like(0)
    fail_once(gallery, "**/v1/sessions/undo", answer_with(problem))
    gallery.undo.click()
    expect(gallery.problem).to_contain_text("It is over. Start a new session.")
    gallery.ready().problem.get_by_role("button", name="Start over").click()
    gallery.ready(1)
    expect(gallery.liked).to_have_count(0)


def test_a_photo_that_does_not_load_leaves_a_product_that_works(open_gallery: Callable[..., GalleryPage]) -> None:
    gallery = open_gallery()
    gallery.failures_expected = True
    gallery.page.route("**/photos/**", lambda route: route.abort())
    gallery.open()
    expect(gallery.page.locator("#grid .broken")).to_have_count(10)
    gallery.like(0)
    expect(gallery.liked).to_have_count(1)


def test_page_policy_allows_nothing_inline(open_gallery: Callable[..., GalleryPage], live_server: str) -> None:
    response = open_gallery().page.goto(live_server)
    assert response is not None
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy


def test_static_files_are_small_and_all_served() -> None:
    files = {path.name: path.stat().st_size for path in STATIC.iterdir()}
    assert files.keys() == {"gallery.html", *STATIC_FILES}
    assert sum(files.values()) < SIZE_LIMIT
