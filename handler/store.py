"""Where bundles live. A store keeps immutable files under keys, and one pointer that moves atomically."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from handler.bundle import CURRENT_KEY, Current, FileRef
from handler.errors import BundleCorrupt, BundleNotFound, PublishConflict

if TYPE_CHECKING:
    from collections.abc import Iterator


class Pointer(NamedTuple):
    """Which version is current, and the tag that changes whenever that does."""

    version: str
    etag: str


class BundleStore(Protocol):
    """Reading and writing bundles. Keys are the slash-separated names of `handler.bundle`."""

    def current(self) -> Pointer:
        """Raises BundleNotFound before the first publish."""

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


class DirectoryStore:
    """A store in a folder of this machine."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def current(self) -> Pointer:
        return _pointer(self.read(CURRENT_KEY))

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
        with _temporary_beside(target) as temporary:
            shutil.copyfile(source, temporary)
            _sync(temporary)
            os.replace(temporary, target)

    def point(self, version: str, expected_etag: str | None) -> Pointer:
        body = Current(version=version).model_dump_json().encode()
        target = self.root / CURRENT_KEY
        with _locked(self.root / ".current.lock"):
            found = _pointer(target.read_bytes()) if target.exists() else None
            if (found.etag if found else None) != expected_etag:
                raise PublishConflict(
                    f"{target} now points to {found.version if found else 'nothing'}: another publisher was first.",
                    value=version,
                    remedy="Publish again on top of it.",
                )
            with _temporary_beside(target) as temporary:
                temporary.write_bytes(body)
                _sync(temporary)
                os.replace(temporary, target)
        return _pointer(body)


def file_ref(path: Path) -> FileRef:
    """Digest and size of a file, read once."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return FileRef(sha256=digest, size=file.tell())


def verify(path: Path, expected: FileRef) -> None:
    """Raises BundleCorrupt unless the file has the size and digest that its manifest names."""
    size = path.stat().st_size
    found = file_ref(path) if size == expected.size else None
    if found != expected:
        raise BundleCorrupt(
            f"{path} is not the file that its manifest names "
            f"({size:,} of {expected.size:,} bytes, sha256 {found.sha256[:12] if found else 'not computed'} "
            f"instead of {expected.sha256[:12]}).",
            remedy="Publish the bundle again, or roll back to an older one.",
        )


def _pointer(body: bytes) -> Pointer:
    return Pointer(Current.parse(body).version, hashlib.sha256(body).hexdigest())


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


@contextmanager
def _temporary_beside(target: Path) -> Iterator[Path]:
    """A temporary path in the target's own folder, gone again if it was not renamed into place."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    path = Path(name)
    path.chmod(0o644)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """An advisory lock held for the block; the kernel lets go of it when a process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
