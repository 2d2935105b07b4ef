"""The shop changes its catalog while shoppers are looking: labels stay, sessions go on, nothing comes twice."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from handler.open_bundle import OpenBundle
from handler.pages import continue_session, show_page, start_session, undo
from handler.runtime import Runtime
from handler.schemas import NextPage, ShowPage, StartSession, Undo
from handler.settings import Settings
from handler.stores.store import DirectoryStore
from tests.conftest import KEY, draw_photos, run_index

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from export.index_catalog import IndexReport


@dataclass
class Shop:
    """A store of its own, and photos of which any part can be indexed into it."""

    photos: Path
    bundles: Path
    encoder: Path

    def index(self, keep: Callable[[str], bool]) -> IndexReport:
        """Publish the products whose id passes."""
        lines = (self.photos / "catalog.jsonl").read_text().splitlines()
        part = self.photos / "part.jsonl"
        part.write_text("\n".join(line for line in lines if keep(json.loads(line)["id"])))
        return run_index(part, self.bundles, self.encoder)

    def open(self) -> OpenBundle:
        store = DirectoryStore(self.bundles)
        return OpenBundle(store, store.current().version)

    def labels(self, ids: Collection[str]) -> dict[str, int]:
        return self.open().catalog.labels_of(ids)

    def runtime(self, refresh_seconds: float = 0) -> Runtime:
        return Runtime(Settings(bundles=str(self.bundles), signing_keys=(KEY,), refresh_seconds=refresh_seconds))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory, encoder_directory: Path) -> Shop:
    """24 products in four colours, blue ones not yet in the shop."""
    folder = tmp_path_factory.mktemp("shop")
    shop = Shop(draw_photos(folder / "photos", per_colour=6), folder / "bundles", encoder_directory)
    shop.index(lambda name: not name.startswith("blue"))
    return shop


@pytest.fixture
def shop(drawn: Shop, tmp_path: Path) -> Shop:
    return Shop(drawn.photos, shutil.copytree(drawn.bundles, tmp_path / "bundles"), drawn.encoder)


ALL = [f"{colour}-{number:02}" for colour in ("red", "green", "sand") for number in range(6)]


def test_labels_stay_are_never_reused_and_come_back_with_their_product(shop: Shop) -> None:
    before = shop.labels(ALL)
    assert sorted(before.values()) == list(range(18))
    report = shop.index(lambda name: not name.startswith("red"))  # red leaves, blue comes
    assert (report.new, report.removed, report.embedded) == (6, 6, 6)
    during = shop.labels([*ALL, *(f"blue-{number:02}" for number in range(6))])
    assert {name: during[name] for name in ALL} == before
    assert sorted(during[f"blue-{number:02}"] for number in range(6)) == list(range(18, 24))
    assert shop.open().catalog.by_id("red-00") is None
    assert not set(shop.open().index.everything.labels.tolist()) & {before[f"red-{number:02}"] for number in range(6)}
    shop.index(lambda _: True)
    after = shop.labels([*ALL, "blue-00"])
    assert {name: after[name] for name in ALL} == before
    assert after["blue-00"] == during["blue-00"]
    assert shop.open().manifest.catalog.next_label == 24


def test_vectors_stay_with_their_labels(shop: Shop) -> None:
    before, labels = shop.open(), shop.labels(ALL)
    shop.index(lambda name: name != "red-00")
    kept = [labels[name] for name in ALL if name != "red-00"]
    after = shop.open().index.vectors(kept)
    np.testing.assert_array_equal(after[1], before.index.vectors(kept)[1])


def test_indexing_the_same_again_publishes_nothing(shop: Shop) -> None:
    before = DirectoryStore(shop.bundles).current()
    report = shop.index(lambda name: not name.startswith("blue"))
    assert (report.published, report.embedded, report.new, report.removed) == (False, 0, 0, 0)
    assert DirectoryStore(shop.bundles).current() == before


def test_a_session_goes_on_across_a_reindex_and_shows_nothing_twice(shop: Shop) -> None:
    runtime = shop.runtime()
    page = start_session(runtime.serving(), StartSession(count=8, seed="s"))
    seen = {item["id"] for item in page["items"]}
    gone = {item["id"] for item in page["items"][:3]} | {"green-05"}
    shop.index(lambda name: name not in gone)
    # Answering with a product that left a moment ago is no error.
    request = NextPage(
        session=page["session"], liked=[page["items"][0]["id"], page["items"][4]["id"]], count=8, similar=4
    )
    page = continue_session(runtime.serving(), request)
    shown = [item["id"] for item in page["items"]]
    assert len(shown) == 8
    assert not set(shown) & (seen | gone)
    seen |= set(shown)
    shop.index(lambda _: True)  # all are back, and what was seen still is
    while page["remaining"]:
        page = continue_session(runtime.serving(), NextPage(session=page["session"], count=5))
        shown = [item["id"] for item in page["items"]]
        assert not set(shown) & seen
        seen |= set(shown)
    assert len(seen) == 24


def test_what_was_liked_counts_when_it_has_left(shop: Shop) -> None:
    """The token remembers what it looked like, to a quantization's accuracy."""
    runtime = shop.runtime()
    old = runtime.bundle()
    page = start_session(runtime.serving()._replace(bundle=old), StartSession(count=6, seed="t"))
    liked = page["items"][0]["id"]
    page = continue_session(
        runtime.serving()._replace(bundle=old), NextPage(session=page["session"], liked=[liked], count=4, similar=4)
    )
    shop.index(lambda name: name != liked)
    new = runtime.bundle()
    assert new.version != old.version
    state = runtime.serving().read_session(page["session"])
    assert state.preference is not None
    vector = old.index.vectors([old.catalog.labels_of([liked])[liked]])[1][0]
    assert float(vector @ state.preference.mean) > 0.99
    nearest = new.index.nearest(vector, 3, excluded=state.shown)
    after = continue_session(
        runtime.serving()._replace(bundle=new), NextPage(session=page["session"], count=4, similar=3)
    )
    wanted = {product.id for product in new.catalog.by_labels([neighbor.label for neighbor in nearest]).values()}
    assert len({item["id"] for item in after["items"] if item["reason"] == "similar"} & wanted) >= 2
    assert all(item["because"] == [] for item in after["items"])


def test_a_page_shown_again_leaves_out_what_is_gone(shop: Shop) -> None:
    runtime = shop.runtime()
    first = start_session(runtime.serving(), StartSession(count=5, seed="u"))
    shop.index(lambda name: name != first["items"][0]["id"])
    again = show_page(runtime.serving(), ShowPage(session=first["session"]))
    assert [item["id"] for item in again["items"]] == [item["id"] for item in first["items"][1:]]


def test_undo_leaves_out_what_is_gone(shop: Shop) -> None:
    runtime = shop.runtime()
    first = start_session(runtime.serving(), StartSession(count=5, seed="u"))
    second = continue_session(runtime.serving(), NextPage(session=first["session"], liked=[first["items"][0]["id"]]))
    shop.index(lambda name: name != first["items"][0]["id"])
    back = undo(runtime.serving(), Undo(session=second["session"]))
    assert [item["id"] for item in back["items"]] == [item["id"] for item in first["items"][1:]]
