"""A bundle's SQLite file, opened to be read."""

from __future__ import annotations

import sqlite3
import weakref
from typing import TYPE_CHECKING, Any, Final

from handler.errors import BundleCorrupt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_BATCH: Final = 500


class SqliteFile:
    """An immutable database, for any thread, closed when its owner is gone.

    A digest proves that a file is the one its publisher wrote, not that SQLite wrote it: any page may be invalid, and
    is read only when a query comes to it.
    """

    def __init__(self, path: Path, owner: object) -> None:
        """Raises BundleCorrupt if there is no such file; its content is not looked at."""
        self._path = path
        uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        try:
            self._db = sqlite3.connect(uri, uri=True, check_same_thread=False)
        except sqlite3.Error as error:
            raise self.corrupt(error) from error
        close_with(owner, self._db)

    def rows(self, query: str, parameters: Sequence[object] = ()) -> list[Any]:
        """All rows of a query. Raises BundleCorrupt where the file is not what SQLite could have written."""
        try:
            return self._db.execute(query, parameters).fetchall()
        except sqlite3.Error as error:
            raise self.corrupt(error) from error

    def batches(self, query: str, parameters: Sequence[object] = ()) -> Iterator[list[Any]]:
        """The rows of a query, up to _BATCH at a time, for callers that may not need all. Raises as `rows` does."""
        try:
            cursor = self._db.execute(query, parameters)
            while rows := cursor.fetchmany(_BATCH):
                yield rows
        except sqlite3.Error as error:
            raise self.corrupt(error) from error

    def corrupt(self, reason: object) -> BundleCorrupt:
        return BundleCorrupt(
            f"{self._path} is not a catalog that Vitrine wrote: {reason}.",
            remedy="Run `vitrine index` again, or `vitrine rollback`.",
        )


def close_with(owner: object, db: sqlite3.Connection) -> None:
    """Close `db` as soon as `owner` is gone.

    CPython's connection and its statement cache refer to each other: an abandoned connection keeps its file
    descriptor and its pages until the garbage collector happens to look at old objects.
    """
    weakref.finalize(owner, db.close)
