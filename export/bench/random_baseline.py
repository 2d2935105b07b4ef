"""The rounds that random pages need, computed exactly."""

from __future__ import annotations

import math


def random_rounds(products: int, count: int, shown_before: int = 0, targets: int = 1) -> dict[int, float]:
    """Probability by round that the last of `targets` is on that page, if pages show `count` random unseen products.

    All orders in which the `products` can come are equally likely, so all sets of places of the targets are. A target's
    round is its place divided by `count`, rounded up. `shown_before` are products, in whole pages, that were shown
    before the shopper chose the targets among the rest.
    """
    left = products - shown_before
    before = -(-shown_before // count)
    sets = math.comb(left, targets)
    rounds = range(1, -(-left // count) + 1)
    within = [math.comb(min(number * count, left), targets) / sets for number in rounds]
    return {number + before: now - earlier for number, now, earlier in zip(rounds, within, [0, *within], strict=False)}


def mean_of(distribution: dict[int, float]) -> float:
    return sum(number * share for number, share in distribution.items())


def found_within(distribution: dict[int, float], rounds: int) -> float:
    """The share found within `rounds` rounds."""
    return sum(share for number, share in distribution.items() if number <= rounds)


def percentile_of(distribution: dict[int, float], share: float) -> int:
    """The first round by which at least this share is found."""
    return next(number for number in distribution if found_within(distribution, number) >= share - 1e-9)
