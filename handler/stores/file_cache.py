"""Local copies of a remote store's files: verified, shared by processes, bounded in size.

The layout is that of the store, so files from one directory stay together. All of them are immutable: a version's name
ends with a digest of its files, and a model's name is a digest. A copy is verified at every use nevertheless.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from handler.errors import BundleCorrupt, CacheTooSmall, ConfigurationError
from handler.file_ref import FileRef
from handler.stores.atomic_file import locked, temporary_beside
from handler.stores.store import check, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DEFAULT_FOLDER = Path(tempfile.gettempdir()) / "vitrine"
DEFAULT_MEGABYTES = 450
"""A Lambda function's /tmp has 512 MB by default."""
_LOCK = ".lock"


class FileCache:
    """A directory of limited size; the least recently used file is deleted first."""

    def __init__(
        self, folder: Path = DEFAULT_FOLDER, megabytes: int = DEFAULT_MEGABYTES, baked: Path | None = None
    ) -> None:
        """`baked` is a read-only directory with the same layout, which came with the program."""
        self.folder = folder
        self.limit = megabytes * 1_000_000
        self._baked = baked

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """For commands, which take only VITRINE_CACHE from the environment."""
        return cls(Path(environ.get("VITRINE_CACHE") or DEFAULT_FOLDER))

    def baked(self, key: str) -> Path | None:
        """The path of `key` among the files that came with the program, unverified; None if it is not there."""
        path = self._baked / key if self._baked else None
        return path if path and path.is_file() else None

    def fetch(self, key: str, expected: FileRef, download: Callable[[Path], str]) -> Path:
        """The local path of `key`. If there is no copy yet, `download` writes one to the path that it is given.

        `download` returns the SHA-256 of what it wrote.

        Raises BundleCorrupt if the baked file or the download is not what `expected` describes, CacheTooSmall if the
        limit or the disk cannot hold it, and ConfigurationError if the cache belongs to another user.
        """
        if baked := self.baked(key):
            # Not replaced by a download: an encoder's files are opened as one directory.
            verify(baked, expected, remedy="Build the function's artifact again.")
            return baked
        path = self.folder / key
        if self._is_here(path, expected):
            return path
        if expected.size > self.limit:
            raise self._too_small(key, expected.size)
        self._make_folder(path.parent)
        # One process downloads; the others wait for it and then find the file.
        with locked(self.folder / _LOCK):
            if self._is_here(path, expected):
                return path
            self._make_room(expected.size, path)
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with temporary_beside(path) as temporary:
                    found = FileRef(sha256=download(temporary), size=temporary.stat().st_size)
                    check(found, expected, key)
                    os.replace(temporary, path)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise self._too_small(key, expected.size) from error
                raise
        return path

    def _is_here(self, path: Path, expected: FileRef) -> bool:
        try:
            verify(path, expected)
            os.utime(path)
        except (FileNotFoundError, NotADirectoryError, BundleCorrupt):
            return False
        return True

    def _make_folder(self, folder: Path) -> None:
        """Raise ConfigurationError if the cache belongs to another user, who could change a verified file."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.folder.stat().st_uid != os.getuid():
            raise ConfigurationError(
                f"{self.folder} belongs to another user.",
                field="cache",
                value=str(self.folder),
                remedy="Set VITRINE_CACHE to a directory of your own.",
            )
        folder.mkdir(parents=True, exist_ok=True)

    def _make_room(self, size: int, replaced: Path) -> None:
        """Delete the least recently used files until `size` bytes fit within the limit and on the disk.

        A process that has a deleted file open keeps its space in use until it closes the file.
        """
        files = [(path.stat(), path) for path in self.folder.rglob("*") if path.is_file() and path.name != _LOCK]
        left = sum(status.st_size for status, path in files if path != replaced) + size
        for status, path in sorted(files, key=lambda file: file[0].st_mtime):
            if left <= self.limit and shutil.disk_usage(self.folder).free >= size:
                return
            if path != replaced:
                path.unlink(missing_ok=True)
                left -= status.st_size

    def _too_small(self, key: str, size: int) -> CacheTooSmall:
        return CacheTooSmall(
            f"{key} has {size:,} bytes and does not fit into {self.folder}, which may hold {self.limit:,}.",
            field="cache",
            value=size,
            limit=self.limit,
            remedy="Give more space (on Lambda: ephemeral storage) and set VITRINE_CACHE_MEGABYTES.",
        )
