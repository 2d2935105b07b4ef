"""What has been embedded before, so that no photo is embedded twice.

A photo is known by the hash of its content, and its vector by that hash and the model's fingerprint. Size and
modification time spare reading the files that have not changed. Every batch is committed, so an interrupted run goes on
where it stopped.
"""

from __future__ import annotations

import errno
import hashlib
import sqlite3
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from handler.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, sha256 TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS objects (  -- the same for photos in S3, whose ETag changes with their content
    name TEXT PRIMARY KEY, size INTEGER NOT NULL, etag TEXT NOT NULL, sha256 TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS embeddings (
    sha256 TEXT NOT NULL, fingerprint TEXT NOT NULL,
    vector BLOB,      -- float32, or NULL for a photo that could not be embedded
    reason TEXT,      -- why not
    PRIMARY KEY (sha256, fingerprint)
) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Embedded:
    """What became of one photo: a unit vector (dim,), or the reason why there is none."""

    vector: NDArray[np.float32] | None
    reason: str | None = None


class EmbeddingCache:
    """One SQLite file. A context manager; safe beside another run on the same file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = sqlite3.connect(path, timeout=60)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")  # a power cut costs the last commits, which can be had again
            self._db.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            raise ConfigurationError(
                f"{path} cannot be used as an embedding cache: {error}.",
                value=str(path),
                remedy="If no other run is using it, delete it; its photos are embedded again.",
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.commit()
        self._db.close()

    def content_hash(self, path: Path) -> str:
        """The SHA-256 of a file, without reading it if its size and modification time are those of last time.

        Raises OSError.
        """
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file")  # reading a named pipe would wait for ever
        key = str(path.resolve())
        known = self._db.execute("SELECT size, mtime_ns, sha256 FROM files WHERE path = ?", [key]).fetchone()
        if known and known[:2] == (status.st_size, status.st_mtime_ns):
            return str(known[2])
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        row = (key, status.st_size, status.st_mtime_ns, digest)
        with self._db:  # an open transaction would keep every other run waiting
            self._db.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", row)
        return digest

    def object_hash(self, name: str, size: int, etag: str) -> str | None:
        """The SHA-256 of an object in S3, if it has been read with this size and ETag before."""
        query = "SELECT sha256 FROM objects WHERE name = ? AND size = ? AND etag = ?"
        row = self._db.execute(query, [name, size, etag]).fetchone()
        return None if row is None else str(row[0])

    def put_objects(self, rows: Sequence[tuple[str, int, str, str]]) -> None:
        """Keep (name, size, ETag, SHA-256) of objects that have been read."""
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)", rows)

    def absorb(self, other: Path) -> None:
        """Take over what another cache knows and this one does not."""
        self._db.execute("ATTACH ? AS other", [str(other)])
        try:
            with self._db:
                for table in ("objects", "embeddings"):
                    self._db.execute(f"INSERT OR IGNORE INTO {table} SELECT * FROM other.{table}")  # noqa: S608
        finally:
            self._db.execute("DETACH other")

    def settle(self) -> None:
        """Bring everything into the one file, which can be copied then."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def get(self, sha256: str, fingerprint: str) -> Embedded | None:
        row = self._db.execute(
            "SELECT vector, reason FROM embeddings WHERE sha256 = ? AND fingerprint = ?", [sha256, fingerprint]
        ).fetchone()
        if row is None:
            return None
        return Embedded(None if row[0] is None else np.frombuffer(row[0], dtype=np.float32), row[1])

    def put(self, fingerprint: str, results: Sequence[tuple[str, Embedded]]) -> None:
        """Keep (content hash, result) pairs for good."""
        rows = [
            (sha256, fingerprint, None if result.vector is None else result.vector.tobytes(), result.reason)
            for sha256, result in results
        ]
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?, ?)", rows)
