"""The layout of a bundle's collection, which the export side writes and the handler reads.

A row is a product. Every expression that the handler sends consists of numbers: strings from requests (ids, values of
filters) become 64-bit keys first, so that no text from outside is ever part of an expression.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import NamedTuple

from handler.errors import ConfigurationError

LABEL = "label"
"""INT64, primary key."""
SLOT = "slot"
"""INT64: 0 to the number of products - 1, each once, so that a uniform random product is a uniform random slot."""
ID_KEY, IMAGE_KEY = "id_key", "image_key"
"""INT64: keys of the product's id and of its image's path."""
VECTOR = "vector"
"""FLOAT_VECTOR (dim), of length 1."""
TERMS = "terms"
"""ARRAY of INT64: a key for each value of each filter field."""
NUMBERS = "numbers"
"""JSON: the value of each number field that has one, by the field's position in the manifest."""
ID, IMAGE, FIELDS = "id", "image", "fields"
"""VARCHAR: of the product, FIELDS as a JSON object."""

MAX_TERMS = 1_024
MAX_TEXT_BYTES = 65_535
"""Milvus' own limit on VARCHAR."""
RETIRED_SUFFIX = "_retired"
"""Of the collection that holds products which left the catalog: LABEL, ID_KEY, ID, and a vector of two zeros,
since a collection cannot do without one."""

_ADDRESS = re.compile(r"milvus\+(https?://[^\s/]+|file:(?P<path>/[^\s]+))/?")


class MilvusAddress(NamedTuple):
    """`milvus+http://HOST:PORT`, `milvus+https://HOST:PORT`, or `milvus+file:/PATH` for Milvus Lite."""

    uri: str
    """As pymilvus takes it."""

    @classmethod
    def parse(cls, address: str) -> MilvusAddress:
        """Raises ConfigurationError."""
        found = _ADDRESS.fullmatch(address)
        if found is None or "@" in address:
            raise ConfigurationError(
                f"{address!r} is not the address of a Milvus server.",
                field="index",
                value=address,
                remedy="Write milvus+http://HOST:PORT, and put credentials into VITRINE_INDEX_TOKEN.",
            )
        return cls(found["path"] or found[1])


def collection_prefix(store: str) -> str:
    """What the names of a store's collections begin with. Stores that share a server drop only their own."""
    return f"vitrine_{key(store) % 2**64:016x}_"


def key(*parts: object) -> int:
    """64 bits that stand for `parts`, as a signed integer. Equal parts have equal keys; others differ for practice."""
    text = json.dumps(parts, ensure_ascii=True)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), signed=True)


def term(field: int, value: object) -> int:
    """The key of a value of the filter field at position `field`. Numbers are compared as floats."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return key(field, float(value) if number else value)  # type: ignore[arg-type]
