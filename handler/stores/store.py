"""The interface of a store, immutable files under keys and one pointer that moves atomically; the directory store."""

from __future__ import annotations

import hashlib
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from handler.errors import BundleCorrupt, BundleNotFound, PublishConflict
from handler.file_ref import FileRef
from handler.manifest import CURRENT_KEY
from handler.stores.atomic_file import locked, make_directories, move_into_place, temporary_beside, temporary_prefix
from handler.stores.pointer import Pointer, read_current, write_current

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from handler.stores.pointer import Current


_FOLDERS = ("bundles", "models", "shards")
_HIDDEN_POINTER = temporary_prefix(CURRENT_KEY)


class Stored(NamedTuple):
    """A file in a store, or an upload that never finished: then `upload` is its id."""

    key: str
    size: int
    modified: datetime
    upload: str | None = None


class BundleStore(Protocol):
    """Reading and writing bundles. Keys are the slash-separated names of `handler.manifest` and `handler.model_files`.

    Every method raises StoreUnavailable when the store cannot be reached or refuses.
    """

    @property
    def address(self) -> str:
        """The location, as `open_store` takes it."""

    def current(self, known: Pointer | None = None) -> Pointer:
        """The pointer: `known` itself if it has not moved since, which is cheap to find out.

        Raises BundleNotFound before the first publish, BundleCorrupt.
        """

    def read(self, key: str) -> bytes:
        """A small file's bytes. Raises BundleNotFound."""

    def fetch(self, key: str, expected: FileRef) -> Path:
        """A local path to the file, its digest verified. Raises BundleNotFound, BundleCorrupt."""

    def has(self, key: str, expected: FileRef) -> bool:
        """Whether the store has a file of the expected size under `key`. Does not read its content."""

    def put(self, key: str, source: Path) -> None:
        """Store a file; readers of `key` see all of it or nothing."""

    def point(self, current: Current, expected_etag: str | None) -> Pointer:
        """Write the pointer if it still has `expected_etag` (None: if there is none yet).

        `next_current` makes a `current` that differs from every earlier one. Raises PublishConflict when another
        publisher moved the pointer first; nothing changes then.
        """

    def files(self, prefix: str) -> list[Stored]:
        """The files whose keys begin with `prefix`, in the order of their keys."""

    def leftovers(self) -> list[Stored]:
        """Incomplete writes, of stopped writers and of those still at work. No reader opens them."""

    def delete(self, stored: Stored) -> None:
        """Remove a file or a leftover. Does nothing if it is gone already."""


class DirectoryStore:
    """A store in a directory of this machine."""

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
        make_directories(target.parent)
        with temporary_beside(target) as temporary:
            shutil.copyfile(source, temporary)
            move_into_place(temporary, target)

    def point(self, current: Current, expected_etag: str | None) -> Pointer:
        body = write_current(current)
        target = self.root / CURRENT_KEY
        with locked(self.root / ".current.lock"):
            found = _pointer(target.read_bytes()) if target.exists() else None
            if (found.etag if found else None) != expected_etag:
                raise PublishConflict(
                    f"{target} now points to {found.version if found else 'nothing'}: another publisher was first.",
                    value=current.version,
                    remedy="Publish again on top of it.",
                )
            with temporary_beside(target) as temporary:
                temporary.write_bytes(body)
                move_into_place(temporary, target)
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
        below = (path for name in _FOLDERS for path in sorted((self.root / name).glob("**/*")))
        for path in (*below, *self.root.glob("*")):
            if path.is_file() and (path.parent != self.root or path.name.startswith((CURRENT_KEY, _HIDDEN_POINTER))):
                status = path.stat()
                modified = datetime.fromtimestamp(status.st_mtime, UTC)
                yield Stored(path.relative_to(self.root).as_posix(), status.st_size, modified)


def file_ref(path: Path) -> FileRef:
    """Digest and size of a file, read once."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return FileRef(sha256=digest, size=file.tell())


_PUBLISH_AGAIN = "Publish the bundle again, or roll back to an older one."


def verify(path: Path, expected: FileRef, remedy: str = _PUBLISH_AGAIN) -> None:
    """Raise BundleCorrupt unless a file's size and digest are those that its manifest names."""
    check(file_ref(path), expected, path, remedy)


def check(found: FileRef, expected: FileRef, name: str | Path, remedy: str = _PUBLISH_AGAIN) -> None:
    """Raise BundleCorrupt, with `name` for the file, if what was found is not what its manifest names."""
    if found != expected:
        raise BundleCorrupt(
            f"{name} is not the file that its manifest names ({found.size:,} of {expected.size:,} bytes, "
            f"sha256 {found.sha256[:12]} instead of {expected.sha256[:12]}).",
            remedy=remedy,
        )


def _is_hidden(key: str) -> bool:
    return key.rpartition("/")[2].startswith(".")


def _pointer(body: bytes) -> Pointer:
    return Pointer(read_current(body), hashlib.sha256(body).hexdigest())
