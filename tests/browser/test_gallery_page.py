"""The gallery is small, accessible, and served under a strict policy."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from playwright.sync_api import expect

from handler.api.app import STATIC, STATIC_TYPES
from tests.browser.test_gallery_session import PHONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.gallery_page import GalleryPage

SIZE_LIMIT = 72_000
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
HERE = Path(__file__).parent
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="session")
def axe() -> str:
    """The accessibility checker's source, installed on first use at the version of the lock file."""
    npm = shutil.which("npm")
    problem = None if npm else "npm is not installed, and axe-core comes from there."
    if npm and not AXE.is_file():
        install = [npm, "ci", "--ignore-scripts", "--no-fund", "--no-audit"]
        done = subprocess.run(install, cwd=HERE, capture_output=True, text=True, timeout=120, check=False)
        problem = None if done.returncode == 0 else f"npm cannot install axe-core: {done.stderr.strip()[-500:]}"
    if problem is None:
        return AXE.read_text(encoding="utf-8")
    if os.environ.get("CI") == "true":
        pytest.fail(problem)
    pytest.skip(problem)


def check(gallery: GalleryPage, axe: str) -> None:
    """No finding of axe-core's may be serious or critical, by day or by night."""
    gallery.page.evaluate(axe)
    for scheme in SCHEMES:
        gallery.page.emulate_media(color_scheme=scheme)
        found: list[dict[str, Any]] = gallery.page.evaluate("axe.run().then(({ violations }) => violations)")
        grave = [one for one in found if one["impact"] in ("serious", "critical")]
        assert [(scheme, one["id"], [node["html"] for node in one["nodes"]][:3]) for one in grave] == []


@pytest.mark.parametrize("screen", [{"viewport": {"width": 1280, "height": 860}}, PHONE], ids=["desktop", "phone"])
def test_pages_and_panels_are_accessible(
    open_gallery: Callable[..., GalleryPage], axe: str, screen: dict[str, Any]
) -> None:
    gallery = open_gallery(**{**screen, "reduced_motion": "reduce"}).open()
    gallery.tap(0)
    gallery.hold(1)
    gallery.go_on().tap(2)
    gallery.hold(3)
    check(gallery, axe)
    gallery.filters.click()
    gallery.page.locator(".chip").first.click()
    check(gallery, axe)
    gallery.page.keyboard.press("Escape")
    gallery.tune.click()
    check(gallery, axe)
    gallery.page.keyboard.press("Escape")
    gallery.failures_expected = True
    gallery.page.route("**/v1/sessions/next", lambda route: route.abort(), times=1)
    gallery.next.click()
    expect(gallery.problem).to_be_visible()
    check(gallery, axe)
    gallery.page.route(
        "**/v1/sessions/next",
        lambda route: route.fulfill(json={**route.fetch().json(), "items": [], "remaining": 0}),
    )
    gallery.problem.get_by_role("button", name="Retry").click()
    expect(gallery.heading).not_to_have_text("What catches your eye?")
    check(gallery.ready(), axe)


def test_page_policy_allows_nothing_inline(open_gallery: Callable[..., GalleryPage], live_server: str) -> None:
    response = open_gallery().page.goto(live_server)
    assert response is not None
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy


def test_static_files_are_small_and_all_served() -> None:
    """The gallery's own; what /docs loads is in a directory of its own."""
    files = {path.name: path.stat().st_size for path in STATIC.iterdir() if path.is_file()}
    assert {name for name in files if Path(name).suffix not in STATIC_TYPES} == {"gallery.html"}
    assert sum(files.values()) < SIZE_LIMIT
