"""Back to an older bundle: the pointer is set to its name, and nothing is copied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from export.store.versions import check_files_are_there, complete, list_versions
from handler.errors import BundleNotFound

if TYPE_CHECKING:
    from handler.stores.store import BundleStore, Pointer


def roll_back(store: BundleStore, version: str | None = None) -> tuple[Pointer, Pointer]:
    """Make `version` current, or the one created before the current; returns (what was current, what is).

    Raises BundleNotFound if there is none such, BundleCorrupt if a file of it is missing, PublishConflict if somebody
    else moves the pointer meanwhile.
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
    return pointer, store.point(name, pointer.etag)


def _before(current: str, newest_first: list[str]) -> str | None:
    if current not in newest_first:
        return newest_first[0] if newest_first else None
    older = newest_first[newest_first.index(current) + 1 :]
    return older[0] if older else None
