"""The benchmark itself on trial: shoppers do what they are said to do, and arms differ by nothing but the arm."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
import uvicorn
from rich.progress import Progress

from export.bench.arms import parse_arms
from export.bench.bench_catalog import BenchCatalog
from export.bench.prepare_synthetic import prepare_synthetic
from export.bench.random_baseline import mean_of, random_rounds
from export.bench.rounds import Plan, measure_rounds
from export.bench.shop import LocalShop
from export.bench.shoppers import KINDS, parse_shoppers
from handler.errors import ConfigurationError
from handler.local.local_server import create_local_app, listen
from handler.local.local_state import LocalState

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

QUIET = Progress(disable=True)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> BenchCatalog:
    return prepare_synthetic(200, 0, tmp_path_factory.mktemp("work"), QUIET)


def _play(
    catalog: BenchCatalog, shoppers: str = "ideal", arms: str = "mean:5,bayes:5", **options: Any
) -> dict[str, Any]:
    plan = Plan(tuple(parse_arms(arms)), tuple(parse_shoppers(shoppers)), browse_sessions=2, browse_rounds=3, **options)
    return measure_rounds(catalog, plan, QUIET)["shoppers"]


def test_seeded_runs_repeat(catalog: BenchCatalog) -> None:
    first, second = (_play(catalog, "noisy:0.1,drifting", sessions=10) for _ in range(2))
    for name in first:
        for arm in first[name]["arms"]:
            assert first[name]["arms"][arm]["rounds"] == second[name]["arms"][arm]["rounds"]


def test_first_page_is_the_same_for_the_same_seed(catalog: BenchCatalog) -> None:
    shop = LocalShop(catalog.stores[""], catalog.signing_key)
    assert shop.start("a").ids == shop.start("a").ids != shop.start("b").ids


def test_exact_random_baseline() -> None:
    assert mean_of(random_rounds(459, 10)) == pytest.approx(23.4510, abs=1e-4)
    # Of 4 products on pages of 2, both of two targets are on the first page in 1 of 6 cases.
    assert random_rounds(4, 2, targets=2) == pytest.approx({1: 1 / 6, 2: 5 / 6})


def test_simulated_random_browsing_meets_the_exact_baseline(catalog: BenchCatalog) -> None:
    found = _play(catalog, arms="mean:0")["ideal"]["arms"]["mean:0"]
    assert found["mean"]["low"] <= mean_of(random_rounds(200, 10)) <= found["mean"]["high"]


def test_found_by_round_only_rises(catalog: BenchCatalog) -> None:
    curve = _play(catalog, sessions=20)["ideal"]["arms"]["bayes:5"]["found_by_round"]
    assert curve == sorted(curve)


def test_http_shows_the_same_rounds(bundles: Path, photos: Path) -> None:
    app = create_local_app(bundles, photos)
    ids = tuple(sorted(f"{colour}-{n:02}" for colour in ("red", "green", "blue", "sand") for n in range(20)))
    judge = np.random.default_rng(0).normal(size=(80, 16)).astype(np.float32)
    judge /= np.linalg.norm(judge, axis=1, keepdims=True)
    key = LocalState(bundles).signing_key()
    catalog = BenchCatalog("tiny", ids, np.zeros(80, dtype=np.int64), judge, {"": bundles}, key)
    with listen("127.0.0.1", 0) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            over_http = _play(catalog, sessions=5, url=url)
        finally:
            server.should_exit = True
            thread.join()
    here = _play(catalog, sessions=5)
    for arm in ("mean:5", "bayes:5"):
        assert over_http["ideal"]["arms"][arm]["rounds"] == here["ideal"]["arms"][arm]["rounds"]


@pytest.mark.parametrize(
    ("kind", "cosines", "likes"),
    [
        ("ideal", [0.1, 0.9, 0.3], [1]),
        ("impatient", [0.25, 0.9, 0.3, 0.1], [1, 2, 0]),
        ("impatient", [0.1, 0.15, 0.05], [1]),
        ("stubborn", [0.1, 0.29], []),
        ("stubborn", [0.1, 0.31], [1]),
    ],
)
def test_shoppers(kind: str, cosines: list[float], likes: list[int]) -> None:
    assert KINDS[kind].likes(np.asarray(cosines, dtype=np.float32), np.random.default_rng(0)) == likes


def test_a_noisy_shopper_draws_from_the_softmax() -> None:
    cosines, rng = np.asarray([0.0, 0.1], dtype=np.float32), np.random.default_rng(0)
    share = np.mean([KINDS["noisy"].likes(cosines, rng) == [1] for _ in range(4000)])
    assert share == pytest.approx(1 / (1 + np.exp(-1)), abs=0.03)


def test_a_drifting_shopper_finds_nothing_before_changing_their_mind(catalog: BenchCatalog) -> None:
    rounds = _play(catalog, "drifting", sessions=20)["drifting"]["arms"]["bayes:5"]["rounds"]
    assert min(map(int, rounds.split())) >= 4


def test_a_divided_shopper_meets_the_exact_baseline_of_two_targets_and_finds_both_sooner_by_taste(
    catalog: BenchCatalog,
) -> None:
    arms = _play(catalog, "divided", "mean:0,mean:5", sessions=100)["divided"]["arms"]
    low, high = arms["mean:0"]["mean"]["low"], arms["mean:0"]["mean"]["high"]
    assert low <= mean_of(random_rounds(200, 10, targets=2)) <= high
    assert arms["mean:5"]["mean"]["high"] < low


@pytest.mark.parametrize("text", ["best:5", "mean:11", "mean", "mean:5@half"])
def test_unknown_arms_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_arms(text)
