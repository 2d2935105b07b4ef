"""What browsing at random costs, exactly: nothing to simulate."""

from __future__ import annotations

import numpy as np


def random_rounds(products: int, count: int, shown_before: int = 0) -> dict[int, float]:
    """Probability by round that a page of `count` random unseen products is the first to show the target.

    All orders in which the `products` can come are equally likely, so the target's place is uniform on 1..products and
    its round is that place divided by `count`, rounded up. `shown_before` are products, in whole pages, that went by
    before the shopper had it in mind: it is among the rest.
    """
    left = products - shown_before
    rounds, places = np.unique(-(-np.arange(1, left + 1) // count), return_counts=True)
    before = -(-shown_before // count)
    return {int(number) + before: float(share) / left for number, share in zip(rounds, places, strict=True)}


def mean_of(distribution: dict[int, float]) -> float:
    return sum(number * share for number, share in distribution.items())


def found_within(distribution: dict[int, float], rounds: int) -> float:
    """The share found in at most so many rounds."""
    return sum(share for number, share in distribution.items() if number <= rounds)


def percentile_of(distribution: dict[int, float], share: float) -> int:
    """The first round by which at least this share is found."""
    return next(number for number in distribution if found_within(distribution, number) >= share - 1e-9)
