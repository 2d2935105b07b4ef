"""What a record of a product table may hold: checked while reading, before any photo is embedded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from handler.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_DEPTH = 8
"""How deep lists and objects may nest within a field."""
MAX_RECORD_BYTES = 16_000
"""UTF-8 bytes of a record as JSON. A page of 100 such products stays below Lambda's 6 MB for an answer."""


def check_record(record: Mapping[str, Any], place: str) -> None:
    """Raises CatalogError, beginning with `place`, for a record that cannot be stored or served as JSON.

    Names and values are valid Unicode, numbers are finite, and both limits of this module hold.
    """
    size = 0
    for name, value in record.items():
        if _deeper_than(MAX_DEPTH, value):
            raise CatalogError(
                f"{place}: the field {name!a} nests lists or objects more than {MAX_DEPTH} deep.",
                field=name,
                limit=MAX_DEPTH,
                remedy="Flatten it.",
            )
        size += len(_encode(name, value, place))
    if size > MAX_RECORD_BYTES:
        raise CatalogError(
            f"{place} has {size:,} bytes as JSON; the limit is {MAX_RECORD_BYTES:,}.",
            value=size,
            limit=MAX_RECORD_BYTES,
            remedy="Shorten its fields or leave some out.",
        )


def _deeper_than(limit: int, value: object) -> bool:
    """Looks no deeper than one level below the limit, so that no nesting exhausts the stack."""
    if not isinstance(value, dict | list):
        return False
    if limit == 0:
        return True
    return any(_deeper_than(limit - 1, one) for one in (value.values() if isinstance(value, dict) else value))


def _encode(name: str, value: object, place: str) -> bytes:
    try:
        return json.dumps({name: value}, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError as error:
        raise CatalogError(
            f"{place}: the field {name!a} is not valid Unicode: half of a surrogate pair "
            f"({error.object[error.start]!a}) stands alone.",
            field=ascii(name),
            remedy="Write the table again as UTF-8.",
        ) from None
    except ValueError:
        raise CatalogError(
            f"{place}: the field {name!r} contains a number that is not finite.",
            field=name,
            remedy="Leave it out; JSON has neither NaN nor Infinity.",
        ) from None
