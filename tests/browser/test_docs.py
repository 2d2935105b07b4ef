"""/docs in a real browser: from this server alone, under its content security policy, and able to try a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route


def watched(page: Page, origin: str) -> list[str]:
    """The page's complaints. Requests to other origins are refused, as on a machine without a network."""
    complaints: list[str] = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def offline(route: Route) -> None:
        if route.request.url.startswith((origin, "data:")):
            route.continue_()
        else:
            complaints.append(route.request.url)
            route.abort()

    page.route("**/*", offline)
    return complaints


def test_the_reference_is_shown_offline_and_sends_a_request(browser: Browser, live_server: str) -> None:
    context = browser.new_context(locale="en-US")
    context.set_default_timeout(20_000)
    page = context.new_page()
    complaints = watched(page, live_server)
    response = page.goto(f"{live_server}/docs")
    assert response is not None
    policy = response.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    expect(page.get_by_text("A session is a token in the body")).to_be_visible()
    expect(page.get_by_text("session_malformed").first).to_be_visible()
    health = page.locator("#operations-default-health")
    health.locator(".opblock-summary-control").click()
    health.get_by_role("button", name="Try it out").click()
    health.get_by_role("button", name="Execute").click()
    expect(health.locator(".live-responses-table")).to_contain_text('"status": "ok"')
    context.close()
    assert complaints == []
