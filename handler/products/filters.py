"""Filters of requests, checked against the catalog's fields and translated to SQL.

    {"category": ["dress", "skirt"], "price": {"gte": 20, "lt": 50}, "in_stock": true}

All conditions must hold. A list matches any of its values, a plain value exactly that one; numbers also take the
comparisons lt, lte, gt and gte.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from handler.errors import InvalidFilter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from handler.manifest import FieldInfo

    Scalar = str | float | bool
    FilterValue = Scalar | Sequence[Scalar] | Mapping[str, float]
    Filter = Mapping[str, FilterValue]
    Checked = str | float | bool

MAX_CONDITIONS = 16
MAX_VALUES = 100
COMPARISONS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
# JSON can escape half of a surrogate pair, which UTF-8, and therefore SQLite, cannot encode.
_SURROGATE = re.compile("[\ud800-\udfff]")
_TYPES = {"keyword": "a string", "number": "a number", "boolean": "true or false"}


def check_filter(
    wanted: Filter, fields: Sequence[FieldInfo]
) -> Iterator[tuple[str, list[Checked] | dict[str, Checked]]]:
    """Yield each condition with its field: a list of values, any of which matches, or numbers by comparison.

    Raises InvalidFilter with the field, the value and the valid choices.
    """
    if len(wanted) > MAX_CONDITIONS:
        raise InvalidFilter(
            f"The filter has {len(wanted)} conditions; the limit is {MAX_CONDITIONS}.",
            field="filter",
            value=len(wanted),
            limit=MAX_CONDITIONS,
        )
    known = {field.name: field for field in fields}
    for name, value in wanted.items():
        if name not in known:
            raise InvalidFilter(
                f"The catalog has no filter field {name!r}.",
                field=f"filter.{name}",
                value=name,
                limit=", ".join(known) or "(no fields)",
                remedy="GET /v1/bundle lists the fields.",
            )
        yield name, _comparison(known[name], value) if isinstance(value, dict) else _values(known[name], value)


def to_sql(wanted: Filter, fields: Sequence[FieldInfo]) -> tuple[str, list[object]]:
    """A query over the `field_values` table for the labels that pass, and its parameters. Raises InvalidFilter."""
    numbers = {field.name: number for number, field in enumerate(fields)}
    selects: list[str] = []
    parameters: list[object] = []
    for name, condition in check_filter(wanted, fields):
        if isinstance(condition, dict):
            text = " AND ".join(f"value {COMPARISONS[comparison]} ?" for comparison in condition)
            values = list(condition.values())
        else:
            text, values = f"value IN ({', '.join('?' * len(condition))})", condition
        selects.append(f"SELECT label FROM field_values WHERE field = ? AND {text}")  # noqa: S608  only our text
        parameters += [numbers[name], *values]
    return " INTERSECT ".join(selects), parameters


def _values(field: FieldInfo, given: FilterValue) -> list[Checked]:
    values: list[object] = list(given) if isinstance(given, list | tuple) else [given]
    if not 1 <= len(values) <= MAX_VALUES:
        raise InvalidFilter(
            f"The filter on {field.name} has {len(values)} values; 1 to {MAX_VALUES} are allowed.",
            field=f"filter.{field.name}",
            value=len(values),
            limit=MAX_VALUES,
        )
    return [_checked(field, value) for value in values]


def _comparison(field: FieldInfo, bounds: dict[str, float]) -> dict[str, Checked]:
    if field.kind != "number" or not bounds or not bounds.keys() <= COMPARISONS.keys():
        raise InvalidFilter(
            f"{field.name} is a {field.kind} field; {dict(bounds)!r} is not a valid comparison.",
            field=f"filter.{field.name}",
            value=bounds,
            limit=", ".join(COMPARISONS) if field.kind == "number" else f"{_TYPES[field.kind]}, or a list of them",
        )
    return {comparison: _checked(field, value) for comparison, value in bounds.items()}


def _checked(field: FieldInfo, value: object) -> Checked:
    valid = {
        "keyword": isinstance(value, str) and not _SURROGATE.search(value),
        "number": isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value),
        "boolean": isinstance(value, bool),
    }[field.kind]
    if not valid:
        raise InvalidFilter(
            f"{field.name} is a {field.kind} field; {value!r} is not {_TYPES[field.kind]}.",
            field=f"filter.{field.name}",
            value=value,
            limit=_TYPES[field.kind],
        )
    return float(value) if field.kind == "number" else value  # type: ignore[arg-type,return-value]
