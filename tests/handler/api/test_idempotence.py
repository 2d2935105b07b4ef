"""A phone on a train asks twice: the same token with the same answer gives the same page, whichever process answers."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.handler.local.test_local_server import SERVE
from tests.handler.photo_files import photo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def two(bundles: Path, photos: Path) -> Iterator[list[httpx.Client]]:  # noqa: ARG001  the photos have to be there
    """Two servers on one store, each a process of its own with its own randomness."""
    with ExitStack() as stack:
        clients = []
        for _ in range(2):
            process = subprocess.Popen([sys.executable, "-c", SERVE, str(bundles)], stdout=subprocess.PIPE, text=True)
            stack.enter_context(process)
            stack.callback(process.terminate)
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            clients.append(stack.enter_context(httpx.Client(base_url=f"{url}v1/", timeout=30)))
        yield clients


def without_token(answer: httpx.Response) -> dict[str, Any]:
    """A token carries the time of its making, so two of them may differ by a second."""
    page: dict[str, Any] = answer.raise_for_status().json()
    assert page.pop("session")
    return page


@examples(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answers=st.lists(st.sets(st.integers(0, 9), max_size=3), min_size=1, max_size=4), dislike=st.booleans())
def test_every_page_of_a_session_is_the_same_when_asked_for_again(
    two: list[httpx.Client], answers: list[set[int]], dislike: bool
) -> None:
    page = two[0].post("sessions", json={}).json()
    for places in answers:
        ids = [item["id"] for item in page["items"]]
        chosen = [ids[place] for place in sorted(places)]
        body = {"session": page["session"], "liked": chosen}
        body |= {"disliked": [one for one in ids if one not in chosen][:1]} if dislike else {}
        asked = [client.post("sessions/next", json=body) for client in (*two, two[0])]
        pages = [without_token(answer) for answer in asked]
        assert pages[0] == pages[1] == pages[2]
        page = asked[1].json()


def test_another_answer_is_another_page(two: list[httpx.Client]) -> None:
    page = two[0].post("sessions", json={}).json()
    ids = [item["id"] for item in page["items"]]
    pages = [
        without_token(two[0].post("sessions/next", json={"session": page["session"], "liked": [one], "similar": 0}))
        for one in ids[:3]
    ]
    assert len({tuple(item["id"] for item in one["items"]) for one in pages}) == 3


def test_so_does_a_photo_and_an_undo(two: list[httpx.Client]) -> None:
    token = two[1].post("sessions", json={}).json()["session"]
    sent = [
        client.post("search/image", data={"session": token}, files={"image": ("me.jpg", photo(), "image/jpeg")})
        for client in two
    ]
    assert without_token(sent[0]) == without_token(sent[1])
    undone = [client.post("sessions/undo", json={"session": sent[0].json()["session"]}) for client in two]
    assert without_token(undone[0]) == without_token(undone[1])
