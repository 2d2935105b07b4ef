"""The catalog's text, searched with SQLite's FTS5.

The index is contentless: it holds the position of every word and none of the text, which the products have already. It
keeps full detail, because a quoted word with a hyphen is a phrase, and only full detail can answer phrases.
"""

from __future__ import annotations

import json
import re
import sqlite3
from functools import cached_property
from typing import TYPE_CHECKING, Final

from handler.errors import BundleCorrupt, ConfigurationError, InvalidRequest
from handler.products.sqlite_file import SqliteFile, close_with

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from handler.manifest import Tokenizer
    from handler.products.engine import Candidates

COLUMNS: Final = ("title", "category", "rest")
WEIGHTS: Final = (8.0, 4.0, 1.0)
"""Of the columns in bm25: a word of the title says what a product is, a word of a description mentions something."""
MAX_TEXT = 200
"""Characters of a search."""
MAX_WORDS = 12
MIN_PREFIX = 2
"""Characters. A single letter stands for itself; as the start of a word it would match most of a catalog."""
RANKED: Final = 10_000
"""Matching products that are ranked, those with the lowest labels. bm25 takes 0.8 µs a product, and a word that more
products have tells them hardly apart."""
_NO_FTS5: Final = "no such module"
_TOKENIZERS: Final[Mapping[Tokenizer, str]] = {
    "unicode61": "unicode61 remove_diacritics 2",
    "porter": "porter unicode61 remove_diacritics 2",
}
_WORD = re.compile('[^\\s"\x00-\x1f\x7f\ud800-\udfff]+')
"""No quotes, which end a quoted word in FTS5; no NUL, which ends a string there; no halves of surrogate pairs."""


def schema(tokenizer: Tokenizer) -> str:
    """The table of the text index; its rowid is the product's label. Porter reduces English words to their stems."""
    columns = ", ".join(COLUMNS)
    return f"CREATE VIRTUAL TABLE texts USING fts5({columns}, content='', tokenize='{_TOKENIZERS[tokenizer]}')"


def words_of(text: str) -> list[str]:
    """The words of a search as they were typed, each once.

    Raises InvalidRequest if there are none or more than MAX_WORDS.
    """
    once: dict[str, str] = {}
    for word in _WORD.findall(text):
        if any(map(str.isalnum, word)):
            once.setdefault(word.casefold(), word)
    words = list(once.values())
    if not 1 <= len(words) <= MAX_WORDS:
        raise InvalidRequest(
            f"The text has {len(words)} words; 1 to {MAX_WORDS} can be searched for.",
            field="text",
            value=text,
            limit=MAX_WORDS,
            remedy="Search for letters or digits, and for fewer words.",
        )
    return words


class Tokens:
    """Splits texts into the terms that a tokenizer writes into the text index."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Raises ConfigurationError if this Python's SQLite has no FTS5."""
        self._db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        close_with(self, self._db)
        try:
            self._db.execute(schema(tokenizer))
            self._db.execute("CREATE VIRTUAL TABLE terms USING fts5vocab('texts', 'instance')")
        except sqlite3.OperationalError as error:
            raise _no_fts5() from error

    def of(self, text: str) -> list[str]:
        """`text` in the index's terms: lower case, without accents, reduced to stems by porter."""
        self._db.execute("INSERT INTO texts (texts) VALUES ('delete-all')")
        self._db.execute("INSERT INTO texts (rowid, title) VALUES (1, ?)", [text])
        return [term for (term,) in self._db.execute("SELECT term FROM terms ORDER BY offset")]


class TextIndex:
    """Read-only view of the `texts` table of a bundle's verified `catalog.sqlite`."""

    def __init__(self, path: Path, tokenizer: Tokenizer) -> None:
        """Raises ConfigurationError if this Python's SQLite has no FTS5, BundleCorrupt if the table is missing."""
        self._file = SqliteFile(path, self)
        try:
            self._file.rows("SELECT rowid FROM texts LIMIT 0")
        except BundleCorrupt as error:
            if _NO_FTS5 in str(error):
                raise _no_fts5() from error
            raise
        self._tokenizer = tokenizer

    @cached_property
    def _tokens(self) -> Tokens:
        return Tokens(self._tokenizer)

    def terms(self, text: str) -> list[str]:
        """See `Tokens.of`."""
        return self._tokens.of(text)

    def search(self, words: Sequence[str], count: int, allowed: Candidates | None = None) -> list[int]:
        """Up to `count` labels of `allowed`, best first by bm25 among the first RANKED that match.

        Products must have all `words`, or words that begin with them. Where no product does, one of them is enough.
        """
        wanted = [f'"{word}"{"*" if len(word) >= MIN_PREFIX else ""}' for word in words]
        return self._match(" AND ".join(wanted), count, allowed) or self._match(" OR ".join(wanted), count, allowed)

    def _match(self, query: str, count: int, allowed: Candidates | None) -> list[int]:
        values: list[object] = []
        if allowed is None:
            bound = ""
            for (label,) in self._file.rows(f"{_MATCHING} LIMIT 1 OFFSET ?", [query, RANKED]):
                bound, values = "AND rowid < ?", [label]
        else:
            candidates = self._candidates(query, allowed)
            if not candidates:
                return []
            # The plus keeps SQLite from searching the index once for every candidate.
            bound = "AND rowid <= ? AND +rowid IN (SELECT value FROM json_each(?))"
            values = [candidates[-1], json.dumps(candidates)]
        ranked = self._file.rows(
            f"SELECT rowid FROM texts WHERE texts MATCH ? {bound} ORDER BY bm25(texts, {_WEIGHTS_SQL}), rowid LIMIT ?",  # noqa: S608
            [query, *values, count],
        )
        return [label for (label,) in ranked]

    def _candidates(self, query: str, allowed: Candidates) -> list[int]:
        """The first RANKED labels of `allowed` that match, in ascending order."""
        found: list[int] = []
        for rows in self._file.batches(_MATCHING, [query]):
            found += sorted(allowed.among([label for (label,) in rows]))
            if len(found) >= RANKED:
                break
        return found[:RANKED]


_MATCHING = "SELECT rowid FROM texts WHERE texts MATCH ? ORDER BY rowid"


def _no_fts5() -> ConfigurationError:
    return ConfigurationError(
        f"SQLite {sqlite3.sqlite_version} has no FTS5, which the text search of this bundle needs.",
        value=sqlite3.sqlite_version,
        remedy="Run a Python whose SQLite has it, such as Lambda's python3.12 or newer or python.org's.",
    )


_WEIGHTS_SQL = ", ".join(map(str, WEIGHTS))
