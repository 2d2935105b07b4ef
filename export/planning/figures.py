"""The two files that every estimate reads: list prices, and what Vitrine was measured to need."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

PRICES = Path(__file__).with_name("prices.toml")
MEASURED = Path(__file__).with_name("measured.toml")


def read_entries(path: Path) -> dict[str, dict[str, Any]]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def prices() -> dict[str, float]:
    """Dollars, or the free quantity, by name."""
    entries = read_entries(PRICES)
    return {name: float(one["dollars"] if "dollars" in one else one["quantity"]) for name, one in entries.items()}


@cache
def measured() -> dict[str, float]:
    """Figures by name, the assumed ones too."""
    return {name: float(entry["value"]) for name, entry in read_entries(MEASURED).items()}
