"""Labels are handed out once, whatever was published, lost or rolled back in between."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from export.store.known_labels import known_labels
from export.store.versions import list_versions, read_manifest_of
from handler.errors import BundleCorrupt
from handler.manifest import CATALOG_FILE, MANIFEST_FILE, bundle_key
from handler.stores.pointer import Current
from handler.stores.store import DirectoryStore
from tests.conftest import run_index
from tests.crafted_bundles import point_to
from tests.export.support import draw, draw_all, labels_in

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def shop(tmp_path: Path, encoder_directory: Path) -> Path:
    """A folder with `photos` 0 to 4 and the store `bundles`, indexed once."""
    run_index(draw_all(tmp_path / "photos", range(5)), tmp_path / "bundles", encoder_directory)
    return tmp_path


def add(shop: Path, encoder: Path, number: int, after: str | None = None) -> str:
    """Publish with one product more, upon the version `after`; returns the new version."""
    store = DirectoryStore(shop / "bundles")
    if after:
        point_to(store, after)
    draw(shop / "photos" / f"{number:03}.png", number)
    run_index(shop / "photos", shop / "bundles", encoder)
    return store.current().version


def labels_upon(shop: Path, version: str) -> tuple[dict[str, int], dict[str, int], int]:
    store = DirectoryStore(shop / "bundles")
    before = store.current()
    known = known_labels(
        store, before if before.version == version else point_to(store, version), read_manifest_of(store, version)
    )
    return dict(known.current), dict(known.retired), known.next_label


def test_in_an_undisturbed_history_the_current_bundle_knows_all(shop: Path, encoder_directory: Path) -> None:
    latest = add(shop, encoder_directory, 5)
    current, retired, next_label = labels_upon(shop, latest)
    assert (current, retired, next_label) == ({f"{number:03}": number for number in range(6)}, {}, 6)


def test_a_bundle_left_behind_still_counts(shop: Path, encoder_directory: Path) -> None:
    first = DirectoryStore(shop / "bundles").current().version
    add(shop, encoder_directory, 5)
    _, retired, next_label = labels_upon(shop, first)
    assert (retired, next_label) == ({"005": 5}, 6)
    (shop / "photos" / "005.png").unlink()
    add(shop, encoder_directory, 6, after=first)
    assert labels_in(shop / "bundles") == ({**{f"{n:03}": n for n in range(5)}, "006": 6}, {"005": 5})


def test_a_label_that_two_publishers_gave_to_two_products_is_nobodys(shop: Path, encoder_directory: Path) -> None:
    """One of them was told of the conflict, but its bundle is still there, and looks like any other."""
    store = DirectoryStore(shop / "bundles")
    first = store.current().version
    shutil.copytree(shop / "bundles", shop / "rival" / "bundles")
    shutil.copytree(shop / "photos", shop / "rival" / "photos")
    lost = add(shop / "rival", encoder_directory, 6)
    won = add(shop, encoder_directory, 5)
    shutil.copytree(shop / "rival" / "bundles" / "bundles" / lost, shop / "bundles" / "bundles" / lost)
    assert (labels_in(shop / "bundles")[0]["005"], labels_in(shop / "rival" / "bundles")[0]["006"]) == (5, 5)
    assert labels_upon(shop, won) == ({f"{number:03}": number for number in range(6)}, {}, 6)
    _, retired, next_label = labels_upon(shop, first)
    assert (retired, next_label) == ({}, 6)


def test_without_a_mark_an_unreadable_manifest_stops_the_run(shop: Path, encoder_directory: Path) -> None:
    """It may be the one with the highest labels, and a pointer of the first release does not name them."""
    store = DirectoryStore(shop / "bundles")
    first = store.current().version
    add(shop, encoder_directory, 5)
    manifest = store.root / bundle_key(first, MANIFEST_FILE)
    manifest.write_text(json.dumps({"schema_version": 1}))
    pointer = store.current()
    store.point(Current(version=pointer.version), pointer.etag)
    with pytest.raises(BundleCorrupt, match=rf"labels that bundle {first}.*vitrine prune"):
        add(shop, encoder_directory, 6)
    store.point(pointer.current, store.current().etag)
    add(shop, encoder_directory, 7)


def test_a_version_that_was_never_finished_does_not(shop: Path, encoder_directory: Path) -> None:
    half = shop / "bundles" / bundle_key("20200101T000000Z-00000000", CATALOG_FILE)
    half.parent.mkdir()
    half.write_bytes(b"")
    add(shop, encoder_directory, 5)
    problems = {version.name: version.problem for version in list_versions(DirectoryStore(shop / "bundles"))}
    assert problems.pop("20200101T000000Z-00000000") == "never finished"
    assert list(problems.values()) == [None, None]
