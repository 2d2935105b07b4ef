"""Rollback: point a store to an older bundle. Nothing is copied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from export.store.known_labels import check_rollback_labels
from export.store.move_pointer import move_pointer
from export.store.versions import check_files_are_there, complete, list_versions
from handler.errors import BundleNotFound
from handler.manifest import MANIFEST_FILE, bundle_key
from handler.stores.pointer import next_current

if TYPE_CHECKING:
    from handler.stores.pointer import Pointer
    from handler.stores.store import BundleStore


def roll_back(store: BundleStore, version: str | None = None) -> tuple[Pointer, Pointer]:
    """Make `version` current, or by default the newest that is older than the current one; returns (before, after).

    Raises BundleNotFound if there is no such bundle, BundleCorrupt if one of its files is missing, PublishConflict if
    its labels mean other products than those of the current bundle, or if somebody else moves the pointer meanwhile.
    """
    pointer = store.current()
    manifests = complete(list_versions(store))
    name = version or _before(pointer.version, list(manifests))
    if name is None or name not in manifests:
        raise BundleNotFound(
            f"There is no bundle {name} in {store.address}."
            if name
            else f"There is no bundle in {store.address} that is older than {pointer.version}, which is current.",
            value=name,
            remedy=f"See which there are: vitrine bundles {store.address}",
        )
    if name == pointer.version:
        return pointer, pointer
    check_files_are_there(store, manifests[name])
    check_rollback_labels(store, manifests[name], pointer)
    after = move_pointer(store, name, store.read(bundle_key(name, MANIFEST_FILE)), pointer)
    try:
        store.read(bundle_key(name, MANIFEST_FILE))
    except BundleNotFound:  # a prune that began before this took it; a prune that begins now sees the pointer
        earlier = pointer.current
        back = next_current(after, earlier.version, earlier.manifest_sha256, after.current.next_label)
        store.point(back, after.etag)
        raise
    return pointer, after


def _before(current: str, newest_first: list[str]) -> str | None:
    if current not in newest_first:
        return newest_first[0] if newest_first else None
    older = newest_first[newest_first.index(current) + 1 :]
    return older[0] if older else None
