"""Simulated shoppers: rules that turn similarity to a target into likes. Pure; the source of randomness is injected."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from handler.errors import ConfigurationError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Shopper:
    """A rule. By default the ideal shopper's, who always likes the product of a page most similar to the target."""

    name: str
    temperature: float = 0.0
    """Above 0, the like is drawn from softmax(cosine / temperature)."""
    most: int = 1
    """Limit of likes per page: the best product, and the next best whose cosines exceed `also_above`."""
    also_above: float = 1.0
    at_least: float = -1.0
    """A page on which no cosine reaches this gets no like."""
    targets: int = 1
    """Products that the shopper wants; similarity is to the most similar one that no page has shown yet."""
    changes_at: int | None = None
    """From this round on, the target is another product, one that no page has shown."""

    def likes(self, cosines: NDArray[np.float32], rng: np.random.Generator) -> list[int]:
        """Positions on the page that get a like, the first choice first; `cosines` (n,) are to the target."""
        # Always drawn, once a round, so that shoppers of one seed share one stream in every arm.
        gumbel = rng.gumbel(size=len(cosines))
        if not len(cosines) or cosines.max() < self.at_least:
            return []
        # The largest of utilities with Gumbel noise is a draw from their softmax (Luce and Suppes 1965).
        value = cosines / self.temperature + gumbel if self.temperature else cosines
        order: list[int] = np.argsort(-value, kind="stable")[: self.most].tolist()
        return order[:1] + [place for place in order[1:] if cosines[place] > self.also_above]


KINDS = {
    "ideal": Shopper("ideal"),
    "noisy": Shopper("noisy", temperature=0.1),
    "impatient": Shopper("impatient", most=3, also_above=0.2),
    "drifting": Shopper("drifting", changes_at=4),
    "stubborn": Shopper("stubborn", at_least=0.3),
    "divided": Shopper("divided", targets=2),
}
DEFAULT_SHOPPERS = "ideal,noisy:0.05,noisy:0.1,noisy:0.2,impatient,drifting,stubborn"
EXPLAINED = {
    "ideal": "likes the product most similar to the target",
    "noisy": "likes one product at random, a similar one more often; the number is the temperature",
    "impatient": "likes up to three products that are similar to the target",
    "drifting": "changes the target in round 4; rounds are counted until the second one is found",
    "stubborn": "likes nothing on a page without a similar product",
    "divided": "wants two products, and likes the one most similar to either; counted until both are found",
}


def parse_shoppers(text: str) -> list[Shopper]:
    """Parse comma-separated kinds such as `ideal,noisy:0.1`. Raises ConfigurationError."""
    return list(dict.fromkeys(_parse(part.strip()) for part in text.split(",") if part.strip()))


def _parse(text: str) -> Shopper:
    kind, _, number = text.partition(":")
    try:
        shopper = KINDS[kind]
        if not number:
            return replace(shopper, name=text)
        if kind != "noisy" or not float(number) > 0:
            raise ValueError
        return replace(shopper, name=text, temperature=float(number))
    except (KeyError, ValueError):
        raise ConfigurationError(
            f"There is no shopper {text!r}.",
            field="shoppers",
            value=text,
            limit=", ".join(KINDS),
            remedy="Only noisy takes a number, its temperature: noisy:0.1.",
        ) from None
