"""Where bundles live. A store keeps immutable files under keys, and one pointer that moves atomically."""

from __future__ import annotations

import hashlib
import os
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from handler.errors import BundleCorrupt, BundleNotFound, PublishConflict
from handler.manifest import CURRENT_KEY, Current, FileRef
from handler.stores.atomic_file import locked, sync, temporary_beside, temporary_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


_HIDDEN_POINTER = temporary_prefix(CURRENT_KEY)


class Pointer(NamedTuple):
    """Which version is current, and the tag that changes whenever that does."""

    version: str
    etag: str


class Stored(NamedTuple):
    """A file in a store. `upload` names an upload that was begun and never finished, where that is not a file."""

    key: str
    size: int
    modified: datetime
    upload: str | None = None


class BundleStore(Protocol):
    """Reading and writing bundles. Keys are the slash-separated names of `handler.manifest`.

    Every method raises StoreUnavailable when the store cannot be reached or refuses.
    """

    @property
    def address(self) -> str:
        """Where it is, as `open_store` takes it."""

    def current(self, known: Pointer | None = None) -> Pointer:
        """`known` itself if the pointer has not moved since, which costs next to nothing.

        Raises BundleNotFound before the first publish.
        """

    def read(self, key: str) -> bytes:
        """A small file's bytes. Raises BundleNotFound."""

    def fetch(self, key: str, expected: FileRef) -> Path:
        """A local path to the file, its digest verified. Raises BundleNotFound, BundleCorrupt."""

    def has(self, key: str, expected: FileRef) -> bool:
        """Is the whole file there? Decided by its size: content-addressed files have no other reason to differ."""

    def put(self, key: str, source: Path) -> None:
        """Store a file under a key of its own; whoever reads `key` sees all of it or nothing."""

    def point(self, version: str, expected_etag: str | None) -> Pointer:
        """Make `version` current if the pointer still has `expected_etag` (None: if there is none yet).

        Raises PublishConflict when another publisher moved it first; nothing is changed then.
        """

    def files(self, prefix: str) -> list[Stored]:
        """The files whose keys begin with `prefix`, in the order of their keys."""

    def leftovers(self) -> list[Stored]:
        """What writers left that were stopped half-way, and those that are still writing: nobody reads these."""

    def delete(self, stored: Stored) -> None:
        """Remove a file or a leftover; one that is gone already is no error."""


class DirectoryStore:
    """A store in a folder of this machine."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def address(self) -> str:
        return str(self.root)

    def current(self, known: Pointer | None = None) -> Pointer:
        pointer = _pointer(self.read(CURRENT_KEY))
        return known if pointer == known and known else pointer

    def read(self, key: str) -> bytes:
        try:
            return (self.root / key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise BundleNotFound(
                f"There is no {key} in {self.root}.",
                value=key,
                remedy=f"Make a bundle first: vitrine index PHOTOS --out {self.root}",
            ) from None

    def fetch(self, key: str, expected: FileRef) -> Path:
        path = self.root / key
        if not path.is_file():
            raise BundleNotFound(f"There is no {key} in {self.root}.", value=key, remedy="Index again.")
        verify(path, expected)
        return path

    def has(self, key: str, expected: FileRef) -> bool:
        path = self.root / key
        return path.is_file() and path.stat().st_size == expected.size

    def put(self, key: str, source: Path) -> None:
        target = self.root / key
        target.parent.mkdir(parents=True, exist_ok=True)
        with temporary_beside(target) as temporary:
            shutil.copyfile(source, temporary)
            sync(temporary)
            os.replace(temporary, target)

    def point(self, version: str, expected_etag: str | None) -> Pointer:
        body = Current(version=version).model_dump_json().encode()
        target = self.root / CURRENT_KEY
        with locked(self.root / ".current.lock"):
            found = _pointer(target.read_bytes()) if target.exists() else None
            if (found.etag if found else None) != expected_etag:
                raise PublishConflict(
                    f"{target} now points to {found.version if found else 'nothing'}: another publisher was first.",
                    value=version,
                    remedy="Publish again on top of it.",
                )
            with temporary_beside(target) as temporary:
                temporary.write_bytes(body)
                sync(temporary)
                os.replace(temporary, target)
        return _pointer(body)

    def files(self, prefix: str) -> list[Stored]:
        return sorted(file for file in self._files() if file.key.startswith(prefix) and not _is_hidden(file.key))

    def leftovers(self) -> list[Stored]:
        return sorted(file for file in self._files() if _is_hidden(file.key))

    def delete(self, stored: Stored) -> None:
        path = self.root / stored.key
        path.unlink(missing_ok=True)
        if path.parent != self.root and path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()

    def _files(self) -> Iterator[Stored]:
        folders = (folder for name in ("bundles", "models") for folder in sorted((self.root / name).glob("**/*")))
        for path in (*folders, *self.root.glob("*")):
            if path.is_file() and (path.parent != self.root or path.name.startswith((CURRENT_KEY, _HIDDEN_POINTER))):
                status = path.stat()
                modified = datetime.fromtimestamp(status.st_mtime, UTC)
                yield Stored(path.relative_to(self.root).as_posix(), status.st_size, modified)


def file_ref(path: Path) -> FileRef:
    """Digest and size of a file, read once."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return FileRef(sha256=digest, size=file.tell())


def verify(path: Path, expected: FileRef, name: str | None = None) -> None:
    """Raises BundleCorrupt, calling the file `name`, unless it has the size and digest that its manifest names."""
    size = path.stat().st_size
    found = file_ref(path) if size == expected.size else None
    if found != expected:
        raise BundleCorrupt(
            f"{name or path} is not the file that its manifest names "
            f"({size:,} of {expected.size:,} bytes, sha256 {found.sha256[:12] if found else 'not computed'} "
            f"instead of {expected.sha256[:12]}).",
            remedy="Publish the bundle again, or roll back to an older one.",
        )


def _is_hidden(key: str) -> bool:
    return key.rpartition("/")[2].startswith(".")


def _pointer(body: bytes) -> Pointer:
    return Pointer(Current.parse(body).version, hashlib.sha256(body).hexdigest())
