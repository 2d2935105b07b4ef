"""One label, one product: through rollbacks, races of publishers and copies between stores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from rich.progress import Progress

from export.bundle.publish_bundle import copy_bundle
from export.bundle.update_bundle import read_base
from export.index_catalog import index_catalog
from export.photos.read_catalog import read_catalog
from export.store import known_labels
from export.store.move_pointer import high_water
from export.store.prune import Waste, delete
from export.store.rollback import roll_back
from export.store.versions import list_versions
from handler.errors import BundleCorrupt, BundleNotFound, PublishConflict
from handler.manifest import CURRENT_KEY, MANIFEST_FILE, bundle_key
from handler.open_bundle import OpenBundle
from handler.stores.file_cache import FileCache
from handler.stores.pointer import Current
from handler.stores.s3_store import S3Store
from handler.stores.store import DirectoryStore
from tests.export.support import draw, draw_all
from tests.s3_servers import new_bucket, use

if TYPE_CHECKING:
    from pathlib import Path

    from handler.stores.pointer import Pointer
    from handler.stores.store import BundleStore, Stored


@dataclass
class Shop:
    """A store with a bundle of the photos 0 to 4."""

    store: BundleStore
    folder: Path
    encoder: Path

    def index(self, *numbers: int, store: BundleStore | None = None) -> str:
        """Publish a catalog of these photos; returns the version."""
        name = "-".join(map(str, numbers))
        photos = draw_all(self.folder / name, range(0))
        for number in numbers:
            draw(photos / f"{number:03}.png", number)
        cache = self.folder / "cache.sqlite"
        report = index_catalog(read_catalog(photos), store or self.store, self.encoder, cache, Progress(disable=True))
        return report.version

    def labels(self) -> dict[str, int]:
        """Labels of the current bundle's products."""
        pointer, manifest = read_base(self.store)
        return dict(known_labels.known_labels(self.store, pointer, manifest).current)


@pytest.fixture(params=["directory", "seaweed"])
def shop(
    request: pytest.FixtureRequest, tmp_path: Path, encoder_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> Shop:
    if request.param == "directory":
        store: BundleStore = DirectoryStore(tmp_path / "store")
    else:
        bucket = new_bucket(use(request.getfixturevalue("seaweed_endpoint"), monkeypatch))
        store = S3Store(f"s3://{bucket}/shop", FileCache(tmp_path / "cache"))
    made = Shop(store, tmp_path, encoder_directory)
    made.index(*range(5))
    return made


def test_a_publisher_whose_base_came_back_is_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it builds on A, B is published, shown to shoppers and rolled back to A: label 5 is taken."""
    first = shop.store.current().version
    put = type(shop.store).put

    def overtaken(store: BundleStore, key: str, source: Path) -> None:
        monkeypatch.setattr(type(shop.store), "put", put)
        shop.index(*range(5), 50)
        roll_back(shop.store, first)
        put(store, key, source)

    monkeypatch.setattr(type(shop.store), "put", overtaken)
    with pytest.raises(PublishConflict, match="another publisher was first"):
        shop.index(*range(5), 60)
    assert shop.store.current().version == first
    assert [version.problem for version in list_versions(shop.store)].count("never finished") == 1
    shop.index(*range(5), 60)
    assert shop.labels()["060"] == 6
    shop.index(*range(5), 50, 60)
    assert shop.labels()["050"] == 5


def test_publish_refuses_labels_of_a_bundle_that_was_rolled_back(shop: Shop, tmp_path: Path) -> None:
    home = DirectoryStore(tmp_path / "home")
    copy_bundle(shop.store, home)
    first = shop.store.current().version
    shop.index(*range(5), 50)
    roll_back(shop.store, first)
    shop.index(*range(5), 60, store=home)
    with pytest.raises(PublishConflict, match=r"'060' has label 5 .* that is the label of '050'.*vitrine index PHOTOS"):
        copy_bundle(home, shop.store)
    assert shop.store.current().version == first


def test_publish_refuses_labels_that_a_pruned_bundle_used(shop: Shop, tmp_path: Path) -> None:
    home = DirectoryStore(tmp_path / "home")
    copy_bundle(shop.store, home)
    first = shop.store.current().version
    gone = shop.index(*range(5), 50)
    roll_back(shop.store, first)
    for file in shop.store.files(f"bundles/{gone}/"):
        shop.store.delete(file)
    shop.index(*range(5), 60, store=home)
    with pytest.raises(PublishConflict, match="an earlier bundle used that label"):
        copy_bundle(home, shop.store)
    shop.index(*range(5), 60)
    assert shop.labels()["060"] == 6


def test_a_bundle_that_lost_cannot_become_current_later(shop: Shop, tmp_path: Path) -> None:
    """Its labels are those of other products in the bundle that won."""
    rival = DirectoryStore(tmp_path / "rival")
    copy_bundle(shop.store, rival)
    lost = shop.index(*range(5), 50, store=rival)
    won = shop.index(*range(5), 60)
    for file in rival.files(f"bundles/{lost}/"):
        shop.store.put(file.key, rival.root / file.key)
    with pytest.raises(PublishConflict, match=f"{lost} was never current: label 5 is '050' there and '060' in {won}"):
        roll_back(shop.store, lost)
    assert shop.store.current().version == won


def test_the_mark_never_falls(shop: Shop) -> None:
    first = shop.store.current().version
    marks = [high_water(shop.store, shop.store.current())]
    for step in (
        lambda: shop.index(0, 1, 50, 51),
        lambda: roll_back(shop.store, first),
        lambda: shop.index(3),
        lambda: shop.index(3, 50, 70),
    ):
        step()
        marks.append(high_water(shop.store, shop.store.current()))
    assert marks == [5, 7, 7, 7, 8]
    assert shop.labels() == {"003": 3, "050": 5, "070": 7}


def test_an_undisturbed_publish_reads_no_other_manifest(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.index(*range(6))
    current = shop.store.current().version
    read = type(shop.store).read

    def checked(store: BundleStore, key: str) -> bytes:
        assert not key.endswith(MANIFEST_FILE) or current in key, f"read {key}"
        return read(store, key)

    with monkeypatch.context() as patch:
        patch.setattr(type(shop.store), "read", checked)
        shop.index(*range(7))
    assert shop.labels()["006"] == 6


def test_a_store_of_the_first_release_gets_a_mark_from_its_manifests(shop: Shop) -> None:
    first = shop.store.current().version
    shop.index(*range(5), 50)
    pointer = shop.store.current()
    shop.store.point(Current(version=first), pointer.etag)
    shop.index(*range(5), 60)
    assert shop.labels()["060"] == 6
    assert shop.store.current().current.next_label == 7


def test_a_manifest_that_the_pointer_does_not_name_is_no_base(tmp_path: Path, encoder_directory: Path) -> None:
    shop = Shop(DirectoryStore(tmp_path / "store"), tmp_path, encoder_directory)
    shop.index(*range(5))
    store = DirectoryStore(tmp_path / "store")
    path = store.root / bundle_key(store.current().version, MANIFEST_FILE)
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(BundleCorrupt, match=f"{CURRENT_KEY} names"):
        shop.index(*range(6))


@pytest.mark.parametrize("first", ["prune", "rollback"])
def test_a_rollback_and_a_prune_of_its_bundle_at_once_leave_a_whole_bundle(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    """Each comes just before the other's decisive write, and has checked all that it could before."""
    old = shop.store.current().version
    new = shop.index(*range(6))
    kind = type(shop.store)
    remove, point = kind.delete, kind.point

    def prune() -> None:
        files = tuple(shop.store.files(f"bundles/{old}/"))
        delete(shop.store, [Waste(f"bundle {old}", "not among the newest", files)], new)

    def rolled_back_before(store: BundleStore, stored: Stored) -> None:
        monkeypatch.setattr(kind, "delete", remove)
        roll_back(shop.store, old)
        remove(store, stored)

    def pruned_before(store: BundleStore, current: Current, etag: str | None) -> Pointer:
        monkeypatch.setattr(kind, "point", point)
        prune()
        return point(store, current, etag)

    if first == "prune":
        monkeypatch.setattr(kind, "point", pruned_before)
        with pytest.raises(BundleNotFound, match=old):
            roll_back(shop.store, old)
        assert shop.store.current().version == new
    else:
        monkeypatch.setattr(kind, "delete", rolled_back_before)
        with pytest.raises(PublishConflict, match="was rolled back to a bundle that was about to be deleted"):
            prune()
        assert shop.store.current().version == old
    current = shop.store.current().current
    OpenBundle(shop.store, current.version, current.manifest_sha256).load()
