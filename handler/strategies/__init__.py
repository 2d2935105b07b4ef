"""How the part of a page that follows taste is chosen: one file a strategy, each a pure function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from handler.errors import InvalidRequest
from handler.strategies.mean import mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handler.labels import LabelSet
    from handler.neighbors import Neighbor, NeighborIndex
    from handler.session import SessionState

DEFAULT_STRATEGY = "mean"


class Strategy(Protocol):
    def __call__(
        self, state: SessionState, index: NeighborIndex, count: int, allowed: LabelSet | None
    ) -> list[Neighbor]:
        """At most `count` unseen products for this session, best first; none while nothing is known of its taste."""


STRATEGIES: Mapping[str, Strategy] = {"mean": mean}


def find_strategy(name: str) -> Strategy:
    """Raises InvalidRequest naming the strategies there are."""
    if name not in STRATEGIES:
        raise InvalidRequest(
            f"There is no strategy {name!r}.", field="strategy", value=name, limit=", ".join(sorted(STRATEGIES))
        )
    return STRATEGIES[name]
