"""CSV, JSONL and Parquet product tables as one stream of records, each with the place that an error can name."""

from __future__ import annotations

import csv
import json
import re
from datetime import date, time
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from export.photos.check_record import MAX_DEPTH, MAX_RECORD_BYTES
from handler.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Record = tuple[str, "Mapping[str, Any]"]

MAX_LINE_BYTES = 8 * MAX_RECORD_BYTES
"""JSON may escape a character in six bytes, and write blanks between values."""
_TRUTH = {"true": True, "false": False}
# As JSON writes them: a code such as 00123 is text, or it would lose its zeros.
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,14})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?")


def read_records(path: Path) -> Iterator[Record]:
    """Yield (place, record). Raises CatalogError for other suffixes and for content that does not match the suffix."""
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        raise CatalogError(
            f"{path} is not a product table in a supported format.",
            value=suffix,
            limit=", ".join(TABLE_SUFFIXES),
            remedy=f"Save it as one of {', '.join(TABLE_SUFFIXES)}.",
        )
    return _READERS[suffix](path)


def _read_csv(path: Path) -> Iterator[Record]:
    """A column is read as numbers, or as true and false, if all its non-empty values are."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, strict=True, skipinitialspace=True)
        try:
            names = reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
            # The line where a record ends: values in quotes may contain line breaks.
            rows = [(f"{path}, line {reader.line_num}", row) for row in reader]
        except (UnicodeDecodeError, csv.Error) as error:
            raise CatalogError(
                f"{path} is not a UTF-8 CSV file: {error} (after line {reader.line_num}).",
                remedy="Save it as CSV (UTF-8).",
            ) from error
    if repeated := sorted({name for name in names if name and names.count(name) > 1}):
        raise CatalogError(
            f"{path} has two columns named {repeated[0]!r}.", value=repeated[0], remedy="Rename or remove one."
        )
    for place, row in rows:
        if None in row or None in row.values():
            raise CatalogError(
                f"{place} does not have exactly one value for each of the {len(names)} columns.",
                limit=len(names),
                remedy="Quote values that contain commas.",
            )
    columns = [name for name in names if name not in ("id", "image")]
    converters = {name: _converter([row[name] for _, row in rows if row[name]]) for name in columns}
    for place, row in rows:
        yield (
            place,
            {name: converters[name](value) if name in converters and value else value for name, value in row.items()},
        )


def _converter(values: list[str]) -> Any:
    if values and all(value.lower() in _TRUTH for value in values):
        return lambda value: _TRUTH[value.lower()]
    if values and all(_INTEGER.fullmatch(value) for value in values):
        return int
    return float if values and all(_NUMBER.fullmatch(value) for value in values) else str


def _read_jsonl(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        for number, line in enumerate(iter(partial(file.readline, MAX_LINE_BYTES + 1), b""), start=1):
            place = f"{path}, line {number}"
            if len(line) > MAX_LINE_BYTES:
                raise CatalogError(
                    f"{place} has more than {MAX_LINE_BYTES:,} bytes.",
                    limit=MAX_LINE_BYTES,
                    remedy=f"Write one object a line; a product may have {MAX_RECORD_BYTES:,} bytes.",
                )
            if not line.strip():
                continue
            try:
                record = json.loads(line, parse_constant=_refuse_constant)
            except RecursionError:
                raise CatalogError(
                    f"{place} nests lists or objects more than {MAX_DEPTH} deep.", limit=MAX_DEPTH, remedy="Flatten it."
                ) from None
            except ValueError as error:
                raise CatalogError(f"{place} is not JSON: {error}.", remedy="Write one object a line.") from error
            if not isinstance(record, dict):
                raise CatalogError(
                    f"{place} is a {type(record).__name__}, not an object.", remedy="Write one object a line."
                )
            yield place, record


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _read_parquet(path: Path) -> Iterator[Record]:
    """Decimals become floats; dates and times become ISO 8601 text."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise CatalogError("Reading Parquet needs pyarrow.", remedy="Install it with: scripts/setup parquet") from error
    try:
        records = pyarrow.parquet.read_table(path).to_pylist()
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise CatalogError(
            f"{path} is not a valid Parquet file: {error}.", remedy="Write it again from its source."
        ) from error
    for number, record in enumerate(records, start=1):
        place = f"{path}, row {number}"
        yield place, {name: _plain(value, f"{place}: the column {name!r}") for name, value in record.items()}


def _plain(value: Any, place: str) -> Any:
    """A Parquet value as JSON would hold it. Raises CatalogError, beginning with `place`, for bytes and the like."""
    if isinstance(value, list | tuple):
        return [_plain(one, place) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one, place) for name, one in value.items()}
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if value is None or isinstance(value, str | int | float):
        return value
    raise CatalogError(
        f"{place} holds {type(value).__name__}, which is not supported.",
        value=type(value).__name__,
        remedy="Leave the column out, or convert it to text or numbers.",
    )


_READERS = {".csv": _read_csv, ".jsonl": _read_jsonl, ".parquet": _read_parquet}
TABLE_SUFFIXES = tuple(_READERS)
