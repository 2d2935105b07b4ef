"""The bundles in a store, as `vitrine bundles` lists them and rollback, prune and labels need them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from handler.errors import BundleCorrupt, BundleNotFound
from handler.manifest import MANIFEST_FILE, Manifest, bundle_key
from handler.model_files import model_key

if TYPE_CHECKING:
    from datetime import datetime

    from handler.stores.pointer import Pointer
    from handler.stores.store import BundleStore, Stored

_FOLDER = "bundles/"


@dataclass(frozen=True)
class Version:
    """A version's files, and its manifest or the `problem` with it: never finished, or not readable."""

    name: str
    files: tuple[Stored, ...]
    manifest: Manifest | None
    problem: str | None
    current: bool

    @property
    def size(self) -> int:
        """Bytes, without the model."""
        return sum(file.size for file in self.files)

    @property
    def created_at(self) -> datetime:
        return self.manifest.created_at if self.manifest else max(file.modified for file in self.files)

    @property
    def has_manifest(self) -> bool:
        return any(file.key == bundle_key(self.name, MANIFEST_FILE) for file in self.files)


def list_versions(store: BundleStore) -> list[Version]:
    """Newest first. Reads every manifest, and nothing else. Raises BundleIncompatible, StoreUnavailable."""
    pointer = pointer_or_none(store)
    by_name: dict[str, list[Stored]] = {}
    for file in store.files(_FOLDER):
        by_name.setdefault(file.key.removeprefix(_FOLDER).partition("/")[0], []).append(file)
    versions = [_version(store, name, files, pointer) for name, files in by_name.items()]
    return sorted(versions, key=lambda version: (version.created_at, version.name), reverse=True)


def complete(versions: list[Version]) -> dict[str, Manifest]:
    """The manifests of the complete versions, newest first."""
    return {version.name: version.manifest for version in versions if version.manifest}


def pointer_or_none(store: BundleStore) -> Pointer | None:
    try:
        return store.current()
    except BundleNotFound:
        return None


def read_manifest_of(store: BundleStore, version: str, sha256: str | None = None) -> Manifest:
    """Read a manifest, which must have the digest `sha256` if one is given. Raises BundleError."""
    return Manifest.parse(store.read(bundle_key(version, MANIFEST_FILE)), version, sha256)


def check_files_are_there(store: BundleStore, manifest: Manifest) -> None:
    """Raise BundleCorrupt unless every file of a bundle and of its model is there with its size."""
    files = {bundle_key(manifest.version, name): expected for name, expected in manifest.files.items()}
    files |= {model_key(manifest.model.fingerprint, name): ref for name, ref in manifest.model.files.items()}
    for key, expected in files.items():
        if not store.has(key, expected):
            raise BundleCorrupt(
                f"{key} of bundle {manifest.version} is not in {store.address} as its manifest names it.",
                value=key,
                remedy=f"Take another version: vitrine bundles {store.address}",
            )


def _version(store: BundleStore, name: str, files: list[Stored], pointer: Pointer | None) -> Version:
    manifest, problem = None, None
    try:
        manifest = read_manifest_of(store, name)
    except BundleNotFound:
        problem = "never finished"
    except BundleCorrupt:
        problem = "its manifest cannot be read"
    return Version(name, tuple(files), manifest, problem, pointer is not None and pointer.version == name)
