"""Vectors of earlier runs, so that no photo is embedded twice.

The key of a vector is the hash of the photo's content and the model's fingerprint. Files whose size and modification
time are unchanged are not read again. Every batch is committed, so an interrupted run resumes where it stopped.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sqlite3
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from handler.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, sha256 TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS embeddings (
    sha256 TEXT NOT NULL, fingerprint TEXT NOT NULL,
    vector BLOB,      -- float32, or NULL for a photo that could not be embedded
    reason TEXT,      -- why not
    PRIMARY KEY (sha256, fingerprint)
) STRICT, WITHOUT ROWID;
"""
_SPACE = "Free some space on its disk and run again; photos embedded so far are kept."
_ACCESS = "Make the file and its directory writable."
_REMEDIES = {
    sqlite3.SQLITE_FULL: _SPACE,
    sqlite3.SQLITE_IOERR: _SPACE,
    sqlite3.SQLITE_READONLY: _ACCESS,
    sqlite3.SQLITE_CANTOPEN: _ACCESS,
    sqlite3.SQLITE_PERM: _ACCESS,
    sqlite3.SQLITE_BUSY: "Wait until the other run that uses it has finished.",
}
"""By primary result code (https://www.sqlite.org/rescode.html); for all others the file itself is damaged."""


@dataclass(frozen=True)
class Embedded:
    """The result for one photo: a unit vector (dim,), or the reason why there is none."""

    vector: NDArray[np.float32] | None
    reason: str | None = None


def content_hash(path: Path) -> str:
    """The SHA-256 of a file, hexadecimal. Raises OSError, also for what is not a regular file."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "not a regular file")  # reading a named pipe would block forever
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class EmbeddingCache:
    """One SQLite file; a context manager. Several processes may use the same file.

    Every method raises ConfigurationError, with the remedy, if the disk is full, failing or read-only, if another
    process holds the file for a minute, and if the file is damaged or not a cache. What was committed is kept.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        with self._translated():
            self._db = sqlite3.connect(path, timeout=60)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")  # a power cut loses the last commits only
            self._db.executescript(_SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()  # every method has committed what it wrote

    def content_hash(self, path: Path) -> str:
        """The SHA-256 of a file, without reading it if its size and modification time are those of last time.

        Raises OSError.
        """
        status = path.stat()
        key = os.fsencode(path.resolve()).decode(errors="backslashreplace")  # SQLite takes only valid Unicode
        known = self._first("SELECT size, mtime_ns, sha256 FROM files WHERE path = ?", [key])
        if known and known[:2] == (status.st_size, status.st_mtime_ns):
            return str(known[2])
        digest = content_hash(path)
        row = (key, status.st_size, status.st_mtime_ns, digest)
        self._insert("files", [row])
        return digest

    def get(self, sha256: str, fingerprint: str) -> Embedded | None:
        query = "SELECT vector, reason FROM embeddings WHERE sha256 = ? AND fingerprint = ?"
        row = self._first(query, [sha256, fingerprint])
        if row is None:
            return None
        return Embedded(None if row[0] is None else np.frombuffer(row[0], dtype=np.float32), row[1])

    def put(self, fingerprint: str, results: Sequence[tuple[str, Embedded]]) -> None:
        """Store (content hash, result) pairs."""
        rows = [
            (sha256, fingerprint, None if result.vector is None else result.vector.tobytes(), result.reason)
            for sha256, result in results
        ]
        self._insert("embeddings", rows)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            primary = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_NOTADB) & 0xFF  # the rest is a detail
            raise ConfigurationError(
                f"{self._path} cannot be used as an embedding cache: {error}.",
                value=str(self._path),
                remedy=_REMEDIES.get(primary, "Delete it; its photos are then embedded again."),
            ) from error

    def _first(self, query: str, parameters: Sequence[object]) -> tuple[Any, ...] | None:
        with self._translated():
            row: tuple[Any, ...] | None = self._db.execute(query, parameters).fetchone()
            return row

    def _insert(self, table: str, rows: Sequence[tuple[object, ...]]) -> None:
        """Insert or replace rows of four columns, and commit: an open transaction would block every other run."""
        with self._translated(), self._db:
            self._db.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?)", rows)  # noqa: S608
