"""Play sessions: until the target is on a page, or for a fixed number of pages."""

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
    """The page in front of the shopper; products go by their numbers in the catalog."""

    number: int
    """Of the round, counted from 1."""
    page: list[int]
    found: bool
    """Whether the target is on the page; of two, the last one. A drifting shopper's first target does not count."""
    token: str
    seconds: float
    """How long the shop took to answer."""


@dataclass(frozen=True)
class Found:
    """The end of a session."""

    rounds: int
    capped: bool
    """Whether the session ended at the limit without finding the target."""
    token_chars: int


@dataclass(frozen=True)
class Browsed:
    """The pages of a session that does not stop at its target, so that all arms show the same number of pages."""

    likeness: float
    """Mean cosine between two products of a page, according to the judge."""
    categories: float
    """Mean number of categories on a page."""
    all_seen: int
    """The round by which every category had been on a page; the number of rounds played + 1 if some never were."""
    milliseconds: float
    """Mean time of a round. The first round is left out, because it is the same for all arms."""


def find(
    shop: Shop, catalog: BenchCatalog, shopper: Shopper, arm: Arm, target: int, seed: int, max_rounds: int
) -> Found:
    """Play until the target is on the page, for at most `max_rounds`."""
    turn = None
    for turn in itertools.islice(session(shop, catalog, shopper, arm, target, seed), max_rounds):
        if turn.found:
            break
    assert turn is not None  # noqa: S101  a session has a first page
    return Found(turn.number, not turn.found, len(turn.token))


def browse(
    shop: Shop, catalog: BenchCatalog, shopper: Shopper, arm: Arm, target: int, seed: int, rounds: int
) -> Browsed:
    """Play `rounds` rounds, whether or not the target was found."""
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
    """Yield the pages of a session, and answer each when the next one is requested; stop at an empty page.

    All arms get the same target, the same first page and, in each round, the same random numbers, so that luck does
    not separate two arms.
    """
    wanted = [target]
    if shopper.targets > 1:
        wanted.append(_another(len(catalog.ids), set(), target, seed))
    seen: set[int] = set()
    started = time.perf_counter()
    shown = shop.start(f"bench {seed} {target}")
    for number in itertools.count(1):
        seconds = time.perf_counter() - started
        page = [catalog.numbers[product_id] for product_id in shown.ids]
        if not page:
            return
        if number == shopper.changes_at:
            wanted = [_another(len(catalog.ids), seen, target, seed)]
        missing = [product for product in wanted if product not in page]
        found = not missing and number >= (shopper.changes_at or 1)
        yield Turn(number, page, found, shown.token, seconds)
        rng = np.random.default_rng([seed, target, number])
        cosines = np.max([catalog.cosines(product, page) for product in wanted], axis=0)
        liked = [shown.ids[place] for place in shopper.likes(cosines, rng)]
        wanted = missing or wanted
        seen.update(page)
        started = time.perf_counter()
        shown = shop.next(shown.token, liked, arm)


def _another(products: int, seen: set[int], target: int, seed: int) -> int:
    """The first product of a shuffled catalog that no page has shown yet; nearly always the same in all arms."""
    order = np.random.default_rng([seed, target, 0]).permutation(products)
    return next(int(number) for number in order if number not in seen and number != target)
