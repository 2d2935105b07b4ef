"""Play every shopper in every arm, on several cores. Results do not depend on which core plays which session."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING

from export.bench.play import Browsed, Found, browse, find
from export.bench.shop import HttpShop, LocalShop

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.progress import Progress

    from export.bench.arms import Arm
    from export.bench.bench_catalog import BenchCatalog
    from export.bench.shop import Shop
    from export.bench.shoppers import Shopper

_PER_TASK = 8
_table: Table | None = None  # one a worker process, made by _sit_down


@dataclass(frozen=True)
class Rules:
    arms: tuple[Arm, ...]
    seed: int
    max_rounds: int
    browse_rounds: int
    url: str | None = None
    """Address of a server to play against; None plays in this process."""


@dataclass(frozen=True)
class Bout:
    """One shopper with one target, who plays in all arms, so that differences between arms are within one bout."""

    shopper: Shopper
    target: int
    browses: bool
    """Whether to also play a fixed number of pages, target found or not."""


@dataclass(frozen=True)
class Played:
    bout: Bout
    found: dict[Arm, Found]
    browsed: dict[Arm, Browsed]


class Table:
    """The shops that the arms play in, opened once."""

    def __init__(self, catalog: BenchCatalog, rules: Rules) -> None:
        self._catalog = catalog
        self._rules = rules
        self._shops: dict[str, Shop] = {}
        for vectors in {arm.vectors for arm in rules.arms}:
            store = catalog.stores[vectors]
            self._shops[vectors] = HttpShop(rules.url) if rules.url else LocalShop(store, catalog.signing_key)

    def play(self, bout: Bout) -> Played:
        rules, found, browsed = self._rules, {}, {}
        for arm in rules.arms:
            shop = self._shops[arm.vectors]
            common = (shop, self._catalog, bout.shopper, arm, bout.target, rules.seed)
            found[arm] = find(*common, rules.max_rounds)
            if bout.browses:
                browsed[arm] = browse(*common, rules.browse_rounds)
        return Played(bout, found, browsed)


def play_all(catalog: BenchCatalog, rules: Rules, bouts: Sequence[Bout], jobs: int, progress: Progress) -> list[Played]:
    """Results in the order of `bouts`."""
    task = progress.add_task("Playing", total=len(bouts))
    if jobs == 1:
        table = Table(catalog, rules)
        played = []
        for bout in bouts:
            played.append(table.play(bout))
            progress.advance(task)
        return played
    chunks = [bouts[start : start + _PER_TASK] for start in range(0, len(bouts), _PER_TASK)]
    by_chunk: dict[int, list[Played]] = {}
    # A forked child would inherit the threads that torch and hnswlib keep, in whatever state they are.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, _sit_down, (catalog, rules)) as pool:
        waiting = {pool.submit(_play, chunk): number for number, chunk in enumerate(chunks)}
        for done in as_completed(waiting):
            by_chunk[waiting[done]] = done.result()
            progress.advance(task, len(chunks[waiting[done]]))
    return [one for number in range(len(chunks)) for one in by_chunk[number]]


def _sit_down(catalog: BenchCatalog, rules: Rules) -> None:
    global _table
    _table = Table(catalog, rules)


def _play(bouts: Sequence[Bout]) -> list[Played]:
    assert _table is not None  # noqa: S101  the pool's initializer
    return [_table.play(bout) for bout in bouts]


def by_arm(played: Sequence[Played], shopper: Shopper) -> Iterator[tuple[Arm, list[Found], list[Browsed]]]:
    """One shopper's sessions, arm by arm; their order is the same in all arms."""
    mine = [one for one in played if one.bout.shopper == shopper]
    for arm in mine[0].found if mine else ():
        yield arm, [one.found[arm] for one in mine], [one.browsed[arm] for one in mine if arm in one.browsed]
