"""Who plays: rules that turn likeness to the product in mind into likes. Pure; randomness is injected."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from handler.errors import ConfigurationError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Shopper:
    """By default the ideal one: likes the product of a page that is most like the one in mind, every time."""

    name: str
    temperature: float = 0.0
    """Above 0 a like is drawn from softmax(cosine / temperature) instead."""
    most: int = 1
    """Likes at most so many: the best, and of the next best those with a cosine above `also_above`."""
    also_above: float = 1.0
    at_least: float = -1.0
    """Says nothing to a page on which no product has this cosine."""
    changes_at: int | None = None
    """From this round on it is another product, one not seen yet, that is in mind."""

    def likes(self, cosines: NDArray[np.float32], rng: np.random.Generator) -> list[int]:
        """Places on the page (n,) that get a like, the first choice first."""
        # Drawn whether needed or not, and once a round: shoppers of one seed share one stream in every arm.
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
}
DEFAULT_SHOPPERS = "ideal,noisy:0.05,noisy:0.1,noisy:0.2,impatient,drifting,stubborn"
EXPLAINED = {
    "ideal": "likes what is most like the product in mind",
    "noisy": "likes one at random, likelier the more alike; the number is the temperature",
    "impatient": "likes up to three that are at all alike",
    "drifting": "thinks of another product from round 4 on; counted until that one is found",
    "stubborn": "says nothing to a page that has nothing alike",
}


def parse_shoppers(text: str) -> list[Shopper]:
    """Comma-separated kinds, a noisy one with its temperature: `ideal,noisy:0.1`. Raises ConfigurationError."""
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
            remedy="Only a noisy one takes a number, its temperature: noisy:0.1.",
        ) from None
