"""How the part of a page that follows taste is chosen: one file a strategy, each a pure function.

A strategy ranks unseen products for a session; what becomes of the ranking (how many of them a page shows, how varied
they are, what fills the rest) is `handler.recommend.next_page`'s. All they know comes from the session's token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from handler.errors import InvalidRequest
from handler.recommend.strategies.bayes import bayes
from handler.recommend.strategies.mean import mean
from handler.recommend.strategies.recency import recency
from handler.recommend.strategies.rocchio import rocchio

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handler.products.labels import LabelSet
    from handler.products.neighbors import Neighbor, NeighborIndex
    from handler.sessions.state import SessionState

DEFAULT_STRATEGY = "mean"


class Rank(Protocol):
    def __call__(
        self, state: SessionState, index: NeighborIndex, count: int, allowed: LabelSet | None
    ) -> list[Neighbor]:
        """At most `count` unseen products for this session, best first; none while nothing is known of its taste."""


@dataclass(frozen=True)
class Strategy:
    rank: Rank
    explores: bool = False
    """Its scores are probabilities, so that the rest of the page can be chosen to learn instead of blindly."""


STRATEGIES: Mapping[str, Strategy] = {
    "mean": Strategy(mean),
    "recency": Strategy(recency),
    "rocchio": Strategy(rocchio),
    "bayes": Strategy(bayes, explores=True),
}


def find_strategy(name: str) -> Strategy:
    """Raises InvalidRequest naming the strategies there are."""
    if name not in STRATEGIES:
        raise InvalidRequest(
            f"There is no strategy {name!r}.", field="strategy", value=name, limit=", ".join(sorted(STRATEGIES))
        )
    return STRATEGIES[name]
