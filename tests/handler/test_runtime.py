"""What a process keeps: one bundle at a time, the new one as soon as it may, the old one as long as it must."""

from __future__ import annotations

import json
import logging
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from handler.errors import BundleCorrupt, BundleNotFound, ConfigurationError
from handler.manifest import CATALOG_FILE, CURRENT_KEY, INDEX_FILE, bundle_key
from handler.runtime import Runtime
from handler.settings import Settings
from handler.stores.store import DirectoryStore
from tests.conftest import KEY, draw_photos, run_index

if TYPE_CHECKING:
    from pathlib import Path


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def two_versions(bundles: Path, encoder_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The 80 products, and a later bundle of twelve."""
    root = tmp_path_factory.mktemp("two")
    store = shutil.copytree(bundles, root / "bundles")
    run_index(draw_photos(root / "photos", per_colour=3) / "catalog.jsonl", store, encoder_directory)
    return store


@pytest.fixture
def root(two_versions: Path, bundles: Path, tmp_path: Path) -> Path:
    """Both bundles, the older one current."""
    copy = shutil.copytree(two_versions, tmp_path / "bundles")
    shutil.copy(bundles / CURRENT_KEY, copy / CURRENT_KEY)
    return copy


@pytest.fixture
def newer(two_versions: Path) -> str:
    return DirectoryStore(two_versions).current().version


def publish(root: Path, version: str) -> None:
    (root / CURRENT_KEY).write_text(json.dumps({"version": version}))


def make_runtime(root: Path, clock: Clock) -> Runtime:
    return Runtime(Settings(bundles=str(root), signing_keys=(KEY,), refresh_seconds=30), clock)


def test_a_new_bundle_is_served_once_the_time_is_up_and_not_before(root: Path, newer: str) -> None:
    clock = Clock()
    runtime = make_runtime(root, clock)
    old = runtime.bundle()
    publish(root, newer)
    clock.now += 29.9
    assert not runtime.current.due
    assert runtime.bundle() is old
    clock.now += 0.1
    assert runtime.current.due
    assert (runtime.bundle().version, len(runtime.bundle().catalog)) == (newer, 12)
    assert len(old.catalog.by_labels(range(80))) == 80  # a request in flight goes on with what it has


def test_nothing_is_opened_again_while_the_version_stays(root: Path) -> None:
    clock = Clock()
    runtime = make_runtime(root, clock)
    old = runtime.bundle()
    clock.now += 31
    assert runtime.bundle() is old


def test_rolling_back_is_publishing_the_older_name(root: Path, newer: str) -> None:
    clock = Clock()
    older = DirectoryStore(root).current().version
    runtime = make_runtime(root, clock)
    for version in (newer, older):
        publish(root, version)
        clock.now += 31
        assert runtime.bundle().version == version


@pytest.mark.parametrize("damage", ["index", "files gone", "pointer", "pointer gone", "no such version"])
def test_a_broken_publish_leaves_the_old_bundle_serving(
    root: Path, newer: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    runtime = make_runtime(root, clock)
    old = runtime.bundle()
    publish(root, newer)
    if damage == "index":
        with (root / bundle_key(newer, INDEX_FILE)).open("r+b") as file:
            file.write(b"\xff")
    elif damage == "files gone":
        shutil.rmtree(root / "bundles" / newer)
    elif damage == "pointer":
        (root / CURRENT_KEY).write_text("{")
    elif damage == "pointer gone":
        (root / CURRENT_KEY).unlink()
    else:
        publish(root, "v0")
    clock.now += 31
    with caplog.at_level(logging.ERROR):
        assert runtime.bundle() is old
    assert f"staying with bundle {old.version}" in caplog.text
    assert not runtime.current.due  # and it is not tried again at every request


def test_it_recovers_when_the_publish_is_repaired(root: Path, newer: str) -> None:
    clock = Clock()
    runtime = make_runtime(root, clock)
    runtime.bundle()
    publish(root, "v0")
    clock.now += 31
    runtime.bundle()
    publish(root, newer)
    clock.now += 31
    assert runtime.bundle().version == newer


def test_without_any_bundle_every_request_tries_again(tmp_path: Path, bundles: Path) -> None:
    runtime = make_runtime(tmp_path / "store", Clock())
    for _ in range(2):
        with pytest.raises(BundleNotFound):
            runtime.bundle()
    shutil.copytree(bundles, tmp_path / "store")
    assert runtime.bundle().version


def test_a_first_bundle_that_is_corrupt_is_an_error(root: Path) -> None:
    for path in root.rglob(INDEX_FILE):
        path.write_bytes(b"")
    with pytest.raises(BundleCorrupt):
        make_runtime(root, Clock()).bundle().load()
    for path in root.rglob(CATALOG_FILE):
        path.write_bytes(b"")
    with pytest.raises(BundleCorrupt):
        make_runtime(root, Clock()).bundle()


def test_many_threads_open_one_bundle_once(root: Path) -> None:
    runtime = make_runtime(root, Clock())
    barrier = threading.Barrier(8)

    def ask(_: int) -> int:
        barrier.wait()
        return id(runtime.bundle())

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1


def test_an_address_of_no_known_kind_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="ftp://shop/bundles"):
        Runtime(Settings(bundles="ftp://shop/bundles", signing_keys=(KEY,)))
