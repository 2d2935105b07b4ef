"""`catalog.sqlite`: the tables that `handler.products.catalog` reads."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

from handler.manifest import CatalogInfo
from handler.products.catalog import SCHEMA, field_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from export.photos.read_catalog import CatalogRow
    from export.store.assign_labels import Labels
    from handler.manifest import FieldInfo


def write_catalog(path: Path, rows: Sequence[CatalogRow], labels: Labels, fields: tuple[FieldInfo, ...]) -> CatalogInfo:
    """Write the catalog of `rows`, every one of which has a label."""
    names = [field.name for field in fields]
    numbers = {place for place, field in enumerate(fields) if field.kind == "number"}
    db = sqlite3.connect(path)
    with db:
        db.executescript(SCHEMA)
        for row in sorted(rows, key=lambda row: labels.current[row.id]):
            label = labels.current[row.id]
            text = json.dumps(dict(row.fields), ensure_ascii=False, default=str)
            db.execute("INSERT INTO products VALUES (?, ?, ?, ?)", (label, row.id, row.image, text))
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
    db.close()
    return CatalogInfo(count=len(rows), next_label=labels.next_label, fields=fields)
