"""Which part or shard of a catalog a photo belongs to, by a hash of its name: no other photo can move it.

There are 2**bits parts and a part's number is the first `bits` bits of the hash. So when a catalog outgrows its parts,
each part splits in two, and a new part finds all of its earlier vectors in one earlier part.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple, Self

PHOTOS_A_PART = 500
"""At most, on average: 500 photos at 384 dimensions are 0.85 MB, and two minutes of ViT-Base."""
MAX_BITS = 14
"""16,384 parts: eight million photos. A map run reads at most 100 million items, so this is not its limit."""
_HASH_BITS = 64


def share_of(name: str, count: int) -> int:
    """The number of the share, from 0, that holds the photo `name`, of `count` shares of the hashes' range."""
    digest = hashlib.sha256(name.encode()).digest()[: _HASH_BITS // 8]
    return int.from_bytes(digest) * count >> _HASH_BITS


class Part(NamedTuple):
    """One of 2**bits parts of a catalog. `str(part)` is its name in the state: `03-0005`."""

    bits: int
    number: int

    @classmethod
    def of(cls, name: str, bits: int) -> Self:
        """The part that holds the photo `name`, of 2**bits parts."""
        return cls(bits, share_of(name, 1 << bits))

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """The part with this name, or None if no part has it."""
        if not re.fullmatch(r"[0-9]{2}-[0-9a-f]{4}", name):
            return None
        part = cls(int(name[:2]), int(name[3:], 16))
        return part if part.bits <= MAX_BITS and part.number < 1 << part.bits else None

    def __str__(self) -> str:
        return f"{self.bits:02}-{self.number:04x}"

    def overlaps(self, other: Part) -> bool:
        """Whether a photo can belong to both: parts of different sizes overlap, those of one size do not."""
        shared = min(self.bits, other.bits)
        return self.number >> (self.bits - shared) == other.number >> (other.bits - shared)


def choose_bits(photos: int, present: int | None = None) -> int:
    """How many bits suit a catalog of `photos`: parts of about PHOTOS_A_PART.

    `present` is kept while its parts hold between a quarter and twice of that, because every change rewrites all parts.
    """
    wanted = min(MAX_BITS, (max(0, photos - 1) // PHOTOS_A_PART).bit_length())
    if present is not None and wanted - 1 <= present <= wanted + 2:
        return present
    return wanted
