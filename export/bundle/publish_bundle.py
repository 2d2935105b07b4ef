"""Publishing a bundle: its files first, then its manifest, and the pointer last."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from export.store.known_labels import check_labels_agree
from export.store.move_pointer import move_pointer
from export.store.versions import pointer_or_none
from handler.errors import PublishConflict
from handler.manifest import MANIFEST_FILE, Manifest, bundle_key, manifest_digest
from handler.model_files import model_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from export.bundle.write_bundle import StagedBundle
    from handler.stores.pointer import Pointer
    from handler.stores.store import BundleStore


def publish_bundle(store: BundleStore, staged: StagedBundle, before: Pointer | None) -> Pointer:
    """Make `staged` current if the pointer still is `before`, which the bundle was built on (None: no pointer).

    Readers see the old bundle or the new one, never half of either. Raises PublishConflict when another publisher was
    first; its bundle stays current.
    """
    manifest = staged.manifest
    _put_model(store, manifest, lambda name: staged.model_directory / name)
    for name in (*manifest.files, MANIFEST_FILE):
        store.put(bundle_key(manifest.version, name), staged.directory / name)
    # Once more: a prune that began before the manifest was there may have taken the model for unused.
    _put_model(store, manifest, lambda name: staged.model_directory / name)
    data = (staged.directory / MANIFEST_FILE).read_bytes()
    try:
        return move_pointer(store, manifest.version, data, before)
    except PublishConflict:
        _withdraw(store, manifest.version)
        raise


def copy_bundle(source: BundleStore, target: BundleStore) -> Manifest:
    """Make the bundle that is current in `source` current in `target`, and verify every digest on the way.

    A bundle that is current there already is copied over itself, which repairs it. Raises PublishConflict if another
    publisher was first, or if `target` has served other products under the same labels: sessions would confuse them.
    """
    published = source.current()
    data = source.read(bundle_key(published.version, MANIFEST_FILE))
    manifest = Manifest.parse(data, published.version, published.current.manifest_sha256)
    before = pointer_or_none(target)
    if before:
        check_labels_agree(source, manifest, target, before)

    def model_file(name: str) -> Path:
        return source.fetch(model_key(manifest.model.fingerprint, name), manifest.model.files[name])

    _put_model(target, manifest, model_file)
    for name, expected in manifest.files.items():
        key = bundle_key(manifest.version, name)
        target.put(key, source.fetch(key, expected))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / MANIFEST_FILE
        path.write_bytes(data)
        target.put(bundle_key(manifest.version, MANIFEST_FILE), path)
    _put_model(target, manifest, model_file)
    if before is None or before.current.manifest_sha256 != manifest_digest(data):
        move_pointer(target, manifest.version, data, before)
    return manifest


def _withdraw(store: BundleStore, version: str) -> None:
    """Delete the manifest of a bundle that was never current, so that nobody takes its labels for handed out.

    The rest then counts as never finished, and `vitrine prune` deletes it.
    """
    pointer = pointer_or_none(store)
    if pointer and pointer.version == version:  # another publisher built the same bytes in the same second
        return
    for file in store.files(bundle_key(version, MANIFEST_FILE)):
        store.delete(file)


def _put_model(store: BundleStore, manifest: Manifest, path_of: Callable[[str], Path]) -> None:
    """Store the encoder's files. Models are named by their content, so what is there already is the same."""
    for name, expected in manifest.model.files.items():
        key = model_key(manifest.model.fingerprint, name)
        if not store.has(key, expected):
            store.put(key, path_of(name))
