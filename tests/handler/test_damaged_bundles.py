"""Damaged and crafted bundles are refused with their reason; the process lives and serves the bundle that it had.

Damage is what a disk or a network does: a digest no longer fits. Crafted bundles come from somebody who may write to
the store: every digest fits. Models are read by photo searches alone, and checked then.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
from rich.progress import Progress

from export.bench.synthetic import clustered_vectors, publish_vectors, stand_in_encoder
from export.photos.read_catalog import CatalogRow
from handler.current_bundle import CurrentBundle
from handler.errors import BundleCorrupt, BundleError, BundleIncompatible, BundleNotFound
from handler.manifest import (
    CATALOG_FILE,
    CURRENT_KEY,
    INDEX_FILE,
    MANIFEST_FILE,
    PROJECTION_FILE,
    Manifest,
    bundle_key,
    manifest_digest,
)
from handler.metrics import Metrics
from handler.model_files import ENCODER_FILE, SPEC_FILE, model_fingerprint, model_key
from handler.photos.projection import Projection
from handler.stores.pointer import next_current, write_current
from handler.stores.store import DirectoryStore
from tests.crafted_bundles import overwrite
from tests.handler.graph_file import CRAFTED, FIELDS, GraphFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from handler.open_bundle import OpenBundle

DIM = 16
COUNT = 600
FILES = (INDEX_FILE, CATALOG_FILE, PROJECTION_FILE, MANIFEST_FILE)
MODEL = (ENCODER_FILE, SPEC_FILE)
SAMPLES = 40
PHOTO = b"never decoded: the model is checked first"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Shop(NamedTuple):
    """A process that serves a bundle, and a newer bundle in the same store that is not current yet."""

    store: DirectoryStore
    serving: CurrentBundle
    clock: Clock
    old: str
    new: str

    def path(self, name: str) -> Path:
        if name not in MODEL:
            return self.store.root / bundle_key(self.new, name)
        manifest = Manifest.parse(self.store.read(bundle_key(self.new, MANIFEST_FILE)), self.new)
        return self.store.root / model_key(manifest.model.fingerprint, name)

    def refresh(self) -> OpenBundle:
        self.clock.now += 1
        return self.serving.get()

    def check_refused(self, pointed: bytes, what: str) -> str:
        """Make the newer bundle current with the pointer `pointed`; returns the error's code."""
        (self.store.root / CURRENT_KEY).write_bytes(pointed)
        with pytest.raises(BundleError):
            CurrentBundle(self.store, 0, Metrics(None), clock=Clock()).get().load()
        assert self.refresh().version == self.old, what
        assert self.serving.stale is not None
        (query,) = self.serving.get().index.vectors([3])[1]
        assert self.serving.get().index.nearest(query, 1)[0].label == 3
        return self.serving.stale.code


def publish(root: Path, count: int, seed: int) -> str:
    rows = [CatalogRow(f"{number:04}", f"{number:04}.jpg", {"price": number / 2}) for number in range(count)]
    rng = np.random.default_rng(seed)
    projection = Projection(np.zeros(DIM, np.float32), rng.normal(size=(DIM, DIM)).astype(np.float32))
    encoder = stand_in_encoder(root / "encoder", DIM)
    vectors = clustered_vectors(count, DIM, seed)
    publish_vectors(root / "store", rows, vectors, encoder, Progress(disable=True), projection)
    return DirectoryStore(root / "store").current().version


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """(a store of two bundles, the older version, the newer version)."""
    root = tmp_path_factory.mktemp("originals")
    old = publish(root, 50, 1)
    (root / "store" / CURRENT_KEY).unlink()
    return root / "store", old, publish(root, COUNT, 2)


@pytest.fixture
def shop(originals: tuple[Path, str, str], tmp_path: Path) -> Shop:
    source, old, new = originals
    store, clock = DirectoryStore(shutil.copytree(source, tmp_path / "store")), Clock()
    (store.root / CURRENT_KEY).write_text(json.dumps({"version": old}))
    shop = Shop(store, CurrentBundle(store, 1, Metrics(None), clock=clock), clock, old, new)
    assert shop.serving.get().version == old
    shop.serving.get().load()
    return shop


@pytest.fixture
def pointer(originals: tuple[Path, str, str]) -> bytes:
    """The pointer to the newer bundle as it was published."""
    root, _, version = originals
    data = (root / bundle_key(version, MANIFEST_FILE)).read_bytes()
    return write_current(next_current(None, version, manifest_digest(data), COUNT))


def flips(name: str, content: bytes) -> Iterator[int]:
    """Places to change: every header field of an index; ends and a sample of every file."""
    if name == INDEX_FILE:
        yield from (GraphFile(content).header_place(field)[0] for field in FIELDS)
    yield from {0, 1, len(content) // 2, len(content) - 2, len(content) - 1}
    yield from np.random.default_rng(1).integers(len(content), size=SAMPLES).tolist()


def damaged(name: str, content: bytes, other: bytes) -> Iterator[tuple[str, bytes | None]]:
    for place in flips(name, content):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        yield f"byte {place} changed", bytes(changed)
    for size in (0, 1, len(content) // 2, len(content) - 1):
        yield f"cut to {size} bytes", content[:size]
    yield "one byte longer", content + b"\0"
    yield "a page longer", content + bytes(4096)
    yield "another file's content", other
    yield "missing", None


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_refused_and_the_old_bundle_serves(
    shop: Shop, pointer: bytes, name: str, record_property: Callable[..., None]
) -> None:
    path = shop.path(name)
    content = path.read_bytes()
    other = shop.path(FILES[FILES.index(name) - 1]).read_bytes()
    count = 0
    for what, changed in damaged(name, content, other):
        path.unlink()
        if changed is not None:
            path.write_bytes(changed)
        if name == PROJECTION_FILE:
            check_photos_are_refused(shop, pointer, lambda bundle: bundle._projection)
        else:
            code = shop.check_refused(pointer, what)
            assert code == (BundleNotFound.code if changed is None else BundleCorrupt.code), what
        path.write_bytes(content)
        count += 1
    record_property("damaged", f"{name}: {count}")
    (shop.store.root / CURRENT_KEY).write_bytes(pointer)
    assert shop.refresh().version == shop.new, "the bundle is served once it is whole again"


@pytest.mark.parametrize("name", MODEL)
def test_a_damaged_model_fails_photo_searches_alone(shop: Shop, pointer: bytes, name: str) -> None:
    path = shop.path(name)
    content = path.read_bytes()
    for _, changed in damaged(name, content, shop.path(CATALOG_FILE).read_bytes()):
        path.unlink()
        if changed is not None:
            path.write_bytes(changed)
        check_photos_are_refused(shop, pointer, lambda bundle: bundle.embed_photo(PHOTO))
        path.write_bytes(content)


def check_photos_are_refused(shop: Shop, pointer: bytes, use: Callable[[OpenBundle], object]) -> None:
    """Pages need neither model nor projection."""
    (shop.store.root / CURRENT_KEY).write_bytes(pointer)
    bundle = CurrentBundle(shop.store, 0, Metrics(None)).get()
    assert bundle.version == shop.new
    with pytest.raises((BundleCorrupt, BundleNotFound)):
        use(bundle)


@pytest.mark.parametrize("name", CRAFTED)
def test_a_crafted_index_is_refused_and_the_old_bundle_serves(shop: Shop, name: str) -> None:
    graph = GraphFile(shop.path(INDEX_FILE).read_bytes())
    CRAFTED[name](graph)
    overwrite(shop.store, INDEX_FILE, bytes(graph.content), shop.new)
    assert shop.check_refused(_point(shop), name) == BundleCorrupt.code


def test_a_crafted_label_beyond_the_next_new_one_is_refused(shop: Shop) -> None:
    graph = GraphFile(shop.path(INDEX_FILE).read_bytes())
    graph.write("<q", graph.record(0) + graph.get("label_offset"), 2**60)
    overwrite(shop.store, INDEX_FILE, bytes(graph.content), shop.new)
    assert shop.check_refused(_point(shop), "label") == BundleCorrupt.code


def _set(*path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(manifest: dict[str, Any]) -> None:
        for part in path[:-1]:
            manifest = manifest[part]
        manifest[path[-1]] = value

    return change


def _rename(part: str, old: str, new: str) -> Callable[[dict[str, Any]], None]:
    def change(manifest: dict[str, Any]) -> None:
        files = manifest["model"]["files"] if part == "model" else manifest["files"]
        files[new] = files.pop(old)

    return change


def _swap(manifest: dict[str, Any]) -> None:
    files = manifest["files"]
    files[INDEX_FILE], files[CATALOG_FILE] = files[CATALOG_FILE], files[INDEX_FILE]


HOSTILE: dict[str, Callable[[dict[str, Any]], None]] = {
    "wrong fingerprint": _set("model", "fingerprint", value="0" * 32),
    "a model's digest": _set("model", "files", ENCODER_FILE, "sha256", value="0" * 64),
    "a model's file renamed": _rename("model", ENCODER_FILE, "encoder.onny"),
    "a projection renamed": _rename("bundle", PROJECTION_FILE, "qrojection.npy"),
    "an index renamed": _rename("bundle", INDEX_FILE, "index.hnsv"),
    "index and catalog swapped": _swap,
    "a path that leads out": _rename("bundle", PROJECTION_FILE, "../../projection.npy"),
    "an absolute path": _rename("bundle", PROJECTION_FILE, "/etc/passwd"),
    "index's dimension": _set("index", "dim", value=DIM * 2),
    "a dimension of 2**31": _set("index", "dim", value=2**31),
    "M": _set("index", "m", value=16),
    "M of 1": _set("index", "m", value=1),
    "M absurd": _set("index", "m", value=2**40),
    "ef_construction": _set("index", "ef_construction", value=2**40),
    "count": _set("index", "count", value=COUNT - 1),
    "no label left": _set("catalog", "next_label", value=COUNT - 1),
    "absurd labels": _set("catalog", "next_label", value=2**60),
    "another version": _set("version", value="v1"),
    "a size below 0": _set("files", INDEX_FILE, "size", value=-1),
    "a field too many": _set("surprise", value=1),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_manifest_is_refused_and_the_old_bundle_serves(shop: Shop, name: str) -> None:
    path = shop.path(MANIFEST_FILE)
    manifest = json.loads(path.read_bytes())
    HOSTILE[name](manifest)
    path.write_text(json.dumps(manifest))
    assert shop.check_refused(_point(shop), name) == BundleCorrupt.code


def test_a_newer_schema_is_refused_and_the_old_bundle_serves(shop: Shop) -> None:
    path = shop.path(MANIFEST_FILE)
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"schema_version": 99, "something_new": True}))
    assert shop.check_refused(_point(shop), "schema") == BundleIncompatible.code


def test_an_absent_projection_is_another_vector_space(shop: Shop) -> None:
    """Sessions end then, rather than being compared with vectors of another space."""
    path = shop.path(MANIFEST_FILE)
    manifest = json.loads(path.read_bytes())
    before = Manifest.parse(path.read_bytes(), shop.new).vector_space
    del manifest["files"][PROJECTION_FILE]
    path.write_text(json.dumps(manifest))
    changed = Manifest.parse(path.read_bytes(), shop.new)
    assert changed.vector_space != before
    assert model_fingerprint(changed.model.files) == changed.model.fingerprint


def _point(shop: Shop) -> bytes:
    """A pointer to the newer bundle, with the digest of its manifest as it is now."""
    data = (shop.store.root / bundle_key(shop.new, MANIFEST_FILE)).read_bytes()
    return write_current(next_current(None, shop.new, manifest_digest(data), COUNT))
