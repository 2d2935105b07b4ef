"""Which deployment `vitrine plan` suggests: its limits, its sums, and how they grow."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.planning.deployment import MAX_DIM, MAX_ROUNDS, Deployment, Workload
from export.planning.limits import LAMBDA_MEMORY_MB, Limit
from export.planning.on_lambda import one_lambda
from export.planning.on_milvus import managed, nodes, on_a_cluster, on_a_node
from export.planning.on_s3_vectors import on_s3_vectors
from export.planning.suggest import suggest, to_json
from handler.errors import ConfigurationError
from handler.manifest import MAX_LABELS
from tests.cli_process import vitrine

PRODUCTS = st.integers(1, MAX_LABELS) | st.floats(0, math.log(MAX_LABELS)).map(lambda power: int(math.exp(power)))
ROUNDS = st.floats(0, 1e10)
WORKLOADS = st.builds(Workload, PRODUCTS, ROUNDS, st.integers(2, MAX_DIM))
EVERY = pytest.mark.parametrize("deploy", [one_lambda, on_a_node, on_a_cluster, managed, on_s3_vectors])


def deployment(work: Workload, key: str) -> Deployment:
    return next(one for one in suggest(work).deployments if one.key == key)


@EVERY
@given(WORKLOADS, PRODUCTS)
@settings(max_examples=60)
def test_more_products_never_need_or_cost_less(deploy: object, work: Workload, other: int) -> None:
    few, many = sorted((work.products, other))
    small, large = (deploy(replace(work, products=products)) for products in (few, many))  # type: ignore[operator]
    assert small.month.total <= large.month.total * (1 + 1e-9)
    assert small.cold_seconds <= large.cold_seconds
    assert small.index_hours <= large.index_hours
    assert small.round_ms <= large.round_ms
    if small.memory_gb is not None:
        assert small.memory_gb <= large.memory_gb


@EVERY
@given(WORKLOADS, ROUNDS)
@settings(max_examples=60)
def test_more_rounds_never_cost_less(deploy: object, work: Workload, other: float) -> None:
    few, many = sorted((work.rounds, other))
    small, large = (deploy(replace(work, rounds=rounds)) for rounds in (few, many))  # type: ignore[operator]
    assert small.month.total <= large.month.total * (1 + 1e-9)


@given(WORKLOADS)
@settings(max_examples=60)
def test_a_total_is_the_sum_of_its_lines_and_a_suggestion_respects_its_limits(work: Workload) -> None:
    plan = suggest(work)
    for one in plan.deployments:
        assert one.month.total == pytest.approx(sum(one.month.lines.values()))
        assert all(dollars >= 0 for dollars in one.month.lines.values())
        assert one.fits == all(limit.needs <= limit.at_most for limit in one.limits)
        assert all(limit.setting for limit in one.limits)
    if plan.suggested:
        assert plan.suggested.fits
        assert plan.suggested.suggestible
    else:
        assert not any(one.fits for one in plan.deployments if one.suggestible)


@given(WORKLOADS)
@settings(max_examples=60)
def test_a_suggestion_survives_fewer_products(work: Workload) -> None:
    """Where a function with all dimensions fits, it also fits half of the catalog, and is what is suggested."""
    if one_lambda(work).fits:
        half = suggest(replace(work, products=max(1, work.products // 2)))
        assert half.suggested is not None
        assert half.suggested.key == "lambda"


@pytest.mark.parametrize(
    ("products", "keys"),
    [
        (5_000, {"lambda"}),
        (500_000, {"lambda"}),
        (5_000_000, {"milvus-node"}),
        (100_000_000, {"milvus-cluster", "milvus-managed"}),
    ],
)
def test_each_size_of_the_readme_gets_what_it_shows(products: int, keys: set[str]) -> None:
    suggested = suggest(Workload(products, 1e6)).suggested
    assert suggested is not None
    assert suggested.key in keys


def test_a_diet_keeps_as_many_dimensions_as_fit() -> None:
    work = next(
        work
        for work in (Workload(products, 1e6, 768) for products in range(500_000, 5_000_000, 100_000))
        if not one_lambda(work).fits
    )
    suggested = suggest(work).suggested
    assert suggested is not None
    assert suggested.key == "lambda-diet"
    assert "compare vitrine index --dim auto with --dim 192" in " ".join(suggested.remarks)


def test_nothing_fits_a_billion_rounds_an_hour() -> None:
    plan = suggest(Workload(1_000, MAX_ROUNDS))
    assert plan.suggested is None
    assert any(limit.name == "requests at the peak" and not limit.holds for limit in plan.deployments[0].limits)


def test_a_throttle_below_the_peak_is_named() -> None:
    assert not any("ThrottlingRate" in remark for remark in deployment(Workload(1_000, 1e6), "lambda").remarks)
    assert any("ThrottlingRate" in remark for remark in deployment(Workload(1_000, 1e8), "lambda").remarks)


def test_a_bundle_that_lambda_cannot_build_is_built_elsewhere() -> None:
    remarks = deployment(Workload(1_500_000, 1e6), "lambda").remarks
    assert any("The scheduled re-index cannot build this bundle (" in one and "--shard" in one for one in remarks)


def test_a_limit_reads_as_a_sentence() -> None:
    limit = Limit("memory", 12_345.6, LAMBDA_MEMORY_MB, "MB", "fewer dimensions")
    assert str(limit) == "memory: 12,346 of 10,240 MB"
    assert not limit.holds


def test_nodes_grow_in_memory_and_price() -> None:
    listed = nodes()
    assert [node.gib for node in listed] == sorted(node.gib for node in listed)
    assert [node.dollars for node in listed] == sorted(node.dollars for node in listed)


def test_nonsense_is_refused_in_one_sentence() -> None:
    status, output = vitrine("plan", "--rounds-per-month", "1", "--products", "1000000000")
    assert (status, output.count("\n")) == (1, 1)
    assert "--products is 1e+09; it can be 1 to 134,217,728. Every product has a label" in output


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        ({"products": 0}, "--products is 0; it can be 1 to 134,217,728"),
        ({"dim": 1}, "--dim is 1; it can be 2 to 4,096"),
        ({"changes_a_day": 11}, "--changes-per-day is 11; it can be 0 to 10"),
        ({"rounds": -1.0}, "--rounds-per-month is -1; it can be 0 to"),
        ({"rounds": math.nan}, "--rounds-per-month is nan"),
        ({"rounds": math.inf}, "--rounds-per-month is inf"),
    ],
)
def test_numbers_that_no_shop_has(numbers: dict[str, float], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Workload(**{"products": 10, "rounds": 1.0, **numbers})  # type: ignore[arg-type]


def test_the_command_prints_what_its_json_has() -> None:
    arguments = ("plan", "--products", "5000000", "--rounds-per-month", "1e6", "--changes-per-day", "100")
    status, printed = vitrine(*arguments, "--json")
    assert status == 0
    plan = json.loads(printed)
    assert plan == json.loads(json.dumps(to_json(suggest(Workload(5_000_000, 1e6, changes_a_day=100)))))
    chosen = next(one for one in plan["deployments"] if one["key"] == plan["suggested"])
    assert chosen["dollars_a_month"] == pytest.approx(sum(chosen["lines"].values()), abs=0.1)

    status, table = vitrine(*arguments)
    assert status == 0
    assert "5,000,000 products of 256 dimensions, 1,000,000 rounds a month, 100 changes a day" in table
    for one in plan["deployments"]:
        assert one["name"] in table
    assert f"{chosen['dollars_a_month']:,.2f}" in table
