"""Checks of a token's fields. A signature says who wrote them, not that they make sense."""

from __future__ import annotations

import math
from typing import Any

LARGEST = 2**62


def integer(value: object, low: int = 0, high: int = LARGEST) -> int:
    """`value` if it is an integer from `low` to `high`, and no boolean. Raises ValueError."""
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"not an integer from {low} to {high}")
    return value


def number(value: object, high: float) -> float:
    """`value` if it is a finite float above 0 and up to `high`. Raises ValueError."""
    if type(value) is not float or not math.isfinite(value) or not 0 < value <= high:
        raise ValueError(f"not a number above 0 and up to {high}")
    return value


def octets(value: object, size: int | None = None) -> bytes:
    """`value` if it is bytes, of length `size` where one is given. Raises ValueError."""
    if type(value) is not bytes or size not in (None, len(value)):
        raise ValueError(f"not {'bytes' if size is None else f'{size} bytes'}")
    return value


def text(value: object, size: int) -> str:
    """`value` if it is text of 1 to `size` bytes in UTF-8. Raises ValueError."""
    if type(value) is not str or not 1 <= len(value.encode()) <= size:
        raise ValueError(f"not text of 1 to {size} bytes")
    return value


def items(value: object, size: int | None = None) -> list[Any]:
    """`value` if it is a list, of `size` items where that is given. Raises ValueError."""
    if type(value) is not list or size not in (None, len(value)):
        raise ValueError(f"not a list{'' if size is None else f' of {size}'}")
    return value


def truth(value: object) -> bool:
    """`value` if it is a boolean. Raises ValueError."""
    if type(value) is not bool:
        raise ValueError("not a boolean")
    return value
