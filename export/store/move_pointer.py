"""Making a bundle current: the one way to write a store's pointer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from export.store.versions import complete, list_versions
from handler.manifest import Manifest, manifest_digest
from handler.stores.pointer import next_current

if TYPE_CHECKING:
    from handler.stores.pointer import Pointer
    from handler.stores.store import BundleStore


def move_pointer(store: BundleStore, version: str, manifest_data: bytes, before: Pointer | None) -> Pointer:
    """Make `version`, all of whose files are in `store`, current in place of `before`.

    `manifest_data` is its manifest.json. Raises PublishConflict if the pointer is not `before` any more, BundleError
    if the manifest is not valid.
    """
    manifest = Manifest.parse(manifest_data, version)
    mark = high_water(store, before)
    if mark is not None:
        mark = max(mark, manifest.catalog.next_label)
    current = next_current(before, version, manifest_digest(manifest_data), mark)
    return store.point(current, before.etag if before else None)


def high_water(store: BundleStore, pointer: Pointer | None) -> int | None:
    """The lowest label that no bundle of `store` has handed out.

    The pointer carries it. Where it does not, since Vitrine 0.1 wrote it or it was deleted, all manifests tell; None if
    one of them cannot be read.
    """
    if pointer and pointer.current.next_label is not None:
        return pointer.current.next_label
    versions = list_versions(store)
    if any(version.has_manifest and version.manifest is None for version in versions):
        return None
    return max((manifest.catalog.next_label for manifest in complete(versions).values()), default=0)
