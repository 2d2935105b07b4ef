"""The text index in `catalog.sqlite`, which `handler.words.text_index` searches."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

from handler.errors import ConfigurationError
from handler.words.text_index import COLUMNS, schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from handler.manifest import Tokenizer

COLUMN_OF = {"title": "title", "name": "title", "category": "category"}
"""Fields that have a column of the index to themselves; all other text is in the last one."""


def write_texts(catalog: Path, products: Iterable[tuple[int, Mapping[str, Any]]], tokenizer: Tokenizer) -> None:
    """Add the text index of `products`, pairs of label and fields, to a catalog. Products without text stay out.

    Raises ConfigurationError if this Python's SQLite has no FTS5.
    """
    with contextlib.closing(sqlite3.connect(catalog)) as db, db:
        try:
            db.execute(schema(tokenizer))
        except sqlite3.OperationalError as error:
            raise ConfigurationError(
                f"The text index cannot be written by SQLite {sqlite3.sqlite_version}: {error}.",
                value=sqlite3.sqlite_version,
                remedy="Run a Python whose SQLite has FTS5, such as python.org's.",
            ) from error
        db.executemany(
            f"INSERT INTO texts (rowid, {', '.join(COLUMNS)}) VALUES (?, ?, ?, ?)",  # noqa: S608  only our own text
            ((label, *columns) for label, fields in products if any(columns := columns_of(fields))),
        )
        db.execute("INSERT INTO texts (texts) VALUES ('optimize')")


def columns_of(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """A product's strings by column, one a line, those in its lists included."""
    texts: dict[str, list[str]] = {column: [] for column in COLUMNS}
    for name, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str):
                texts[COLUMN_OF.get(name, COLUMNS[-1])].append(one)
    return tuple("\n".join(texts[column]) for column in COLUMNS)
