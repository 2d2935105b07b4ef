"""Serving while bundles change on a disk or in a memory that cannot hold two of them, and while refreshes fail."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest
from rich.progress import Progress

from export.bench.synthetic import clustered_vectors, publish_vectors, stand_in_encoder
from export.bundle.publish_bundle import copy_bundle
from export.photos.read_catalog import CatalogRow
from handler.current_bundle import CurrentBundle
from handler.errors import BundleCorrupt
from handler.logs import configure_logging
from handler.manifest import CURRENT_KEY, INDEX_FILE, bundle_key
from handler.metrics import Metrics
from handler.open_bundle import OpenBundle
from handler.stores.file_cache import FileCache
from handler.stores.s3_store import S3Store
from handler.stores.store import DirectoryStore
from tests.crafted_bundles import overwrite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from handler.stores.pointer import Pointer

REFRESH = 30.0
DISK_MEGABYTES = 7


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def publish_synthetic(directory: Path, count: int, seed: int) -> DirectoryStore:
    """A store with a bundle of `count` made-up products: 1.7 kB of index each, with labels of their own."""
    rows = [CatalogRow(f"{seed}-{number:05}", f"{seed}/{number:05}.jpg") for number in range(count)]
    vectors = clustered_vectors(count, seed=seed)
    encoder = stand_in_encoder(directory / "encoder")
    publish_vectors(directory / "store", rows, vectors, encoder, Progress(disable=True))
    return DirectoryStore(directory / "store")


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> list[DirectoryStore]:
    """Two bundles of which the disk holds one at a time (4.4 and 4.5 MB), and one that it cannot hold (8.8 MB)."""
    return [
        publish_synthetic(tmp_path_factory.mktemp("version"), count, seed)
        for seed, count in enumerate((2_500, 2_550, 5_000))
    ]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.getuid() != 0:
        pytest.skip("mounting a small file system needs root")
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "tmpfs", str(path)],  # noqa: S607
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("file systems cannot be mounted here")
    yield path
    subprocess.run(["umount", "--lazy", str(path)], check=True)  # noqa: S607


def point(source: DirectoryStore, target: S3Store) -> str:
    """Publish over whatever is current, labels and all: this is about space."""
    target.client.delete_object(**target._at(CURRENT_KEY))
    return copy_bundle(source, target).version


def serve(current: CurrentBundle) -> tuple[str, int]:
    """The version in service, and the label it finds for the vector of label 0. Holds on to no bundle."""
    bundle = current.get()
    (query,) = bundle.index.vectors([0])[1]
    return bundle.version, bundle.index.nearest(query, 1)[0].label


def test_a_disk_with_room_for_one_bundle_still_takes_each_new_one(
    bucket: str, small_disk: Path, versions: list[DirectoryStore]
) -> None:
    store, clock = S3Store(f"s3://{bucket}/vitrine", FileCache(small_disk / "cache")), Clock()
    current = CurrentBundle(store, REFRESH, Metrics(None), clock=clock)
    for source in (versions[0], versions[1], versions[0]):
        version = point(source, store)
        clock.now += REFRESH
        assert serve(current) == (version, 0)
        assert current.stale is None


def test_a_bundle_the_disk_cannot_hold_is_tried_once_and_leaves_the_old_one_serving(
    bucket: str, small_disk: Path, versions: list[DirectoryStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, clock = S3Store(f"s3://{bucket}/vitrine", FileCache(small_disk / "cache")), Clock()
    current = CurrentBundle(store, REFRESH, Metrics(None), clock=clock)
    serving = point(versions[0], store)
    assert serve(current) == (serving, 0)
    point(versions[2], store)
    downloads = 0
    original = S3Store.fetch

    def counted(self: S3Store, key: str, expected: object) -> Path:
        nonlocal downloads
        downloads += key.endswith(INDEX_FILE)
        return original(self, key, expected)  # type: ignore[arg-type]

    monkeypatch.setattr(S3Store, "fetch", counted)
    for refresh in range(3):
        clock.now += REFRESH
        assert serve(current) == (serving, 0)
        assert current.stale == ("cache_too_small", refresh * REFRESH)
    assert downloads == 3, "beside the old one, alone, and the old one again; then never more"
    fitting = point(versions[1], store)
    clock.now += REFRESH
    assert (serve(current), current.stale) == ((fitting, 0), None)


def test_indexes_that_exceed_the_memory_are_never_loaded_together(
    versions: list[DirectoryStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive: list[int] = []
    counted = {"now": 0}
    load = OpenBundle.load

    class Counted(OpenBundle):
        def __init__(self, *arguments: object, **options: bool) -> None:
            super().__init__(*arguments, **options)  # type: ignore[arg-type]
            counted["now"] += 1

        def __del__(self) -> None:
            counted["now"] -= 1

        def load(self) -> None:
            alive.append(counted["now"])
            load(self)

    monkeypatch.setattr("handler.current_bundle.OpenBundle", Counted)
    for memory, together in ((305, 1), (1_769, 2), (None, 2)):
        store, clock = DirectoryStore(tmp_path / f"store-{memory}"), Clock()
        copy_bundle(versions[0], store)
        current = CurrentBundle(store, REFRESH, Metrics(None), memory, clock)
        current.get()
        (store.root / CURRENT_KEY).unlink()
        version = copy_bundle(versions[1], store).version
        clock.now += REFRESH
        assert current.get().version == version
        assert alive.pop() == together


@pytest.mark.parametrize("memory", [305, None])
def test_a_graph_that_does_not_load_never_replaces_one_that_serves(
    versions: list[DirectoryStore], tmp_path: Path, memory: int | None
) -> None:
    """Digests fit, since whoever wrote the file wrote them, too; hnswlib alone notices."""
    store, clock = DirectoryStore(tmp_path), Clock()
    serving = copy_bundle(versions[0], store).version
    current = CurrentBundle(store, REFRESH, Metrics(None), memory, clock)
    current.get()
    (store.root / CURRENT_KEY).unlink()
    manifest = copy_bundle(versions[1], store)
    index = store.root / bundle_key(manifest.version, INDEX_FILE)
    overwrite(store, INDEX_FILE, index.read_bytes()[:-40])
    clock.now += REFRESH
    assert current.get().version == serving
    assert current.stale is not None
    assert current.stale.code == BundleCorrupt.code
    assert current.get().index.nearest(current.get().index.vectors([3])[1][0], 1)[0].label == 3


def test_an_os_error_in_a_refresh_keeps_serving_and_is_not_repeated_at_every_request(
    versions: list[DirectoryStore], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging()
    store, clock = DirectoryStore(tmp_path), Clock()
    copy_bundle(versions[0], store)
    current = CurrentBundle(store, REFRESH, Metrics("shop-api"), clock=clock)
    serving = current.get()
    (store.root / CURRENT_KEY).unlink()
    (store.root / CURRENT_KEY).mkdir()
    for failures in range(1, 3):
        clock.now += REFRESH
        assert current.get() is serving
        assert current.stale == ("cache_unusable", (failures - 1) * REFRESH)
        assert not current.due
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    metrics = [line for line in lines if "_aws" in line]
    assert [(line["RefreshFailures"], line["StaleSeconds"]) for line in metrics] == [(1, 0), (1, REFRESH)]
    (directive,) = metrics[0]["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Vitrine"
    assert directive["Dimensions"] == [["FunctionName"]]
    assert {metric["Name"] for metric in directive["Metrics"]} == {"RefreshFailures", "StaleSeconds"}
    assert metrics[0]["FunctionName"] == "shop-api"


def test_while_a_store_is_silent_other_requests_are_served(versions: list[DirectoryStore], tmp_path: Path) -> None:
    silent, answered = threading.Event(), threading.Event()

    class SlowStore(DirectoryStore):
        def current(self, known: Pointer | None = None) -> Pointer:
            if known:
                silent.set()
                assert answered.wait(30)
            return super().current(known)

    store, clock = SlowStore(tmp_path), Clock()
    copy_bundle(versions[0], DirectoryStore(tmp_path))
    current = CurrentBundle(store, REFRESH, Metrics(None), clock=clock)
    serving = current.get()
    clock.now += REFRESH
    refreshing = threading.Thread(target=current.get)
    refreshing.start()
    assert silent.wait(30)
    assert current.get() is serving
    assert refreshing.is_alive()
    answered.set()
    refreshing.join(30)
    assert not current.due


def test_a_bundle_that_was_released_and_could_not_be_opened_again_comes_back(
    versions: list[DirectoryStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Little memory, a new bundle that does not load, and a store that fails in just that moment."""
    store, clock = DirectoryStore(tmp_path), Clock()
    serving = copy_bundle(versions[0], store).version
    current = CurrentBundle(store, REFRESH, Metrics(None), 305, clock)
    current.get()
    (store.root / CURRENT_KEY).unlink()
    broken = copy_bundle(versions[1], store).version
    with monkeypatch.context() as patch:

        def fail(_: OpenBundle) -> None:
            patch.setattr(DirectoryStore, "read", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error")))
            raise BundleCorrupt("The graph does not load.")

        patch.setattr(OpenBundle, "load", fail)
        clock.now += REFRESH
        with pytest.raises(OSError, match="Input/output error"):
            current.get()
    (store.root / bundle_key(broken, INDEX_FILE)).unlink()
    assert current.get().version == serving
    assert current.stale is not None


def test_a_replaced_bundle_gives_its_descriptors_back_before_the_garbage_collector_runs(bundles: Path) -> None:
    store = DirectoryStore(bundles)
    version = store.current().version
    gc.collect()
    gc.disable()
    try:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            bundle = OpenBundle(store, version)
            bundle.load()
            assert bundle.has_text_search
            assert len(os.listdir("/proc/self/fd")) > before
            del bundle
        assert len(os.listdir("/proc/self/fd")) == before
    finally:
        gc.enable()
