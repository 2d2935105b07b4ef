"""The rounds benchmark: how many pages of ten until the shopper's target is on one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from export.bench.arms import COUNT, OWN, REFERENCE
from export.bench.measures import CURVE_TO, WITHIN, describe_pages, describe_rounds
from export.bench.random_baseline import found_within, mean_of, percentile_of, random_rounds
from export.bench.shop import HttpShop
from export.bench.tournament import Bout, Rules, by_arm, play_all
from handler.errors import ConfigurationError
from handler.stores.store import DirectoryStore

if TYPE_CHECKING:
    from rich.progress import Progress

    from export.bench.arms import Arm
    from export.bench.bench_catalog import BenchCatalog
    from export.bench.shoppers import Shopper

Half = Literal["even", "odd", "all"]


@dataclass(frozen=True)
class Plan:
    arms: tuple[Arm, ...]
    shoppers: tuple[Shopper, ...]
    targets: Half = "all"
    """Choose parameters on even numbers and report odd ones: then no parameter is fitted to the reported targets."""
    sessions: int | None = None
    """Sessions of each shopper in each arm; None takes every target."""
    seed: int = 0
    max_rounds: int = 400
    browse_sessions: int = 40
    browse_rounds: int = 20
    jobs: int = 1
    url: str | None = None


def measure_rounds(catalog: BenchCatalog, plan: Plan, progress: Progress) -> dict[str, Any]:
    """Play, and describe every shopper in every arm. Raises ConfigurationError for arms that a server cannot play."""
    if plan.url is not None:
        _check_server(catalog, plan)
    targets = pick_targets(len(catalog.ids), plan.targets, plan.sessions, plan.seed)
    rules = Rules(plan.arms, plan.seed, plan.max_rounds, plan.browse_rounds, plan.url)
    bouts = [
        Bout(shopper, target, browses=place < plan.browse_sessions)
        for shopper in plan.shoppers
        for place, target in enumerate(targets)
    ]
    played = play_all(catalog, rules, bouts, plan.jobs, progress)
    shoppers: dict[str, Any] = {}
    for shopper in plan.shoppers:
        sides = {arm: (found, browsed) for arm, found, browsed in by_arm(played, shopper)}
        base_found, base_browsed = sides[REFERENCE]
        arms: dict[str, Any] = {}
        for arm, (found, browsed) in sides.items():
            arms[str(arm)] = describe_rounds(found, base_found)
            if browsed:
                arms[str(arm)]["pages"] = describe_pages(browsed, base_browsed, plan.browse_rounds)
        shoppers[shopper.name] = {"rule": asdict(shopper), "arms": arms, "random": _random(catalog, shopper)}
    return {
        "catalog": {
            "name": catalog.name,
            "products": len(catalog.ids),
            "categories": catalog.category_count,
        },
        "count": COUNT,
        "targets": {"half": plan.targets, "sessions": len(targets), "numbers": " ".join(map(str, targets))},
        "seed": plan.seed,
        "max_rounds": plan.max_rounds,
        "url": plan.url,
        "shoppers": shoppers,
    }


def pick_targets(products: int, half: Half, sessions: int | None, seed: int) -> list[int]:
    """Numbers of at most `sessions` target products, shuffled."""
    step = {"even": slice(0, None, 2), "odd": slice(1, None, 2), "all": slice(None)}[half]
    numbers = np.arange(products)[step]
    shuffled = np.random.default_rng([seed, products]).permutation(numbers)
    return [int(number) for number in shuffled[:sessions]]


def _random(catalog: BenchCatalog, shopper: Shopper) -> dict[str, Any]:
    """The exact distribution of a shop that shows random products, in the shape of an arm's description."""
    before = (shopper.changes_at - 1) * COUNT if shopper.changes_at else 0
    distribution = random_rounds(len(catalog.ids), COUNT, min(before, len(catalog.ids) - 1), shopper.targets)
    return {
        "mean": round(mean_of(distribution), 4),
        "median": percentile_of(distribution, 0.5),
        "p90": percentile_of(distribution, 0.9),
        "within": {str(limit): round(found_within(distribution, limit), 4) for limit in WITHIN},
        "found_by_round": [round(found_within(distribution, number), 4) for number in range(1, CURVE_TO + 1)],
    }


def _check_server(catalog: BenchCatalog, plan: Plan) -> None:
    assert plan.url is not None  # noqa: S101  the caller's condition
    if any(arm.vectors != OWN for arm in plan.arms):
        raise ConfigurationError(
            "A server serves one bundle, so @raw and @other arms cannot play.",
            field="url",
            remedy="Leave out @raw and @other arms, --raw and --other.",
        )
    served = HttpShop(plan.url).version()
    here = DirectoryStore(catalog.stores[REFERENCE.vectors]).current().version
    if served != here:
        raise ConfigurationError(
            f"{plan.url} serves bundle {served}; these shoppers know bundle {here}.",
            field="url",
            value=served,
            limit=here,
            remedy="Serve the bundles that are named here: vitrine serve BUNDLES.",
        )
