"""`vitrine publish`, `bundles`, `rollback` and `prune` as a user runs them, on a directory and on a real S3 server."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from export.bundle.publish_bundle import copy_bundle
from export.store.rollback import roll_back
from export.store.versions import list_versions
from handler.errors import PublishConflict
from handler.manifest import INDEX_FILE, bundle_key
from handler.open_bundle import OpenBundle
from handler.stores.file_cache import FileCache
from handler.stores.open_store import open_store
from handler.stores.s3_store import S3Store
from handler.stores.store import DirectoryStore
from tests import cli_process
from tests.conftest import draw_photos, run_index
from tests.crafted_bundles import point_to
from tests.export.support import draw, draw_all
from tests.s3_servers import new_bucket, use

if TYPE_CHECKING:
    from pathlib import Path

    from handler.stores.pointer import Current
    from handler.stores.store import BundleStore

DAY = 86_400
PUBLISHERS = 4


@dataclass
class Home:
    """A store with three bundles, of 8, 9 and 10 products."""

    store: BundleStore
    local: Path
    photos: Path
    encoder: Path
    versions: list[str]

    def index(self, number: int) -> int:
        """One product more, in a bundle of its own; returns its label."""
        draw(self.photos / f"{number:03}.png", number)
        run_index(self.photos, self.local, self.encoder)
        copy_bundle(DirectoryStore(self.local), self.store)
        return OpenBundle(self.store, self.store.current().version).catalog.labels_of([f"{number:03}"])[f"{number:03}"]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory, encoder_directory: Path) -> Path:
    folder = tmp_path_factory.mktemp("three")
    photos = draw_all(folder / "photos", range(8))
    for number in (8, 9, 10):
        run_index(photos, folder / "bundles", encoder_directory)
        if number < 10:
            draw(photos / f"{number:03}.png", number)
            time.sleep(1.1)  # bundles made in one second have no order
    return folder


@pytest.fixture(params=["directory", "seaweed"])
def home(
    request: pytest.FixtureRequest,
    three: Path,
    tmp_path: Path,
    encoder_directory: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Home:
    monkeypatch.setenv("VITRINE_CACHE", str(tmp_path / "files"))
    shutil.copytree(three, tmp_path / "shop")
    local = DirectoryStore(tmp_path / "shop" / "bundles")
    versions = sorted(version.name for version in list_versions(local))
    if request.param == "directory":
        store: BundleStore = DirectoryStore(tmp_path / "store")
    else:
        bucket = new_bucket(use(request.getfixturevalue("seaweed_endpoint"), monkeypatch))
        store = S3Store(f"s3://{bucket}/shop", FileCache(tmp_path / "cache"))
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    for version in versions:
        point_to(local, version)
        copy_bundle(local, store)
    return Home(store, local.root, tmp_path / "shop" / "photos", encoder_directory, versions)


def _of_s3() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "XDG_", "VITRINE_"))}


def vitrine(*arguments: object) -> tuple[int, str]:
    """In this test's environment, S3 included."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli_process, "ENVIRONMENT", {**cli_process.ENVIRONMENT, **_of_s3()})
        return cli_process.vitrine(*(str(argument) for argument in arguments))


def test_bundles_are_listed_newest_first(home: Home) -> None:
    status, output = vitrine("bundles", home.store.address)
    lines = output.splitlines()
    assert status == 0
    assert [next(v for v in home.versions if v in line) for line in lines[1:]] == home.versions[::-1]
    assert [("current" in line) for line in lines[1:]] == [True, False, False]
    assert [line.split()[-4] for line in lines[1:]] == ["10", "9", "8"]
    assert "1.0000" in lines[1]


def test_rollback_goes_one_back_or_where_it_is_told(home: Home) -> None:
    first, second, third = home.versions
    status, output = vitrine("rollback", home.store.address)
    assert (status, output.strip()) == (0, f"{second} is now current; it was {third}.")
    assert home.store.current().version == second
    assert vitrine("rollback", home.store.address, third)[0] == 0
    assert vitrine("rollback", home.store.address, third) == (0, f"{third} is already current.\n")
    roll_back(home.store, first)
    status, output = vitrine("rollback", home.store.address)
    assert status == 1
    assert "older than" in output
    status, output = vitrine("rollback", home.store.address, "v9")
    assert status == 1
    assert "There is no bundle v9" in output
    assert home.store.current().version == first


def test_a_rollback_to_a_bundle_that_is_not_whole_is_refused(home: Home) -> None:
    key = bundle_key(home.versions[1], INDEX_FILE)
    home.store.delete(next(file for file in home.store.files(key)))
    status, output = vitrine("rollback", home.store.address)
    assert status == 1
    assert key in output
    assert home.store.current().version == home.versions[2]


def test_prune_shows_first_and_deletes_on_demand(home: Home) -> None:
    first, second, third = home.versions
    status, output = vitrine("prune", home.store.address, "--keep", "1")
    assert status == 0
    assert first in output
    assert second in output
    assert third not in output
    assert "--yes" in output
    assert len(list_versions(home.store)) == 3
    assert vitrine("prune", home.store.address, "--keep", "1", "--yes")[0] == 0
    assert [version.name for version in list_versions(home.store)] == [third]
    OpenBundle(home.store, third)
    assert home.store.files("models/")
    assert "Nothing to delete" in vitrine("prune", home.store.address)[1]


def test_prune_keeps_the_current_bundle_and_the_record_of_labels(home: Home) -> None:
    first, _, third = home.versions
    roll_back(home.store, first)
    assert vitrine("prune", home.store.address, "--keep", "1", "--yes")[0] == 0
    assert {version.name for version in list_versions(home.store)} == {first, third}


def test_labels_are_not_reused_after_a_rollback(home: Home) -> None:
    """Products 8 and 9 have labels 8 and 9 in bundles left behind; the next new one gets 10."""
    local = DirectoryStore(home.local)
    for store in (home.store, local):
        roll_back(store, home.versions[0])
    for name in ("008.png", "009.png"):
        (home.photos / name).unlink()
    assert home.index(50) == 10
    assert home.index(8) == 8  # a product that only bundles left behind knew gets its label back


def test_publishing_again_repairs(home: Home, tmp_path: Path) -> None:
    key = bundle_key(home.versions[2], INDEX_FILE)
    (tmp_path / "broken").write_bytes(b"")
    home.store.put(key, tmp_path / "broken")
    assert vitrine("publish", home.local, home.store.address)[0] == 0
    fresh = S3Store(home.store.address, FileCache(tmp_path / "new")) if "s3://" in home.store.address else home.store
    OpenBundle(fresh, home.versions[2])


def test_a_bundle_with_other_labels_is_refused(home: Home, tmp_path: Path) -> None:
    """Sessions would take one product for another."""
    other = draw_all(tmp_path / "others", range(3, 12))
    run_index(other, tmp_path / "other-bundles", home.encoder)
    status, output = vitrine("publish", tmp_path / "other-bundles", home.store.address)
    assert status == 1
    assert "has label" in output
    assert f"vitrine index PHOTOS --out {home.store.address}" in output
    assert home.store.current().version == home.versions[2]


def test_of_two_publishers_the_second_is_told(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    draw(home.photos / "011.png", 11)
    run_index(home.photos, home.local, home.encoder)
    point = type(home.store).point

    def overtaken(store: BundleStore, current: Current, etag: str | None) -> object:
        """Somebody rolls back at the last moment."""
        monkeypatch.setattr(type(home.store), "point", point)
        roll_back(store, home.versions[1])
        return point(store, current, etag)

    monkeypatch.setattr(type(home.store), "point", overtaken)
    with pytest.raises(PublishConflict, match=f"points to {home.versions[1]}: another publisher was first"):
        copy_bundle(DirectoryStore(home.local), home.store)
    assert home.store.current().version == home.versions[1]


def _publish(source: Path, address: str, together: Any, outcomes: Any) -> None:
    """As `vitrine publish` does, but that all move the pointer in the same moment."""
    target = open_store(address)  # connections to a server cannot be shared with the process that this is a fork of
    point = type(target).point

    def wait(*arguments: Any) -> object:
        together.wait(60)
        return point(*arguments)

    type(target).point = wait  # type: ignore[method-assign]  # this process ends here
    try:
        outcomes.put(("won", copy_bundle(DirectoryStore(source), target).version))
    except PublishConflict as error:
        outcomes.put(("told", str(error)))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # from Python 3.12 on
def test_of_many_publishers_of_whole_bundles_one_wins_and_its_bundle_opens(home: Home, tmp_path: Path) -> None:
    sources = []
    for number in range(PUBLISHERS):
        folder = tmp_path / f"publisher-{number}"
        shutil.copytree(home.local, folder / "bundles")
        shutil.copytree(home.photos, folder / "photos")
        draw(folder / "photos" / f"mine-{number}.png", 100 + number)
        run_index(folder / "photos", folder / "bundles", home.encoder)
        sources.append(folder / "bundles")
    context = multiprocessing.get_context("fork")
    together, outcomes = context.Barrier(PUBLISHERS), context.Queue()
    address = home.store.address
    racers = [context.Process(target=_publish, args=(source, address, together, outcomes)) for source in sources]
    for racer in racers:
        racer.start()
    results = [outcomes.get(timeout=60) for _ in racers]
    for racer in racers:
        racer.join(60)
        assert racer.exitcode == 0
    [winner] = [version for outcome, version in results if outcome == "won"]
    assert all(winner in told for outcome, told in results if outcome == "told")
    assert home.store.current().version == winner
    assert len(OpenBundle(home.store, winner).catalog) == 11


def test_index_publishes_straight_into_a_store(home: Home, tmp_path: Path) -> None:
    photos = draw_photos(tmp_path / "new", per_colour=2)
    address = f"{home.store.address}/new"
    for embedded in ("8", "0"):
        status, output = vitrine("index", photos / "catalog.jsonl", "--out", address, "--model", home.encoder)
        assert status == 0, output
        row = next(line for line in output.splitlines() if "Embedded" in line)
        assert row.split()[1] == embedded
    store = open_store(address)
    assert len(OpenBundle(store, store.current().version).catalog) == 8
    assert all(file.key.split("/")[0] in ("bundles", "models", "current.json") for file in store.files(""))


def test_leftovers_of_broken_off_runs_go_when_they_are_a_day_old(three: Path, tmp_path: Path) -> None:
    root = shutil.copytree(three / "bundles", tmp_path / "bundles")
    unfinished = root / "bundles" / "20200101T000000Z-00000000" / INDEX_FILE
    temporary = root / "models" / ".encoder.onnx.abc"
    model = root / "models" / ("0" * 32) / "encoder.onnx"
    for path in (unfinished, temporary, model):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half")
    assert "Nothing to delete" in vitrine("prune", root, "--yes")[1]
    for path in (unfinished, temporary, model):
        os.utime(path, (time.time() - 2 * DAY,) * 2)
    status, output = vitrine("prune", root, "--yes")
    assert status == 0
    assert "never finished" in output
    assert not unfinished.parent.exists()
    assert not temporary.exists()
    assert not model.parent.exists()
    assert len(list_versions(DirectoryStore(root))) == 3


@pytest.mark.usefixtures("s3")
def test_what_cannot_be_reached_is_one_sentence(tmp_path: Path) -> None:
    for command in (["bundles", "s3://no-such-bucket-here"], ["publish", tmp_path, "s3://no-such-bucket-here"]):
        status, output = vitrine(*command)
        assert status == 1
        assert "Traceback" not in output
    assert vitrine("bundles", "ftp://shop")[0] == 1
