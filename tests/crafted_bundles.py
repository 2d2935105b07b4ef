"""Bundles as somebody who may write to a store could leave them: every digest fits, whatever the content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handler.manifest import CURRENT_KEY, MANIFEST_FILE, Manifest, bundle_key, manifest_digest
from handler.stores.pointer import next_current, write_current
from handler.stores.store import file_ref

if TYPE_CHECKING:
    from pathlib import Path

    from handler.stores.pointer import Pointer
    from handler.stores.store import BundleStore, DirectoryStore


def point_to(store: BundleStore, version: str, before: Pointer | None = None) -> Pointer:
    """Make a version current over `before`, by default over what is current, and compare no labels."""
    before = before or store.current()
    data = store.read(bundle_key(version, MANIFEST_FILE))
    mark = max(before.current.next_label or 0, Manifest.parse(data, version).catalog.next_label)
    return store.point(next_current(before, version, manifest_digest(data), mark), before.etag)


def overwrite(store: DirectoryStore, name: str, content: bytes, version: str | None = None) -> Path:
    """Replace a file of a bundle, by default the current one, and renew every digest that names it."""
    version = version or store.current().version
    path = store.root / bundle_key(version, name)
    path.write_bytes(content)
    manifest = Manifest.parse(store.read(bundle_key(version, MANIFEST_FILE)), version)
    overwrite_manifest(store, version, files={**manifest.files, name: file_ref(path)})
    return path


def overwrite_manifest(store: DirectoryStore, version: str, **changes: Any) -> None:
    """Change fields of a manifest, and renew its digest in the pointer if it is current."""
    path = store.root / bundle_key(version, MANIFEST_FILE)
    manifest = Manifest.parse(path.read_bytes(), version).model_copy(update=changes)
    path.write_text(manifest.model_dump_json())
    pointer = store.current()
    if pointer.version == version:
        renewed = pointer.current.model_copy(update={"manifest_sha256": manifest_digest(path.read_bytes())})
        (store.root / CURRENT_KEY).write_bytes(write_current(renewed))
