"""CSV, JSONL and Parquet as one stream of records, each with the place that an error can name."""

from __future__ import annotations

import csv
import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from handler.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Record = tuple[str, "Mapping[str, Any]"]

_TRUTH = {"true": True, "false": False}
# As JSON writes them: a code such as 00123 is no number, or it would lose its zeros.
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,14})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?")


def read_records(path: Path) -> Iterator[Record]:
    """Yield (place, record). Raises CatalogError for another suffix or content that is not what the suffix says."""
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        raise CatalogError(
            f"{path} is not a manifest we read.",
            value=suffix,
            limit=", ".join(MANIFEST_SUFFIXES),
            remedy=f"Save it as one of {', '.join(MANIFEST_SUFFIXES)}.",
        )
    return _READERS[suffix](path)


def _read_csv(path: Path) -> Iterator[Record]:
    """A column counts as numbers, or as true and false, if all its values but the empty ones do."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True, skipinitialspace=True)
            reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
            rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise CatalogError(f"{path} is not a UTF-8 CSV file: {error}.", remedy="Save it as CSV (UTF-8).") from error
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise CatalogError(
                f"{path}, record {number} does not have exactly one value for each column.",
                limit=len(reader.fieldnames or ()),
                remedy="Quote values that hold commas.",
            )
    columns = [name for name in reader.fieldnames or () if name not in ("id", "image")]
    converters = {name: _converter([row[name] for row in rows if row[name]]) for name in columns}
    for number, row in enumerate(rows, start=2):
        typed = {
            name: converters[name](value) if name in converters and value else value for name, value in row.items()
        }
        yield f"{path}, record {number}", typed


def _converter(values: list[str]) -> Any:
    if values and all(value.lower() in _TRUTH for value in values):
        return lambda value: _TRUTH[value.lower()]
    if values and all(_INTEGER.fullmatch(value) for value in values):
        return int
    return float if values and all(_NUMBER.fullmatch(value) for value in values) else str


def _read_jsonl(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            place = f"{path}, line {number}"
            if not line.strip():
                continue
            try:
                record = json.loads(line, parse_constant=_refuse_constant)
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
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise CatalogError("Reading Parquet needs pyarrow.", remedy="Install it with: scripts/setup parquet") from error
    try:
        records = pyarrow.parquet.read_table(path).to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise CatalogError(
            f"{path} is not a Parquet file: {error}.", remedy="Write it again from its source."
        ) from error
    for number, record in enumerate(records, start=1):
        yield (
            f"{path}, row {number}",
            {name: float(value) if isinstance(value, Decimal) else value for name, value in record.items()},
        )


_READERS = {".csv": _read_csv, ".jsonl": _read_jsonl, ".parquet": _read_parquet}
MANIFEST_SUFFIXES = tuple(_READERS)
