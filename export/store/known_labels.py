"""The labels that a store has handed out, including those of bundles that a rollback left behind.

A session may have been shown products of any bundle that was ever current. So the next new label is above those of all
such bundles, and a product that only a bundle left behind knows gets its label back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from export.store.assign_labels import NO_LABELS, Labels, read_labels
from export.store.move_pointer import high_water
from export.store.versions import complete, list_versions, read_manifest_of
from handler.errors import BundleCorrupt, BundleError, PublishConflict

if TYPE_CHECKING:
    from handler.manifest import Manifest
    from handler.stores.pointer import Pointer
    from handler.stores.store import BundleStore


def known_labels(store: BundleStore, pointer: Pointer | None, earlier: Manifest | None) -> Labels:
    """The labels to build on: `current` are those of `earlier`, the bundle that `pointer` names.

    Reads nothing but the catalog of `earlier`, unless a rollback has left higher labels behind. Two publishers that
    built on the same bundle may have given one label to two products, and which of them became current is not recorded.
    No product gets such a label again. Raises BundleError.
    """
    known = read_labels(store, earlier) if earlier else NO_LABELS
    mark = high_water(store, pointer)
    if mark is None:
        raise _unreadable(store)
    if mark <= known.next_label:
        return known
    ids: dict[int, set[str]] = {}
    labels: dict[str, set[int]] = {}
    for manifest in complete(list_versions(store)).values():
        if manifest.catalog.next_label <= known.next_label:
            continue
        other = read_labels(store, manifest)
        for name, label in {**other.current, **other.retired}.items():
            if known.next_label <= label < mark and name not in known.current and name not in known.retired:
                ids.setdefault(label, set()).add(name)
                labels.setdefault(name, set()).add(label)
    certain = {name: min(those) for name, those in labels.items() if len(those) == 1 == len(ids[min(those)])}
    return Labels(known.current, {**known.retired, **certain}, mark)


def check_labels_agree(source: BundleStore, manifest: Manifest, target: BundleStore, pointer: Pointer) -> None:
    """Raise PublishConflict unless the labels of `manifest` mean the same products in all that `target` has served.

    Sessions remember labels: they would take one product for another.
    """
    if pointer.version == manifest.version:
        return
    earlier = read_manifest_of(target, pointer.version, pointer.current.manifest_sha256)
    here, known = read_labels(source, manifest), known_labels(target, pointer, earlier)
    theirs = {**known.current, **known.retired}
    ids = {label: name for name, label in theirs.items()}
    for name, label in {**here.current, **here.retired}.items():
        if theirs.get(name, label) != label:
            meaning = f"{theirs[name]}"
        elif ids.get(label, name) != name:
            meaning = f"that is the label of {ids[label]!r}"
        elif label < known.next_label and label not in ids:
            meaning = "an earlier bundle used that label for a product that is no longer known"
        else:
            continue
        raise PublishConflict(
            f"Product {name!r} has label {label} in {source.address}, and in {target.address} {meaning}.",
            value=name,
            limit=known.next_label,
            remedy=f"Index the photos into it instead: vitrine index PHOTOS --out {target.address}",
        )


def check_rollback_labels(store: BundleStore, manifest: Manifest, pointer: Pointer) -> None:
    """Raise PublishConflict if `manifest` gives a label to another product than the current bundle does.

    That is a bundle which lost to another publisher and so was never current. A current bundle that cannot be read,
    perhaps the reason for the rollback, is no obstacle. Raises BundleError if the catalog of `manifest` is damaged.
    """
    there = read_labels(store, manifest)
    try:
        current = read_labels(store, read_manifest_of(store, pointer.version, pointer.current.manifest_sha256))
    except BundleError:
        return
    names = {label: name for name, label in {**current.current, **current.retired}.items()}
    for name, label in {**there.current, **there.retired}.items():
        if names.get(label, name) != name:
            raise PublishConflict(
                f"Bundle {manifest.version} was never current: label {label} is {name!r} there and {names[label]!r} in "
                f"{pointer.version}.",
                value=manifest.version,
                remedy=f"Choose another version: vitrine bundles {store.address}",
            )


def _unreadable(store: BundleStore) -> BundleCorrupt:
    version = next(version for version in list_versions(store) if version.has_manifest and version.manifest is None)
    return BundleCorrupt(
        f"The labels that bundle {version.name} has handed out are unknown: {version.problem}.",
        value=version.name,
        remedy=f"Remove it: vitrine prune {store.address} --yes",
    )
