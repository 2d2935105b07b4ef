"""A month's bill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

HOURS_A_MONTH = 730
SECONDS_A_MONTH = HOURS_A_MONTH * 3600
DAYS_A_MONTH = HOURS_A_MONTH / 24


@dataclass(frozen=True)
class Month:
    """Dollars by what they pay for."""

    lines: Mapping[str, float]

    @property
    def total(self) -> float:
        return sum(self.lines.values())
