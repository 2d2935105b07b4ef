"""Pruning: old bundles, unused models and the remains of interrupted runs. Finding and deleting are two steps."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from export.store.versions import complete, list_versions
from handler.errors import PublishConflict
from handler.manifest import MANIFEST_FILE, bundle_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from export.store.collections import Collections
    from export.store.versions import Version
    from handler.stores.store import BundleStore, Stored

KEEP = 5
GRACE = timedelta(days=1)
"""No publisher takes longer, so a younger file that looks unfinished may still be in use."""


@dataclass(frozen=True)
class Waste:
    """Files to delete together, and the reason."""

    name: str
    reason: str
    files: tuple[Stored, ...]
    collection: str | None = None
    """A Milvus collection to drop."""

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


def find_waste(
    store: BundleStore, keep: int = KEEP, now: datetime | None = None, collections: Collections | None = None
) -> list[Waste]:
    """Find what can be deleted if the `keep` newest bundles stay, besides the current one.

    The bundle with the highest label stays, too, until the current one has caught up: it records which product has
    which of these labels. Raises BundleNotFound if nothing is current.
    """
    store.current()
    before = (now or datetime.now(UTC)) - GRACE
    versions = list_versions(store)
    kept = _kept(versions, keep)
    waste = []
    for version in versions:
        unfinished = version.manifest is None and not version.has_manifest
        if version.name in kept or version.current or (unfinished and version.created_at >= before):
            continue
        reason = version.problem or f"not among the {keep} newest"
        waste.append(Waste(f"bundle {version.name}", reason, version.files))
    staying = [manifest for name, manifest in complete(versions).items() if name in kept]
    used = {manifest.model.fingerprint for manifest in staying}
    for fingerprint, files in _by_folder(store.files("models/")).items():
        if fingerprint not in used and max(file.modified for file in files) < before:
            waste.append(Waste(f"model {fingerprint}", "no bundle that stays uses it", tuple(files)))
    for file in store.leftovers():
        if file.modified < before:
            waste.append(Waste(f"part of {file.key}", "a write that was broken off", (file,)))
    if collections:
        referenced = {manifest.collection.name for manifest in staying if manifest.collection}
        for name in collections.unused(referenced, before):
            waste.append(Waste(f"collection {name}", "no bundle that stays uses it", (), name))
    return waste


def delete(
    store: BundleStore, waste: Sequence[Waste], expected_version: str, collections: Collections | None = None
) -> None:
    """Delete what `find_waste` found while `expected_version` was current. Raises PublishConflict if it no longer is.

    Manifests go first: what an interrupted run leaves is not a bundle any more, and the next run deletes it.
    """
    current = store.current().version
    if current != expected_version:
        raise PublishConflict(
            f"{store.address} now points to {current}: somebody has published or rolled back meanwhile.",
            value=current,
            remedy="Look again at what can go.",
        )
    files = [file for one in waste for file in one.files]
    manifests = [file for file in files if file.key.endswith(f"/{MANIFEST_FILE}")]
    contents = {file.key: store.read(file.key) for file in manifests}
    for file in manifests:
        store.delete(file)
    # A rollback may have chosen one of them before. It checks, too, once it has moved the pointer.
    key = bundle_key(store.current().version, MANIFEST_FILE)
    if key in contents:
        _restore(store, key, contents[key])
        raise PublishConflict(
            f"{store.address} was rolled back to a bundle that was about to be deleted; it stays.",
            value=key,
            remedy="Prune again: the other bundles of this run now count as never finished.",
        )
    for file in files:
        if file.key not in contents:
            store.delete(file)
    for one in waste:
        if collections and one.collection:
            collections.milvus.drop(one.collection)


def _restore(store: BundleStore, key: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / MANIFEST_FILE
        path.write_bytes(content)
        store.put(key, path)


def _kept(versions: list[Version], keep: int) -> set[str]:
    manifests = complete(versions)
    kept = set(list(manifests)[:keep]) | {version.name for version in versions if version.current}
    labels = {name: manifest.catalog.next_label for name, manifest in manifests.items()}
    if labels:
        record = max(labels, key=lambda name: labels[name])
        if labels[record] > max((labels[name] for name in kept if name in labels), default=0):
            kept.add(record)
    return kept


def _by_folder(files: Iterable[Stored]) -> dict[str, list[Stored]]:
    folders: dict[str, list[Stored]] = {}
    for file in files:
        folders.setdefault(file.key.split("/")[1], []).append(file)
    return folders
