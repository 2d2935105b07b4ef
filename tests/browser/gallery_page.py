"""The gallery through a shopper's eyes and hands: locators and actions for the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Locator, Page, Request

HOLD_MS = 600


class GalleryPage:
    """One tab with the gallery in it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.complaints: list[str] = []
        """Errors logged, broken policies and requests to other origins."""
        self.asked: list[tuple[str, Any]] = []
        """Path and body of every request to the API that has one."""
        self.failures_expected = False
        """Chromium logs an error for every failed request; some tests want requests to fail."""
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._watch)
        self.cards = page.locator("#grid .card")
        self.products = page.locator("#grid .product")
        self.liked = page.locator("#liked li")
        self.progress = page.locator("#progress")
        self.problem = page.locator("#problem")
        self.heading = page.get_by_role("heading", level=1)
        self.undo = page.get_by_role("button", name="Undo")
        self.next = page.locator("#next")
        self.restart = page.get_by_role("button", name="Start over").first
        self.filters = page.locator("#filters > summary")
        self.words = page.get_by_role("searchbox", name="Search with words")
        self.tune = page.locator("#tune > summary")

    def open(self, fragment: str = "") -> Self:
        self.page.goto(self.address + fragment)
        return self.ready()

    def ready(self, round_number: int | None = None) -> Self:
        """Wait until the page takes the next tap."""
        if round_number is not None:
            expect(self.progress).to_contain_text(f"Round {round_number} ")
        expect(self.page.locator("#grid")).to_have_attribute("aria-busy", "false")
        return self

    def ids(self) -> list[str]:
        return [str(value) for value in self.cards.evaluate_all("all => all.map((one) => one.dataset.id)")]

    def badges(self) -> list[str]:
        return self.page.locator("#grid .badge").all_inner_texts()

    def marked(self, mark: str) -> list[str]:
        """Ids of the products on the page that are `liked` or `disliked`."""
        marked = self.page.locator(f"#grid .is-{mark}")
        return [str(value) for value in marked.evaluate_all("all => all.map((one) => one.dataset.id)")]

    def tap(self, number: int) -> str:
        """Like a product, and return its name."""
        product = self.products.nth(number)
        product.click()
        return product.locator(".name").inner_text()

    def hold(self, number: int) -> None:
        """Press a product long enough to refuse it."""
        self.products.nth(number).click(delay=HOLD_MS)

    def go_on(self) -> Self:
        """Press Next, and wait for the next page."""
        before = self.ids()
        self.next.click()
        expect(self.page.locator(f"#grid [data-id='{before[0]}']")).to_have_count(0)
        return self.ready()

    def search(self, text: str) -> Self:
        """Search for a text, and wait for its results."""
        before = self.ids()
        self.words.fill(text)
        self.words.press("Enter")
        expect(self.page.locator(f"#grid [data-id='{before[0]}']")).to_have_count(0)
        return self.ready()

    def like(self, *numbers: int) -> list[str]:
        """Like products, press Next, and return their names."""
        names = [self.tap(number) for number in numbers]
        self.go_on()
        return names

    def focused(self) -> Locator:
        return self.page.locator(":focus")

    def tab_to(self, target: Locator, limit: int = 40) -> None:
        """Reach an element with the Tab key alone."""
        for _ in range(limit):
            self.page.keyboard.press("Tab")
            if target.evaluate("element => element === document.activeElement"):
                return
        raise AssertionError(f"{limit} presses of Tab do not lead to {target}")

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
        if request.method == "POST" and "json" in request.headers.get("content-type", ""):
            self.asked.append((request.url.removeprefix(f"{self.address}/v1/"), request.post_data_json))
