"""Sessions from the first page on: until the product in mind is found, or for a set number of pages."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from export.bench.arms import Arm
    from export.bench.bench_catalog import BenchCatalog
    from export.bench.shop import Shop
    from export.bench.shoppers import Shopper


@dataclass(frozen=True)
class Turn:
    """A page in front of the shopper, by the products' numbers in the catalog."""

    number: int
    """Of the round, counted from 1."""
    page: list[int]
    found: bool
    """Does it show what is in mind? While a drifting shopper has not changed their mind, that does not count."""
    token: str
    seconds: float
    """That the shop took."""


@dataclass(frozen=True)
class Found:
    """How one session ended."""

    rounds: int
    capped: bool
    """Given up after so many rounds, not found."""
    token_chars: int


@dataclass(frozen=True)
class Browsed:
    """What a shopper sees who goes on whether or not the product was found, so that every arm shows as many pages."""

    likeness: float
    """Mean judge's cosine between two products of a page."""
    categories: float
    """Mean number of categories on a page."""
    all_seen: int
    """The round by which every category had been on a page; one more than were played if that did not come."""
    milliseconds: float
    """A round, without the first, which is the same for all."""


def find(
    shop: Shop, catalog: BenchCatalog, shopper: Shopper, arm: Arm, target: int, seed: int, max_rounds: int
) -> Found:
    """Play until the target is on the page, at most `max_rounds`."""
    turn = None
    for turn in itertools.islice(session(shop, catalog, shopper, arm, target, seed), max_rounds):
        if turn.found:
            break
    assert turn is not None  # noqa: S101  a session has a first page
    return Found(turn.number, not turn.found, len(turn.token))


def browse(
    shop: Shop, catalog: BenchCatalog, shopper: Shopper, arm: Arm, target: int, seed: int, rounds: int
) -> Browsed:
    """Play so many rounds, found or not."""
    turns = list(itertools.islice(session(shop, catalog, shopper, arm, target, seed), rounds))
    seen: set[int] = set()
    all_seen = rounds + 1
    for turn in turns:
        seen.update(catalog.categories[turn.page].tolist())
        if len(seen) == catalog.category_count and all_seen > rounds:
            all_seen = turn.number
    pages = [turn.page for turn in turns if len(turn.page) > 1]
    return Browsed(
        likeness=float(np.mean([catalog.likeness(page) for page in pages])),
        categories=float(np.mean([len(np.unique(catalog.categories[page])) for page in pages])),
        all_seen=all_seen,
        milliseconds=1000 * float(np.mean([turn.seconds for turn in turns[1:]])),
    )


def session(shop: Shop, catalog: BenchCatalog, shopper: Shopper, arm: Arm, target: int, seed: int) -> Iterator[Turn]:
    """Every page of a session, answered when the next one is asked for; ends when the shop has nothing more to show.

    All arms get the same target, the same first page and, round by round, the same random numbers, so that the
    difference between two arms is the arms' and not luck's.
    """
    wanted = target
    seen: set[int] = set()
    started = time.perf_counter()
    shown = shop.start(f"bench {seed} {target}")
    for number in itertools.count(1):
        seconds = time.perf_counter() - started
        page = [catalog.numbers[product_id] for product_id in shown.ids]
        if not page:
            return
        if number == shopper.changes_at:
            wanted = _another(len(catalog.ids), seen, target, seed)
        found = wanted in page and number >= (shopper.changes_at or 1)
        yield Turn(number, page, found, shown.token, seconds)
        rng = np.random.default_rng([seed, target, number])
        liked = [shown.ids[place] for place in shopper.likes(catalog.cosines(wanted, page), rng)]
        seen.update(page)
        started = time.perf_counter()
        shown = shop.next(shown.token, liked, arm)


def _another(products: int, seen: set[int], target: int, seed: int) -> int:
    """The first of a shuffled catalog that no page has shown yet, so that arms nearly always agree on it."""
    order = np.random.default_rng([seed, target, 0]).permutation(products)
    return next(int(number) for number in order if number not in seen and number != target)
