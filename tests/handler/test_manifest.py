"""The bundle contract: a manifest that cannot be right is refused before any file it names is opened."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sqlite3
from typing import TYPE_CHECKING, Any

import hnswlib
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from handler.api.http_status import status_of
from handler.errors import BundleCorrupt, BundleError, BundleIncompatible, BundleNotFound
from handler.file_ref import FileRef
from handler.manifest import CATALOG_FILE, INDEX_FILE, MANIFEST_FILE, Manifest, bundle_key
from handler.model_files import (
    MODEL_LAYOUTS,
    OPENVINO_FILE,
    OPENVINO_WEIGHTS_FILE,
    SPEC_FILE,
    ModelRef,
    model_fingerprint,
)
from handler.open_bundle import OpenBundle
from handler.photos.encoder import ENCODER_FILE
from handler.stores.store import DirectoryStore

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(bundles: Path, tmp_path: Path) -> DirectoryStore:
    """A copy that may be broken."""
    return DirectoryStore(shutil.copytree(bundles, tmp_path / "bundles"))


def path_of(store: DirectoryStore, name: str) -> Path:
    return store.root / bundle_key(store.current().version, name)


def open_current(store: DirectoryStore) -> OpenBundle:
    return OpenBundle(store, store.current().version)


def edit(store: DirectoryStore, **changes: Any) -> None:
    path = path_of(store, MANIFEST_FILE)
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_published_bundle_opens_and_is_consistent(store: DirectoryStore) -> None:
    bundle = open_current(store)
    manifest = bundle.manifest
    assert manifest.index.count == manifest.catalog.count == len(bundle.index.everything) == 80
    assert manifest.catalog.next_label == 80
    assert manifest.index.recall.value >= 0.99
    assert set(bundle.catalog.by_labels(range(80))) == set(bundle.index.everything.labels.tolist())
    assert model_fingerprint(manifest.model.files) == manifest.model.fingerprint
    assert {field.name: field.kind for field in manifest.catalog.fields} == {
        "colour": "keyword",
        "in_stock": "boolean",
        "name": "keyword",
        "price": "number",
    }


def test_a_manifest_survives_a_round_trip(store: DirectoryStore) -> None:
    manifest = open_current(store).manifest
    assert Manifest.parse(manifest.model_dump_json().encode(), manifest.version) == manifest


@examples(deadline=None, max_examples=40)
@given(data=st.data())
@pytest.mark.parametrize("name", [INDEX_FILE, CATALOG_FILE])
def test_one_changed_byte_keeps_a_bundle_from_opening(
    bundles: Path, tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    root = tmp_path_factory.getbasetemp() / f"flipped-{name}"
    if not root.exists():
        shutil.copytree(bundles, root)
    store = DirectoryStore(root)
    content = bytearray((bundles / bundle_key(store.current().version, name)).read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path_of(store, name).write_bytes(content)
    with pytest.raises(BundleCorrupt, match="not the file that its manifest names"):
        open_current(store)


def test_a_crafted_index_never_reaches_hnswlib(store: DirectoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """hnswlib follows whatever links a file holds, out of bounds too."""
    path = path_of(store, INDEX_FILE)
    content = bytearray(path.read_bytes())
    content[100:104] = b"\xff\xff\xff\x7f"
    path.write_bytes(content)

    def load(*_: object) -> None:
        raise AssertionError("hnswlib was asked to load a file whose digest is wrong")

    monkeypatch.setattr(hnswlib.Index, "load_index", load)
    with pytest.raises(BundleCorrupt):
        open_current(store)


@pytest.mark.parametrize("name", [INDEX_FILE, CATALOG_FILE, MANIFEST_FILE])
def test_a_missing_file_is_named(store: DirectoryStore, name: str) -> None:
    path_of(store, name).unlink()
    with pytest.raises(BundleNotFound, match=name):
        open_current(store)


def test_pages_need_no_encoder(store: DirectoryStore) -> None:
    """A shop that offers no photo search can do without the largest file."""
    for path in store.root.rglob(ENCODER_FILE):
        path.unlink()
    assert open_current(store).version


def test_a_bundle_of_a_later_version_is_incompatible(store: DirectoryStore) -> None:
    edit(store, schema_version=3, something_new=True)
    with pytest.raises(BundleIncompatible, match="schema version 3") as caught:
        open_current(store)
    assert (caught.value.value, caught.value.limit) == (3, 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "another"},
        {"version": "../up"},
        {"surprise": 1},
        {"files": {}},
        {"files": {"../../passwd": {"sha256": "0" * 64, "size": 1}}},
        {"schema_version": "one"},
        {"index": None},
    ],
)
def test_a_manifest_that_cannot_be_right_is_corrupt(store: DirectoryStore, changes: dict[str, Any]) -> None:
    edit(store, **changes)
    with pytest.raises(BundleCorrupt):
        open_current(store)


@pytest.mark.parametrize(("part", "name"), [("index", "dim"), ("index", "count"), ("catalog", "count")])
def test_parts_that_do_not_belong_together_are_corrupt(store: DirectoryStore, part: str, name: str) -> None:
    whole = json.loads(path_of(store, MANIFEST_FILE).read_text())
    edit(store, **{part: whole[part] | {name: whole[part][name] + 1}})
    with pytest.raises(BundleCorrupt):
        open_current(store)


@pytest.mark.parametrize(
    ("change", "next_label", "difference"),
    [
        ("UPDATE products SET label = 500 WHERE label = 7", 501, "Only the index has 7; only the catalog has 500"),
        (
            "UPDATE products SET label = 80 WHERE label = 39; UPDATE products SET label = 118 WHERE label = 40",
            119,
            "Only the index has 39, 40; only the catalog has 80, 118",
        ),
        ("UPDATE products SET label = 500 WHERE label = 7", 80, "it has labels from 0 to 500; the next one is 80"),
        ("UPDATE products SET label = -1 WHERE label = 40", 80, "it has labels from -1 to 79; the next one is 80"),
        ("DELETE FROM products WHERE label = 79", 80, "it has 79 products, its manifest says 80"),
    ],
)
def test_an_index_and_a_catalog_with_different_labels_are_corrupt(
    store: DirectoryStore, change: str, next_label: int, difference: str
) -> None:
    """Each file is the one that the manifest names; together they would serve short pages."""
    path = path_of(store, CATALOG_FILE)
    db = sqlite3.connect(path)
    db.executescript(change)
    db.close()
    whole = json.loads(path_of(store, MANIFEST_FILE).read_text())
    content = path.read_bytes()
    ref = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    edit(
        store,
        files=whole["files"] | {CATALOG_FILE: ref},
        catalog=whole["catalog"] | {"next_label": next_label},
    )
    with pytest.raises(BundleCorrupt, match=re.escape(difference)) as caught:
        open_current(store)
    assert str(store.current().version) in str(caught.value)


@examples(deadline=None, max_examples=100)
@given(
    data=st.binary(max_size=50)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps).map(str.encode)
)
def test_any_bytes_for_a_manifest_raise_a_vitrine_error(data: bytes) -> None:
    with pytest.raises(BundleError) as caught:
        Manifest.parse(data, "v1")
    assert status_of(type(caught.value)) == 503


def test_fingerprints_follow_content_and_names_not_order() -> None:
    one, two = FileRef(sha256="1" * 64, size=1), FileRef(sha256="2" * 64, size=1)
    assert model_fingerprint({"a": one, "b": two}) == model_fingerprint({"b": two, "a": one})
    others = [{"a": two, "b": one}, {"a": one}, {"a": one, "c": two}]
    assert len({model_fingerprint(files) for files in [{"a": one, "b": two}, *others]}) == 4


def test_an_encoder_has_the_files_of_one_runtime() -> None:
    one = FileRef(sha256="1" * 64, size=1)

    def described(*names: str) -> ModelRef:
        files = dict.fromkeys(names, one)
        return ModelRef(
            fingerprint=model_fingerprint(files), source="a", pooling="cls", precision="int8", dim=1, files=files
        )

    assert described(SPEC_FILE, OPENVINO_FILE, OPENVINO_WEIGHTS_FILE).files.keys() in MODEL_LAYOUTS
    for names in (
        (SPEC_FILE,),
        (SPEC_FILE, OPENVINO_FILE),
        (SPEC_FILE, ENCODER_FILE, OPENVINO_WEIGHTS_FILE),
        (SPEC_FILE, ENCODER_FILE, "readme.md"),
    ):
        with pytest.raises(ValueError, match=r"an encoder is encoder\.onnx, preprocess\.json; or"):
            described(*names)
