"""What the catalog's fields are, so that filters can be checked and a gallery can offer them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from handler.manifest import FieldInfo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from handler.manifest import FieldKind

MAX_LISTED_VALUES = 50


def describe_fields(products: Sequence[Mapping[str, Any]]) -> tuple[FieldInfo, ...]:
    """The fields that can be filtered by, in alphabetical order.

    A field is a number, a boolean or a keyword (a string, or a list of them) if all its values are; anything else, or
    a mixture, is shown but not filtered by.
    """
    names = sorted({name for fields in products for name in fields})
    described = (_describe(name, _values(products, name)) for name in names)
    return tuple(field for field in described if field is not None)


def _values(products: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    values = (fields[name] for fields in products if fields.get(name) is not None)
    return [one for value in values for one in (value if isinstance(value, list) else [value])]


def _describe(name: str, values: Sequence[Any]) -> FieldInfo | None:
    kind = _kind(values)
    if kind is None:
        return None
    if kind == "number":
        return FieldInfo(name=name, kind=kind, minimum=float(min(values)), maximum=float(max(values)))
    distinct = sorted(set(values)) if kind == "keyword" else []
    return FieldInfo(name=name, kind=kind, values=tuple(distinct) if 0 < len(distinct) <= MAX_LISTED_VALUES else None)


def _kind(values: Sequence[Any]) -> FieldKind | None:
    if values and all(isinstance(value, bool) for value in values):
        return "boolean"
    if values and all(map(_is_number, values)):
        return "number"
    if values and all(isinstance(value, str) for value in values):
        return "keyword"
    return None


def _is_number(value: object) -> bool:
    """A number that fits a float; Python's own integers go beyond."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
