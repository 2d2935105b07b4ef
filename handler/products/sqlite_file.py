"""A bundle's SQLite file, opened to be read."""

from __future__ import annotations

import sqlite3
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def open_read_only(path: Path, owner: object) -> sqlite3.Connection:
    """A connection to an immutable database, for any thread, closed when `owner` is gone. Raises sqlite3.Error."""
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)
    close_with(owner, db)
    return db


def close_with(owner: object, db: sqlite3.Connection) -> None:
    """Close `db` as soon as `owner` is gone.

    CPython's connection and its statement cache refer to each other: an abandoned connection keeps its file
    descriptor and its pages until the garbage collector happens to look at old objects.
    """
    weakref.finalize(owner, db.close)
