"""Every failure is shown in plain words, with a button for its remedy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Route

    from tests.browser.gallery_page import GalleryPage

NEXT = "**/v1/sessions/next"
UNDO = "**/v1/sessions/undo"
BROKEN = {"status": 500, "title": "Internal Server Error", "detail": "It broke.", "remedy": "Wait.", "code": "internal"}


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
        (answer_with({**BROKEN, "status": 429, "detail": "Too many.", "remedy": ""}), "Too many."),
    ],
    ids=["problem document", "network", "not ours", "throttled"],
)
def test_a_failure_is_shown_and_can_be_retried(gallery: GalleryPage, fail: Callable[[Route], None], words: str) -> None:
    before = gallery.ids()
    fail_once(gallery, NEXT, fail)
    gallery.tap(4)
    gallery.next.click()
    expect(gallery.problem).to_contain_text(words)
    assert gallery.ready(1).ids() == before
    assert gallery.marked("liked") == [before[4]]
    expect(gallery.problem.get_by_role("button", name="Retry")).to_be_focused()
    gallery.page.keyboard.press("Enter")
    gallery.ready(2)
    expect(gallery.problem).to_be_empty()
    expect(gallery.liked).to_have_count(1)


def test_offline_is_shown_and_recovers_automatically(gallery: GalleryPage) -> None:
    gallery.failures_expected = True
    gallery.tap(0)
    gallery.page.context.set_offline(True)
    gallery.next.click()
    expect(gallery.problem).to_contain_text("You are offline.")
    gallery.page.context.set_offline(False)
    gallery.ready(2)
    expect(gallery.problem).to_be_empty()
    expect(gallery.liked).to_have_count(1)


def test_a_failure_at_the_very_start_is_retried(open_gallery: Callable[..., GalleryPage]) -> None:
    gallery = open_gallery()
    fail_once(gallery, "**/v1/sessions", answer_with(BROKEN))
    gallery.open()
    expect(gallery.problem).to_contain_text("It broke.")
    expect(gallery.page.locator(".skeleton")).to_have_count(10)
    gallery.problem.get_by_role("button", name="Retry").click()
    gallery.ready(1)
    expect(gallery.products).to_have_count(10)
    expect(gallery.heading).to_be_focused()


@pytest.mark.parametrize(
    ("token", "words"),
    [("nonsense", "This is not a session token"), ("AAAA.AAAA", "has an invalid signature")],
    ids=["malformed", "tampered"],
)
def test_a_link_that_the_shop_refuses_leads_to_a_new_session(
    open_gallery: Callable[..., GalleryPage], token: str, words: str
) -> None:
    gallery = open_gallery()
    gallery.failures_expected = True
    gallery.open(f"#s={token}")
    expect(gallery.problem).to_contain_text(words)
    gallery.problem.get_by_role("button", name="Start over").click()
    gallery.ready(1).like(0)
    expect(gallery.problem).to_be_empty()
    expect(gallery.liked).to_have_count(1)


@pytest.mark.parametrize(("status", "code"), [(410, "session_expired"), (409, "session_model_changed")])
def test_a_session_that_is_over_can_be_started_over(gallery: GalleryPage, status: int, code: str) -> None:
    problem = {"status": status, "code": code, "detail": "It is over.", "remedy": "Start a new session."}
    gallery.like(0)
    fail_once(gallery, UNDO, answer_with(problem))
    gallery.undo.click()
    expect(gallery.problem).to_contain_text("It is over. Start a new session.")
    gallery.ready().problem.get_by_role("button", name="Start over").click()
    gallery.ready(1)
    expect(gallery.liked).to_have_count(0)


@pytest.mark.parametrize(("left", "words"), [(9, "products has left the shop."), (0, "That page is gone.")])
def test_undo_reports_products_that_have_left_the_shop(gallery: GalleryPage, left: int, words: str) -> None:
    def after_an_index(route: Route) -> None:
        page = route.fetch().json()
        route.fulfill(json={**page, "items": page["items"][:left]})

    gallery.like(0)
    gallery.page.route(UNDO, after_an_index)
    gallery.undo.click()
    expect(gallery.page.get_by_role("status")).to_contain_text(words)
    expect(gallery.products).to_have_count(left)
    gallery.ready().next.click()
    gallery.ready(2)
    expect(gallery.products).to_have_count(10)


def test_a_photo_that_does_not_load_leaves_a_product_that_works(open_gallery: Callable[..., GalleryPage]) -> None:
    gallery = open_gallery()
    gallery.failures_expected = True
    gallery.page.route("**/photos/**", lambda route: route.abort())
    gallery.open()
    expect(gallery.page.locator("#grid .broken")).to_have_count(10)
    gallery.like(0)
    expect(gallery.liked).to_have_count(1)


def test_a_shop_that_does_not_describe_itself_works_without_filters(open_gallery: Callable[..., GalleryPage]) -> None:
    gallery = open_gallery()
    fail_once(gallery, "**/v1/bundle", answer_with(BROKEN))
    gallery.open()
    expect(gallery.filters).to_be_hidden()
    gallery.like(0)
    expect(gallery.filters).to_be_visible()
