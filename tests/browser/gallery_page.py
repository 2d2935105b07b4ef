"""What a shopper sees and does, in words that the tests use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Locator, Page, Request


class GalleryPage:
    """One tab with the gallery in it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.complaints: list[str] = []
        """Errors logged, broken policies and requests to other origins."""
        self.failures_expected = False
        """Chromium logs an error for every failed request; some tests want requests to fail."""
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._watch)
        self.products = page.locator("#grid .product")
        self.liked = page.locator("#liked li")
        self.progress = page.locator("#progress")
        self.problem = page.locator("#problem")
        self.undo = page.get_by_role("button", name="Undo")
        self.none = page.get_by_role("button", name="None of these")
        self.restart = page.locator("#restart")

    def open(self) -> Self:
        self.page.goto(self.address)
        return self.ready()

    def ready(self, round_number: int | None = None) -> Self:
        """Wait until the page takes the next tap."""
        if round_number is not None:
            expect(self.progress).to_contain_text(f"Round {round_number} ")
        expect(self.page.locator("#grid")).to_have_attribute("aria-busy", "false")
        return self

    def ids(self) -> list[str]:
        return [str(value) for value in self.products.evaluate_all("all => all.map((one) => one.dataset.id)")]

    def badges(self) -> list[str]:
        return self.page.locator("#grid .badge").all_inner_texts()

    def like(self, number: int) -> str:
        """Tap a product, wait for the next page, and tell what was tapped."""
        product = self.products.nth(number)
        name = product.locator(".name").inner_text()
        before = self.ids()
        product.click()
        expect(self.page.locator(f"#grid [data-id='{before[0]}']")).to_have_count(0)
        self.ready()
        return name

    def focused(self) -> Locator:
        return self.page.locator(":focus")

    def scrolls_sideways(self) -> bool:
        # A phone widens its viewport to what overflows, so only the screen's own width is a measure.
        assert self.page.viewport_size is not None
        return bool(self.page.evaluate("document.documentElement.scrollWidth") > self.page.viewport_size["width"])

    def _listen(self, message: ConsoleMessage) -> None:
        failed_request = message.text.startswith("Failed to load resource")
        if message.type in ("error", "warning") and not (failed_request and self.failures_expected):
            self.complaints.append(message.text)

    def _watch(self, request: Request) -> None:
        if not request.url.startswith((f"{self.address}/", "data:")):
            self.complaints.append(f"asked {request.url}")
