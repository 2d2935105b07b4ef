"""A bundle into a store: its files first, its manifest after them, the pointer last."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from export.store.known_labels import check_labels_agree
from export.store.versions import pointer_or_none, read_manifest_of
from handler.manifest import MANIFEST_FILE, bundle_key, model_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from export.bundle.write_bundle import StagedBundle
    from handler.manifest import Manifest
    from handler.stores.store import BundleStore, Pointer


def publish_bundle(store: BundleStore, staged: StagedBundle, expected_etag: str | None) -> Pointer:
    """Make `staged` current, if the pointer still is where the bundle was built upon (None: if there is none).

    Whoever reads meanwhile sees the old bundle or the new one, never half of either. Raises PublishConflict when
    another publisher was first; its bundle stays current.
    """
    manifest = staged.manifest
    _put_model(store, manifest, lambda name: staged.model_directory / name)
    for name in (*manifest.files, MANIFEST_FILE):
        store.put(bundle_key(manifest.version, name), staged.directory / name)
    # Once more: a prune that began before the manifest was there may have taken the model for unused.
    _put_model(store, manifest, lambda name: staged.model_directory / name)
    return store.point(manifest.version, expected_etag)


def copy_bundle(source: BundleStore, target: BundleStore) -> Manifest:
    """Make the bundle that is current in `source` current in `target`, every digest verified on the way.

    One that is current there already is copied over itself, which repairs it. Raises PublishConflict if another
    publisher was first, or if `target`'s products have other labels, which would spoil the sessions there.
    """
    manifest = read_manifest_of(source, source.current().version)
    pointer = pointer_or_none(target)
    check_labels_agree(source, manifest, target)

    def model_file(name: str) -> Path:
        return source.fetch(model_key(manifest.model.fingerprint, name), manifest.model.files[name])

    _put_model(target, manifest, model_file)
    for name, expected in manifest.files.items():
        key = bundle_key(manifest.version, name)
        target.put(key, source.fetch(key, expected))
    with tempfile.TemporaryDirectory() as folder:
        key = bundle_key(manifest.version, MANIFEST_FILE)
        path = Path(folder) / MANIFEST_FILE
        path.write_bytes(source.read(key))
        target.put(key, path)
    _put_model(target, manifest, model_file)
    if pointer is None or pointer.version != manifest.version:
        target.point(manifest.version, pointer.etag if pointer else None)
    return manifest


def _put_model(store: BundleStore, manifest: Manifest, path_of: Callable[[str], Path]) -> None:
    """Models are named by their content: what is there already is the same."""
    for name, expected in manifest.model.files.items():
        key = model_key(manifest.model.fingerprint, name)
        if not store.has(key, expected):
            store.put(key, path_of(name))
