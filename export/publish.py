"""A staged bundle into a store: its files first, its manifest after them, the pointer last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handler.bundle import MANIFEST_FILE, bundle_key, model_key

if TYPE_CHECKING:
    from export.write_bundle import StagedBundle
    from handler.store import BundleStore, Pointer


def publish(store: BundleStore, staged: StagedBundle, expected_etag: str | None) -> Pointer:
    """Make `staged` current, if the pointer still is where the bundle was built upon (None: if there is none).

    Whoever reads meanwhile sees the old bundle or the new one, never half of either. Raises PublishConflict when
    another publisher was first; its bundle stays current.
    """
    manifest = staged.manifest
    for name, expected in manifest.model.files.items():
        key = model_key(manifest.model.fingerprint, name)
        if not store.has(key, expected):
            store.put(key, staged.model_directory / name)
    for name in (*manifest.files, MANIFEST_FILE):
        store.put(bundle_key(manifest.version, name), staged.directory / name)
    return store.point(manifest.version, expected_etag)
