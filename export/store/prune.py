"""Old bundles, models that no bundle uses and what broken-off runs left: found first, deleted on demand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from export.store.versions import complete, list_versions
from handler.errors import PublishConflict
from handler.manifest import MANIFEST_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from export.store.collections import Collections
    from export.store.versions import Version
    from handler.stores.store import BundleStore, Stored

KEEP = 5
GRACE = timedelta(days=1)
"""Nobody takes longer to publish: what is younger and looks unfinished may be under way."""


@dataclass(frozen=True)
class Waste:
    """Files that can go together, and why."""

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
    """What may go if the `keep` newest bundles stay, beside the one that is current.

    The bundle that has handed out the highest label stays, too, until the current one has caught up: it is the record
    of which labels must not be used again. Raises BundleNotFound if nothing is current.
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

    Manifests go first: what is left if this is broken off is no bundle any more, and goes the next time.
    """
    current = store.current().version
    if current != expected_version:
        raise PublishConflict(
            f"{store.address} now points to {current}: somebody has published or rolled back meanwhile.",
            value=current,
            remedy="Look again at what can go.",
        )
    files = [file for one in waste for file in one.files]
    for file in sorted(files, key=lambda file: not file.key.endswith(f"/{MANIFEST_FILE}")):
        store.delete(file)
    for one in waste:
        if collections and one.collection:
            collections.milvus.drop(one.collection)


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
