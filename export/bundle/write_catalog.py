"""`catalog.sqlite`: the tables that `handler.products.catalog` reads."""

from __future__ import annotations

import errno
import json
import math
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from handler.manifest import CatalogInfo
from handler.products.catalog import SCHEMA, field_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from export.photos.read_catalog import CatalogRow
    from export.store.assign_labels import Labels
    from handler.manifest import FieldInfo


def write_catalog(path: Path, rows: Sequence[CatalogRow], labels: Labels, fields: tuple[FieldInfo, ...]) -> CatalogInfo:
    """Write the catalog of `rows`, every one of which has a label. Raises OSError if the disk is full."""
    names = [field.name for field in fields]
    numbers = {place for place, field in enumerate(fields) if field.kind == "number"}
    with _disk_errors(path), closing(sqlite3.connect(path)) as db:
        with db:
            db.executescript(SCHEMA)
            for row in sorted(rows, key=lambda row: labels.current[row.id]):
                label = labels.current[row.id]
                db.execute("INSERT INTO products VALUES (?, ?, ?, ?)", (label, row.id, row.image, fields_text(row)))
                # Filters compare floats, and SQLite's integers end at 64 bits.
                values = {
                    (place, float(value) if place in numbers else value, label)  # type: ignore[arg-type]
                    for place, value in field_rows(row.fields, names)
                }
                db.executemany("INSERT INTO field_values VALUES (?, ?, ?)", values)
            db.executemany(
                "INSERT INTO retired (label, id) VALUES (?, ?)",
                sorted((label, name) for name, label in labels.retired.items()),
            )
        db.execute("VACUUM")
    return CatalogInfo(count=len(rows), next_label=labels.next_label, fields=fields)


def fields_text(row: CatalogRow) -> str:
    """A product's fields as the JSON object that answers contain."""
    return json.dumps(_finite(row.fields), ensure_ascii=False, default=str)


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's report of a full or failing disk into an OSError that names the file."""
    try:
        yield
    except sqlite3.OperationalError as error:
        code = {sqlite3.SQLITE_FULL: errno.ENOSPC, sqlite3.SQLITE_IOERR: errno.EIO}.get(error.sqlite_errorcode & 0xFF)
        if code is None:
            raise
        raise OSError(code, f"{os.strerror(code)} ({error})", str(path)) from error


def _finite(value: object) -> object:
    """`value` with null for NaN and infinities, which JSON does not have: answers contain this text as it is."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
