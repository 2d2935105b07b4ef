"""What a published store looks like on disk, and what readers see while one is being published."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from rich.progress import Progress

from export.bundle import write_bundle
from export.bundle.build_index import build_index
from export.index_catalog import index_catalog
from export.photos.read_catalog import read_catalog
from export.store.rollback import roll_back
from handler.errors import PublishConflict
from handler.local.local_state import LocalState
from handler.manifest import CATALOG_FILE, INDEX_FILE, MANIFEST_FILE, Manifest, bundle_key
from handler.stores.store import DirectoryStore
from tests.conftest import run_index
from tests.export.support import draw, draw_all, open_current
from tests.tiny_encoder import write_tiny_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from handler.stores.pointer import Current, Pointer


@pytest.fixture
def shop(tmp_path: Path, encoder_directory: Path) -> Path:
    """A folder with `photos` and the store `bundles`, indexed once."""
    run_index(draw_all(tmp_path / "photos", range(8)), tmp_path / "bundles", encoder_directory)
    return tmp_path


class RecordingStore(DirectoryStore):
    """A store that remembers in which order it was written, and can fail at the nth time."""

    def __init__(self, root: Path, fail_at: int | None = None) -> None:
        super().__init__(root)
        self.written: list[str] = []
        self._fail_at = fail_at

    def put(self, key: str, source: Path) -> None:
        self._count(key)
        super().put(key, source)

    def point(self, current: Current, expected_etag: str | None) -> Pointer:
        self._count("current.json")
        return super().point(current, expected_etag)

    def _count(self, key: str) -> None:
        if len(self.written) == self._fail_at:
            raise OSError(28, "No space left on device", key)
        self.written.append(key)


def index_into(store: DirectoryStore, shop: Path, encoder: Path) -> None:
    cache = LocalState(shop / "bundles").embedding_cache
    index_catalog(read_catalog(shop / "photos"), store, encoder, cache, Progress(disable=True))


def files_of(store: Path) -> set[str]:
    return {
        path.relative_to(store).as_posix()
        for path in store.rglob("*")
        if path.is_file() and not path.relative_to(store).parts[0].startswith(".")
    }


def test_layout_on_disk(shop: Path) -> None:
    store = shop / "bundles"
    version = json.loads((store / "current.json").read_bytes())["version"]
    content = (store / f"bundles/{version}/manifest.json").read_bytes()
    manifest = json.loads(content)
    current = DirectoryStore(store).current().current
    assert current.manifest_sha256 == hashlib.sha256(content).hexdigest()
    assert (current.version, current.next_label) == (version, 8)
    assert files_of(store) == {
        "current.json",
        f"bundles/{version}/manifest.json",
        f"bundles/{version}/index.hnsw",
        f"bundles/{version}/catalog.sqlite",
        f"models/{manifest['model']['fingerprint']}/encoder.onnx",
        f"models/{manifest['model']['fingerprint']}/preprocess.json",
    }
    assert manifest.keys() == {
        "schema_version",
        "version",
        "created_at",
        "contents",
        "model",
        "index",
        "catalog",
        "files",
        "collection",
    }
    assert manifest["schema_version"] == 2
    assert manifest["version"] == version
    assert {"space", "dim", "count", "m", "ef_construction", "ef", "recall", "quick"} == manifest["index"].keys()
    assert (manifest["index"]["space"], manifest["index"]["count"], manifest["index"]["dim"]) == ("ip", 8, 48)
    assert manifest["model"]["pooling"] == "mean"


def test_every_digest_and_size_is_true(shop: Path) -> None:
    store = shop / "bundles"
    manifest = open_current(store).manifest
    folders = {
        store / "bundles" / manifest.version: manifest.files,
        store / "models" / manifest.model.fingerprint: manifest.model.files,
    }
    for folder, files in folders.items():
        for name, expected in files.items():
            content = (folder / name).read_bytes()
            assert (hashlib.sha256(content).hexdigest(), len(content)) == (expected.sha256, expected.size)
    assert manifest.files.keys() == {INDEX_FILE, CATALOG_FILE}


def test_catalog_has_the_tables_that_a_handler_reads(shop: Path) -> None:
    store = DirectoryStore(shop / "bundles")
    path = shop / "bundles" / bundle_key(store.current().version, CATALOG_FILE)
    db = sqlite3.connect(path)
    try:
        assert db.execute("SELECT count(*), min(label), max(label) FROM products").fetchone() == (8, 0, 7)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    finally:
        db.close()


def test_pointer_comes_last_and_the_manifest_before_it(tmp_path: Path, encoder_directory: Path) -> None:
    draw_all(tmp_path / "photos", range(3))
    store = RecordingStore(tmp_path / "bundles")
    index_into(store, tmp_path, encoder_directory)
    assert store.written[-1] == "current.json"
    assert store.written[-2].endswith(MANIFEST_FILE)
    assert {key.rpartition("/")[2] for key in store.written[:-2]} == {
        INDEX_FILE,
        CATALOG_FILE,
        "encoder.onnx",
        "preprocess.json",
    }


@pytest.mark.parametrize("fail_at", range(4))
def test_a_failure_anywhere_leaves_the_current_bundle(shop: Path, encoder_directory: Path, fail_at: int) -> None:
    store = DirectoryStore(shop / "bundles")
    before = store.current()
    draw(shop / "photos" / "new.png", 99)
    with pytest.raises(OSError, match="No space left"):
        index_into(RecordingStore(shop / "bundles", fail_at), shop, encoder_directory)
    assert store.current() == before
    assert len(open_current(shop / "bundles").catalog) == 8
    run_index(shop / "photos", shop / "bundles", encoder_directory)
    assert len(open_current(shop / "bundles").catalog) == 9


def test_a_model_is_uploaded_once(shop: Path, encoder_directory: Path) -> None:
    draw(shop / "photos" / "new.png", 99)
    store = RecordingStore(shop / "bundles")
    index_into(store, shop, encoder_directory)
    assert not any(key.startswith("models/") for key in store.written)
    other = write_tiny_encoder(shop / "other", seed=1)
    index_into(store, shop, other)
    assert sum(key.startswith("models/") for key in store.written) == 2
    assert len(list((shop / "bundles" / "models").iterdir())) == 2


def test_older_bundles_stay_and_still_open(shop: Path, encoder_directory: Path) -> None:
    store = DirectoryStore(shop / "bundles")
    first = store.current().version
    kept = Manifest.parse(store.read(bundle_key(first, MANIFEST_FILE)), first)
    draw(shop / "photos" / "new.png", 99)
    run_index(shop / "photos", shop / "bundles", encoder_directory)
    for name, expected in kept.files.items():
        assert store.fetch(bundle_key(first, name), expected)
    roll_back(store, first)
    assert len(open_current(shop / "bundles").catalog) == 8


def test_the_same_photos_in_two_stores_are_the_same_contents(shop: Path, encoder_directory: Path) -> None:
    shutil.copytree(shop / "photos", shop / "elsewhere")
    run_index(shop / "elsewhere", shop / "other", encoder_directory)
    first, second = (open_current(shop / name).manifest for name in ("bundles", "other"))
    assert first.contents == second.contents


def test_of_two_publishers_the_second_is_told(shop: Path, encoder_directory: Path) -> None:
    class Beaten(RecordingStore):
        """Somebody else publishes while this run is under way."""

        def put(self, key: str, source: Path) -> None:
            if not self.written:
                self.written.append("")
                run_index(shop / "theirs", shop / "bundles", encoder_directory)
            super().put(key, source)

    shutil.copytree(shop / "photos", shop / "theirs")
    draw(shop / "theirs" / "theirs.png", 77)
    draw(shop / "photos" / "ours.png", 99)
    beaten = Beaten(shop / "bundles")
    with pytest.raises(PublishConflict, match="another publisher was first") as caught:
        index_into(beaten, shop, encoder_directory)
    assert "\n" not in str(caught.value)
    assert open_current(shop / "bundles").catalog.by_id("theirs") is not None
    assert open_current(shop / "bundles").catalog.by_id("ours") is None
    report = run_index(shop / "photos", shop / "bundles", encoder_directory)
    assert (report.published, report.embedded) == (True, 0)


def test_a_name_is_never_given_to_other_bytes(shop: Path, encoder_directory: Path) -> None:
    """Two builds of the same contents differ where threads took turns otherwise; they may end in the same second."""
    versions = {}
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False), pytest.MonkeyPatch.context() as patch:
        for seed in (1, 2, 2):
            patch.setattr(write_bundle, "build_index", partial(build_index_with_seed, seed))
            shutil.rmtree(shop / "again", ignore_errors=True)
            run_index(shop / "photos", shop / "again", encoder_directory)
            manifest = open_current(shop / "again").manifest
            versions[manifest.version] = manifest.files[INDEX_FILE].sha256
    assert len(versions) == len(set(versions.values())) == 2


def build_index_with_seed(seed: int, *arguments: Any) -> None:
    vectors, labels, parameters, *rest = arguments
    build_index(vectors, labels, replace(parameters, random_seed=seed), *rest)
