"""One of N shares of a catalog's photos, and the keys of its files in a store."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from export.photos.partition import share_of
from handler.errors import ConfigurationError

MAX_SHARDS = 10_000
"""The longest array of jobs that AWS Batch accepts; SLURM's default limit is 1,001."""


@dataclass(frozen=True, order=True)
class Shard:
    """Shard `number`, from 1, of `count`. `str(shard)` is `3/8`."""

    number: int
    count: int

    @classmethod
    def of(cls, image: str, count: int) -> Self:
        """The shard that holds a photo. Adding or removing other photos does not move it."""
        return cls(share_of(image, count) + 1, count)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The shard that `3/8` names. Raises ConfigurationError."""
        match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
        number, count = map(int, match.groups()) if match else (0, 0)
        if not 1 <= number <= count <= MAX_SHARDS:
            raise ConfigurationError(
                f"{text!r} is not a shard.",
                field="shard",
                value=text,
                limit=MAX_SHARDS,
                remedy=f"Write I/N, from 1/N to N/N, with N up to {MAX_SHARDS:,}: 1/8 is the first of eight.",
            )
        return cls(number, count)

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    @property
    def record_key(self) -> str:
        """Where a store keeps what the shard consists of."""
        return f"shards/{self.number}-of-{self.count}.json"

    def part_key(self, sha256: str) -> str:
        """Where a store keeps the part file with this digest."""
        return f"shards/{self.number}-of-{self.count}/{sha256}.npz"


def all_shards(count: int) -> list[Shard]:
    """The `count` shards of a catalog. Raises ConfigurationError for fewer than one and for too many."""
    return [Shard.parse(f"{number}/{count}") for number in range(1, max(count, 1) + 1)]
