"""Strategies: pure functions, one per file, that choose the part of a page that follows taste.

A strategy ranks unseen products for a session, from the state in its token alone. `handler.recommend.next_page` decides
how many of them a page shows, how varied they are, and how the rest is filled.
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

    from handler.products.engine import Candidates, NeighborIndex
    from handler.recommend.ranking import Ranking
    from handler.sessions.state import SessionState

DEFAULT_STRATEGY = "mean"


class Rank(Protocol):
    def __call__(self, state: SessionState, index: NeighborIndex, count: int, allowed: Candidates | None) -> Ranking:
        """The `count` best unseen products for a session, fewer if fewer are left, none while its taste is unknown."""


@dataclass(frozen=True)
class Strategy:
    rank: Rank
    explores: bool = False
    """Whether its scores are probabilities, so that the rest of the page can explore instead of being random."""


STRATEGIES: Mapping[str, Strategy] = {
    "mean": Strategy(mean),
    "recency": Strategy(recency),
    "rocchio": Strategy(rocchio),
    "bayes": Strategy(bayes, explores=True),
}


def find_strategy(name: str) -> Strategy:
    """Raises InvalidRequest, which lists the strategies."""
    if name not in STRATEGIES:
        raise InvalidRequest(
            f"Unknown strategy {name!r}.", field="strategy", value=name, limit=", ".join(sorted(STRATEGIES))
        )
    return STRATEGIES[name]
