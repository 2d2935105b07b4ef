"""JSON that is kept as text."""

from __future__ import annotations


class JsonText(str):
    """The text of a JSON value. It goes from the catalog into answers as it is, neither parsed nor written again."""

    __slots__ = ()
