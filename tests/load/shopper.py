"""Shoppers for locust: one plays sessions, the other searches with photos. `run_load` starts them."""

from __future__ import annotations

import io
import random
from typing import Any

from locust import HttpUser, constant, task
from PIL import Image

ROUNDS = 10
PAUSE_SECONDS = 0.05
PHOTO_SIDE = 1_500
BUSY = 429


class Shopper(HttpUser):
    """Ten rounds, then a new session. A product that comes twice is a failure."""

    wait_time = constant(PAUSE_SECONDS)
    weight = 10

    @task
    def play(self) -> None:
        page = self._page("/v1/sessions", {}, set())
        seen: set[str] = set()
        for _ in range(ROUNDS):
            if page is None:
                return
            ids = [item["id"] for item in page["items"]]
            seen |= {*ids}
            liked = random.sample(ids, min(2, len(ids)))
            page = self._page("/v1/sessions/next", {"session": page["session"], "liked": liked}, seen)
            self.wait()

    def _page(self, path: str, body: dict[str, Any], seen: set[str]) -> dict[str, Any] | None:
        with self.client.post(path, json=body, name="page", catch_response=True) as answer:
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code}: {answer.text[:200]}")
                return None
            page: dict[str, Any] = answer.json()
            if seen & {item["id"] for item in page["items"]}:
                answer.failure("a product came twice")
            return page


class Photographer(HttpUser):
    """Searches with one large photo after the other. 429 with Retry-After is an answer, not a failure."""

    wait_time = constant(PAUSE_SECONDS)
    weight = 1

    def on_start(self) -> None:
        buffer = io.BytesIO()
        Image.effect_noise((PHOTO_SIDE, PHOTO_SIDE), 60).convert("RGB").save(buffer, "JPEG")
        self.photo = buffer.getvalue()

    @task
    def search(self) -> None:
        files = {"image": ("photo.jpg", self.photo, "image/jpeg")}
        with self.client.post("/v1/search/image", files=files, name="photo", catch_response=True) as answer:
            if answer.status_code == BUSY and "Retry-After" in answer.headers:
                answer.request_meta["name"] = "photo refused"
                answer.success()
            elif answer.status_code != 200:
                answer.failure(f"{answer.status_code}: {answer.text[:200]}")
