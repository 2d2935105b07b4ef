"""Which labels a store has ever handed out, also in bundles that a rollback has left behind.

A session may have been shown products of any bundle that was current for a while. So the next new label is above those
of all bundles, and a product that only a bundle left behind knows gets its label back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from export.store.assign_labels import NO_LABELS, Labels, read_labels
from export.store.versions import complete, list_versions, pointer_or_none, read_manifest_of
from handler.errors import BundleCorrupt, PublishConflict

if TYPE_CHECKING:
    from handler.manifest import Manifest
    from handler.stores.store import BundleStore


def known_labels(store: BundleStore, earlier: Manifest | None) -> Labels:
    """The labels to assign upon: `current` are those of `earlier`, which is the bundle that is current.

    Two publishers that built upon the same bundle may have given one label to two products; only one of them became
    current, and which cannot be seen any more. Nobody gets such a label again. Raises BundleError.
    """
    known = read_labels(store, earlier) if earlier else NO_LABELS
    later = [manifest for manifest in _manifests(store) if manifest.catalog.next_label > known.next_label]
    if not later:
        return known
    ids: dict[int, set[str]] = {}
    labels: dict[str, set[int]] = {}
    for manifest in later:
        other = read_labels(store, manifest)
        for name, label in {**other.current, **other.retired}.items():
            if label >= known.next_label and name not in known.current and name not in known.retired:
                ids.setdefault(label, set()).add(name)
                labels.setdefault(name, set()).add(label)
    certain = {name: min(those) for name, those in labels.items() if len(those) == 1 == len(ids[min(those)])}
    high_water = max(manifest.catalog.next_label for manifest in later)
    return Labels(known.current, {**known.retired, **certain}, high_water)


def check_labels_agree(source: BundleStore, manifest: Manifest, target: BundleStore) -> None:
    """Raises PublishConflict if a product, or a label, of `manifest` means another in the bundle current in `target`.

    Sessions remember labels: they would take one product for another.
    """
    pointer = pointer_or_none(target)
    if pointer is None:
        return
    here, there = (
        read_labels(store, its)
        for store, its in ((source, manifest), (target, read_manifest_of(target, pointer.version)))
    )
    ours, theirs = {**here.current, **here.retired}, {**there.current, **there.retired}
    ids = {label: name for name, label in theirs.items()}
    for name, label in ours.items():
        if theirs.get(name, label) != label or ids.get(label, name) != name:
            raise PublishConflict(
                f"Product {name!r} has label {label} in {source.address}, and in {target.address} "
                + (f"{theirs[name]}." if name in theirs else f"that is the label of {ids[label]!r}."),
                value=name,
                remedy=f"Index the photos into it instead: vitrine index PHOTOS --out {target.address}",
            )


def _manifests(store: BundleStore) -> list[Manifest]:
    versions = list_versions(store)
    for version in versions:
        if version.problem and version.has_manifest:
            raise BundleCorrupt(
                f"It cannot be told which labels bundle {version.name} has handed out: {version.problem}.",
                value=version.name,
                remedy=f"Remove it: vitrine prune {store.address} --yes",
            )
    return list(complete(versions).values())
