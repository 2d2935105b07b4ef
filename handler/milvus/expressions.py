"""Filters of requests as Milvus expressions. Only numbers are written into them; see handler/milvus/collection.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handler.milvus.collection import LABEL, NUMBERS, TERMS, term
from handler.products.filters import COMPARISONS, check_filter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from handler.manifest import FieldInfo
    from handler.products.filters import Filter


def filter_expression(wanted: Filter, fields: Sequence[FieldInfo]) -> str:
    """The products that pass. A comparison holds for products with exactly one number in that field.

    Raises InvalidFilter.
    """
    positions = {field.name: position for position, field in enumerate(fields)}
    parts = []
    for name, condition in check_filter(wanted, fields):
        position = positions[name]
        if isinstance(condition, dict):
            parts += [
                f'{NUMBERS}["{position}"] {COMPARISONS[comparison]} {float(bound)!r}'
                for comparison, bound in condition.items()
            ]
        else:
            parts.append(f"array_contains_any({TERMS}, {_list(term(position, value) for value in condition)})")
    return both(*parts)


def among(labels: Iterable[int], column: str = LABEL) -> str:
    return f"{column} in {_list(labels)}"


def without(labels: Iterable[int]) -> str:
    """Empty if there are no labels, which means no restriction."""
    listed = _list(labels)
    return f"{LABEL} not in {listed}" if listed != "[]" else ""


def both(*expressions: str) -> str:
    """All of the expressions; empty ones restrict nothing."""
    return " and ".join(f"({one})" for one in expressions if one)


def either(*expressions: str) -> str:
    """Any of the expressions; empty ones admit nothing."""
    return " or ".join(f"({one})" for one in expressions if one)


def _list(values: Iterable[int]) -> str:
    return f"[{', '.join(str(int(value)) for value in sorted(values))}]"
