"""Filters from the catalog's own fields, and how pages are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Route

    from tests.browser.gallery_page import GalleryPage


def chip(gallery: GalleryPage, label: str) -> Locator:
    return gallery.page.locator(".chip", has_text=label)


def colors(gallery: GalleryPage) -> set[str]:
    return {product.rsplit("-", 1)[0] for product in gallery.ids()}


def describe_with(**changes: Any) -> Callable[[Route], None]:
    return lambda route: route.fulfill(json={**route.fetch().json(), **changes})


def test_filters_are_made_from_the_catalog_and_hold_from_the_next_page_on(gallery: GalleryPage) -> None:
    gallery.filters.click()
    groups = gallery.page.locator("#filters fieldset")
    # `name` has a value for each product: no filter.
    assert groups.locator("legend").all_inner_texts() == ["In stock", "Price", "Colour"]
    chip(gallery, "Red").click()
    chip(gallery, "Sand").click()
    gallery.page.get_by_label("to", exact=True).fill("20")
    gallery.page.get_by_label("from").fill("12")
    chip(gallery, "In stock only").click()
    expect(gallery.page.locator("#filter-count")).to_have_text("3")
    expect(gallery.next).to_contain_text("10 others that fit")
    gallery.page.get_by_role("button", name="Show what fits").click()
    gallery.ready(2)
    expect(gallery.page.locator("#filters")).not_to_have_attribute("open", "")
    wanted = {"colour": ["red", "sand"], "in_stock": True, "price": {"gte": 12, "lte": 20}}
    assert gallery.asked[-1][1]["filter"] == wanted
    assert colors(gallery) <= {"red", "sand"}
    gallery.page.reload()
    gallery.ready(2)
    expect(gallery.page.locator("#filter-count")).to_have_text("3")
    gallery.filters.click()
    expect(chip(gallery, "Red").get_by_role("checkbox")).to_be_checked()
    gallery.page.get_by_role("button", name="Clear all").click()
    expect(gallery.page.locator("#filter-count")).to_be_empty()
    expect(chip(gallery, "Red").get_by_role("checkbox")).not_to_be_checked()


def test_a_reversed_range_is_put_in_order(gallery: GalleryPage) -> None:
    gallery.filters.click()
    gallery.page.get_by_label("from").fill("20")
    gallery.page.get_by_label("to", exact=True).fill("12")
    gallery.page.get_by_role("button", name="Show what fits").click()
    gallery.ready(2)
    assert gallery.asked[-1][1]["filter"] == {"price": {"gte": 12, "lte": 20}}


def test_when_nothing_more_fits_the_filters_can_be_cleared(gallery: GalleryPage) -> None:
    gallery.filters.click()
    gallery.page.get_by_label("to", exact=True).fill("1")
    gallery.page.get_by_role("button", name="Show what fits").click()
    expect(gallery.heading).to_have_text("Nothing more fits your filters.")
    gallery.ready().next.click()
    gallery.ready()
    expect(gallery.products).to_have_count(10)
    expect(gallery.page.locator("#filter-count")).to_be_empty()


def test_a_filter_without_matches_leaves_other_filters_alone(gallery: GalleryPage) -> None:
    gallery.filters.click()
    gallery.page.get_by_label("to", exact=True).fill("1")
    gallery.page.get_by_role("button", name="Show what fits").click()
    expect(gallery.heading).to_have_text("Nothing more fits your filters.")
    gallery.ready().filters.click()
    gallery.page.get_by_role("button", name="Clear all").click()
    gallery.page.keyboard.press("Escape")
    expect(gallery.next).to_contain_text("and continue")
    gallery.next.click()
    expect(gallery.products).to_have_count(10)
    assert "filter" not in gallery.asked[-1][1]


def test_filters_that_a_shop_no_longer_has_are_dropped(gallery: GalleryPage) -> None:
    gallery.filters.click()
    chip(gallery, "Red").click()
    gallery.page.route("**/v1/bundle", describe_with(fields=[]))
    gallery.page.reload()
    expect(gallery.page.locator("#filter-count")).to_be_empty()
    expect(gallery.filters).to_be_hidden()
    gallery.ready(1).go_on()
    assert "filter" not in gallery.asked[-1][1]


def test_the_shopper_sets_how_much_of_a_page_follows_taste(gallery: GalleryPage) -> None:
    gallery.tune.click()
    slider = gallery.page.get_by_role("slider", name="On every page")
    slider.fill("8")
    expect(slider).to_have_attribute("aria-valuetext", "8 to your taste, 2 others")
    gallery.page.keyboard.press("Escape")
    gallery.tap(0)
    expect(gallery.next).to_contain_text("8 to your taste · 2 new")
    gallery.go_on()
    assert gallery.badges() == ["For you"] * 8 + ["Surprise"] * 2


def test_only_supported_options_are_offered(open_gallery: Callable[..., GalleryPage]) -> None:
    gallery = open_gallery()
    gallery.page.route("**/v1/bundle", describe_with(strategies=["bayes", "mean"], options=["diverse"]))
    gallery.page.route(
        "**/v1/sessions/next", lambda route: route.fulfill(json={"items": [], "remaining": 0, "round": 2})
    )
    gallery.open().tune.click()
    gallery.page.get_by_label("Follow my taste by").select_option(label="Find the one I have in mind")
    gallery.page.get_by_role("switch", name="More varied pages").check()
    gallery.next.click()
    expect(gallery.heading).to_have_text("That was everything.")
    body = gallery.asked[-1][1]
    assert (body["strategy"], body["diverse"], body["similar"]) == ("bayes", True, 5)


def test_products_that_explore_say_so(gallery: GalleryPage) -> None:
    def exploring(route: Route) -> None:
        page = route.fetch().json()
        page["items"][-1]["reason"] = "explore"
        route.fulfill(json=page)

    gallery.page.route("**/v1/sessions/next", exploring)
    gallery.like(0)
    assert gallery.badges() == ["For you"] * 5 + ["Surprise"] * 4 + ["Exploring"]
    expect(gallery.products.last).to_have_accessible_description("Exploring")
    expect(gallery.page.locator("#hint")).to_have_text("5 close to your taste, 1 to learn it, 4 to surprise you.")


def test_nothing_is_offered_that_the_api_cannot_do(open_gallery: Callable[..., GalleryPage]) -> None:
    gallery = open_gallery()
    gallery.page.route("**/v1/bundle", describe_with(strategies=["mean"], options=[]))
    gallery.open().tune.click()
    expect(gallery.page.get_by_role("slider")).to_be_visible()
    expect(gallery.page.get_by_label("Follow my taste by")).to_be_hidden()
    expect(gallery.page.get_by_role("switch", name="More varied pages")).to_be_hidden()


def test_one_tap_can_ask_for_the_next_page(gallery: GalleryPage) -> None:
    seen = set(gallery.ids())
    gallery.tune.click()
    gallery.page.get_by_role("switch", name="Next page after one tap").check()
    gallery.page.keyboard.press("Escape")
    gallery.products.nth(2).dblclick()
    gallery.ready(2)
    gallery.page.wait_for_timeout(200)
    expect(gallery.progress).to_contain_text("Round 2 ")
    expect(gallery.liked).to_have_count(1)
    assert seen.isdisjoint(gallery.ids())
    gallery.undo.click()
    gallery.ready(1)
    expect(gallery.liked).to_have_count(0)
