"""A workload, and what one way to deploy Vitrine takes and costs for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from export.planning.figures import measured
from export.planning.month import DAYS_A_MONTH, SECONDS_A_MONTH
from handler.errors import ConfigurationError
from handler.manifest import MAX_LABELS

if TYPE_CHECKING:
    from export.planning.limits import Limit
    from export.planning.month import Month

DEFAULT_DIM = 256
"""What a catalog keeps of the embedded encoder's 1,664 dimensions."""
MAX_DIM = 4_096
MAX_ROUNDS = 1e12
INDEX_CORES = 16
"""As the stack's re-index has by default: eight parts at a time, in functions of about two cores."""
CHANGES_A_DAY = 0.001
"""Share of the catalog that changes a day, where nobody says."""


@dataclass(frozen=True)
class Workload:
    """A shop. Raises ConfigurationError for numbers that no shop has."""

    products: int
    rounds: float
    """A month."""
    dim: int = DEFAULT_DIM
    changes_a_day: float | None = None
    """Photos that are new or replaced. None: a thousandth of the products."""

    def __post_init__(self) -> None:
        _check("products", self.products, 1, MAX_LABELS, "Every product has a label, and a shop has 2^27 of them.")
        _check("rounds-per-month", self.rounds, 0, MAX_ROUNDS, "Pass how many pages shoppers are shown in a month.")
        _check("dim", self.dim, 2, MAX_DIM, "An encoder has a few hundred dimensions; vitrine index --dim keeps fewer.")
        _check("changes-per-day", self.changed_a_day, 0, self.products, "At most every product can change in a day.")

    @property
    def changed_a_day(self) -> float:
        return self.products * CHANGES_A_DAY if self.changes_a_day is None else self.changes_a_day

    @property
    def peak_rate(self) -> float:
        """Rounds a second at the busiest moment."""
        return self.rounds / SECONDS_A_MONTH * measured()["peak_factor"]

    @property
    def publishes(self) -> float:
        """Bundles a month: one a day, or fewer if there is less than a change a day."""
        return DAYS_A_MONTH * min(1.0, self.changed_a_day)


@dataclass(frozen=True)
class Deployment:
    """One way to serve a workload."""

    key: str
    name: str
    tried: str
    """Where this was run, or that it was not."""
    memory_gb: float | None
    """Of the function or the server that holds the vectors; None where nobody has to choose it."""
    cold_seconds: float
    round_ms: float
    index_hours: float
    """From photos to the first bundle, on INDEX_CORES cores."""
    month: Month
    limits: tuple[Limit, ...]
    remarks: tuple[str, ...] = ()
    suggestible: bool = True
    """False for what Vitrine has no code for."""

    @property
    def fits(self) -> bool:
        return all(limit.holds for limit in self.limits)


def embedding_hours(products: float) -> float:
    """All photos, on INDEX_CORES cores."""
    return products / measured()["photos_a_core_second"] / INDEX_CORES / 3_600


def _check(option: str, value: float, low: float, high: float, remedy: str) -> None:
    if not low <= value <= high:  # NaN, too
        raise ConfigurationError(
            f"--{option} is {value:,g}; it can be {low:,g} to {high:,.0f}.",
            field=option,
            value=value,
            limit=(low, high),
            remedy=remedy,
        )
