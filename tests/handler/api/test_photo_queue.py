"""Photo searches are bounded before they reach a thread: pages are served however many photos arrive."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from handler.api.app import create_app
from handler.api.photo_queue import WAITING_PER_WORKER, PhotoQueue
from handler.errors import PhotoSearchBusy
from handler.photos.cores import available_cores
from handler.runtime import Runtime
from handler.settings import Settings
from tests.conftest import KEY, MILVUS
from tests.handler.photo_files import photo
from tests.live import serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

UPLOADS = 45
"""Starlette serves every other request from 40 threads."""


class Blocked:
    """An encoder that waits until it may go on, in every thread that calls it."""

    def __init__(self, vector: Any) -> None:
        self.vector = vector
        self.inside = 0
        self.most = 0
        self.go_on = threading.Event()
        self._lock = threading.Lock()

    def embed(self, *_: object) -> Any:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        assert self.go_on.wait(60)
        with self._lock:
            self.inside -= 1
        return self.vector


@pytest.fixture
def blocked(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Blocked]:
    made = Blocked(runtime.bundle().embed_photo(photo()))
    monkeypatch.setattr("handler.open_bundle.OpenBundle.embed_photo", made.embed)
    yield made
    made.go_on.set()


def run(task: Callable[[], Awaitable[Any]]) -> Any:
    """The result of `task`, in a thread: Mangum keeps an event loop in this one, which anyio would drop unclosed."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(anyio.run, task).result()


def test_more_photos_than_the_queue_holds_are_refused_and_pages_are_served_meanwhile(
    blocked: Blocked, bundles: Path
) -> None:
    """With a check for a new bundle at every request, each page needs a thread; the photos must leave it one."""
    app = create_app(Runtime(Settings(bundles=str(bundles), signing_keys=(KEY,), refresh_seconds=0, index=MILVUS)))
    app.state.photo_queue = PhotoQueue(workers=2, waiting=5)
    with serving(app) as url, ThreadPoolExecutor(UPLOADS) as pool:
        uploads = [
            pool.submit(httpx.post, f"{url}/v1/search/image", files={"image": photo()}, timeout=60)
            for _ in range(UPLOADS)
        ]
        try:
            for _ in range(5):
                assert httpx.post(f"{url}/v1/sessions", json={}, timeout=10).status_code == 200
        finally:
            while sum(one.done() for one in uploads) < UPLOADS - 7 and not blocked.go_on.wait(0.05):
                pass
            blocked.go_on.set()
        answers = [one.result() for one in uploads]
        assert Counter(one.status_code for one in answers) == {200: 7, 429: UPLOADS - 7}
        refused = next(one for one in answers if one.status_code == 429)
        assert refused.headers["retry-after"] == "2"
        problem = refused.json()
        assert (problem["code"], problem["limit"], problem["status"]) == ("photo_search_busy", 7, 429)
        assert "2 seconds" in problem["remedy"]
        assert blocked.most == 2
        again = httpx.post(f"{url}/v1/search/image", files={"image": photo()}, timeout=20)
        assert again.status_code == 200


def test_a_full_queue_refuses_before_it_reads_the_body() -> None:
    queue = PhotoQueue(workers=1, waiting=0)
    reached = []

    async def second() -> None:
        with pytest.raises(PhotoSearchBusy):
            queue.check()
        with pytest.raises(PhotoSearchBusy):
            await queue.run(reached.append, "second")

    async def both() -> None:
        done = threading.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(queue.run, done.wait, 20)
            await anyio.sleep(0.05)
            await second()
            done.set()
        await queue.run(reached.append, "third")

    run(both)
    assert reached == ["third"]


def test_one_core_stays_free_for_pages() -> None:
    queue = PhotoQueue()
    assert queue.workers == max(1, available_cores() - 1)
    assert queue.waiting == queue.workers * WAITING_PER_WORKER


def test_a_failed_photo_gives_its_slot_back() -> None:
    queue = PhotoQueue(workers=1, waiting=0)

    async def fail_and_go_on() -> str:
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await queue.run(lambda: 1 / 0)
        return await queue.run(str, "served")

    assert run(fail_and_go_on) == "served"
