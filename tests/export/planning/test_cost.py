"""The cost model against sums done by hand, its figures' sources, and the README's table against the command."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.planning import cost
from export.planning.cost_table import DEFAULT_ROUNDS, parse, table
from export.planning.figures import MEASURED, PRICES, prices, read_entries
from handler.metrics import UNITS
from tests.infra.template import ROOT, load, of_type

PRICE = prices()
DEFAULT = cost.Assumptions()


def test_a_sum_done_by_hand() -> None:
    _, assumptions = parse(["--memory-mb", "1024", "--warm-ms", "10", "--cold-ms", "1000"])
    lines = cost.vitrine(1_000_000, assumptions, PRICE).lines
    assert lines["gateway"] == pytest.approx(1.00)
    # 990,000 x 10 ms + 10,000 x 1 s = 19,900 GB-seconds, and 20 cents for the million requests
    assert lines["function"] == pytest.approx(0.20 + 19_900 * 0.0000166667)
    # 11 million requests, 10 million of them free; 3.4 + 10 x 30 kB are 296 GB, all within the free 1 TB
    assert lines["CloudFront"] == pytest.approx(1.00)
    # two processes read their keys every minute and ask for a new bundle every half minute
    assert lines["reading keys"] == pytest.approx(2 * 43_800 / 1e4 * 0.03)
    assert lines["looking for new bundles"] == pytest.approx(2 * 87_600 / 1e3 * 0.0004)
    # every hour has rounds: five metrics all month, and a line of 0.7 kB a minute from each of two processes
    assert lines["metrics"] == pytest.approx(5 * 0.30)
    assert lines["logs"] == pytest.approx((1e6 * 1.6 + 730 * 4 + 2 * 43_800 * 0.7) / 1024**2 * 0.50)


@pytest.mark.parametrize(("rounds", "dollars"), [(0, 0), (1, 5 * 0.30 / 730), (73, 0.143), (1e8, 1.50)])
def test_a_custom_metric_is_billed_for_the_hours_that_have_rounds(rounds: float, dollars: float) -> None:
    assert cost.metrics(rounds, PRICE) == pytest.approx(dollars, rel=0.01)


def test_the_metrics_that_are_counted_are_those_that_rounds_write() -> None:
    of_rounds = {"Rounds", "ReadMilliseconds", "ChooseMilliseconds", "WriteMilliseconds", "BundleAgeSeconds"}
    assert of_rounds <= UNITS.keys()
    assert len(of_rounds) == cost.METRICS


def test_the_goals_hold_with_all_defaults() -> None:
    """At most 1 dollar a month idle and 7 for a million rounds."""
    assert cost.vitrine(0, DEFAULT, PRICE).total <= 1
    assert cost.vitrine(1_000_000, DEFAULT, PRICE).total <= 7


@pytest.mark.parametrize("switch", ["snapstart", "dashboard"])
def test_what_is_off_by_default_would_break_the_goals(switch: str) -> None:
    assert cost.vitrine(0, replace(DEFAULT, **{switch: True}), PRICE).total > 1


def test_nearly_every_trace_is_recorded_at_a_million_rounds() -> None:
    assert cost.traces(1_000_000) == 1_000_000
    assert cost.traces(100_000_000) == pytest.approx(2_628_000 + 0.05 * 97_372_000)


def test_others() -> None:
    assert cost.vector_database(DEFAULT, PRICE) == pytest.approx(350.4)
    assert cost.recommender(0, PRICE) == 0
    assert cost.recommender(1_000_000, PRICE) == pytest.approx(594)


def test_queries_of_s3_vectors_by_hand() -> None:
    """100,000 x 256 floats are 0.095 GB: 2.50 for a million queries, 0.37 for the 93 TB that they read."""
    small = cost.s3_vectors(1_000_000, 100_000, 256, PRICE)
    assert sum(small.values()) == pytest.approx(2.50 + 0.37 + 0.01, abs=0.01)
    # 20 million: 93 TB at 0.004, 9,220 TB at 0.002, and 9,313 TB at 0.0004
    large = cost.s3_vectors(1_000_000, 20_000_000, 256, PRICE)
    assert large["queries"] == pytest.approx(2.50 + 0.3725 + 18.44 + 3.7253, abs=0.01)


def test_every_price_has_a_source_and_a_date() -> None:
    for name, entry in read_entries(PRICES).items():
        assert entry["source"].startswith("https://"), name
        assert isinstance(entry["read"], date), name
        assert isinstance(entry["looked_up"], bool), name
        assert entry["unit"], name
        assert PRICE[name] > 0


def test_every_figure_was_measured_by_a_command_or_says_where_it_is_from() -> None:
    for name, entry in read_entries(MEASURED).items():
        assert entry["value"] > 0, name
        assert entry["unit"], name
        assert ("command" in entry) != ("source" in entry), name


@given(st.floats(0, 1e10), st.floats(0, 1e10))
def test_more_rounds_never_cost_less(fewer: float, more: float) -> None:
    fewer, more = sorted((fewer, more))
    assert cost.vitrine(fewer, DEFAULT, PRICE).total <= cost.vitrine(more, DEFAULT, PRICE).total


def test_the_readme_shows_what_the_command_prints() -> None:
    readme = (ROOT / "infra" / "README.md").read_text(encoding="utf-8")
    printed = subprocess.run(
        [sys.executable, "-m", "export.planning.cost_table"], capture_output=True, text=True, check=True
    ).stdout
    assert printed == table(DEFAULT_ROUNDS, DEFAULT) + "\n"
    assert printed in readme
    without = cost.vitrine(1_000_000, replace(DEFAULT, allowance=False), PRICE).total
    assert f"{without:.2f} dollars" in readme


def test_it_counts_the_alarms_that_there_are() -> None:
    """An alarm on metric math is billed for each metric that it reads."""
    alarms = of_type(load(), "AWS::CloudWatch::Alarm").values()
    metrics = sum(sum("MetricStat" in part for part in alarm.get("Metrics", [])) or 1 for alarm in alarms)
    assert DEFAULT.alarms == metrics


def test_the_assumptions_are_the_templates_defaults() -> None:
    template = load()
    size = template["Mappings"]["Sizes"][template["Parameters"]["CatalogSize"]["Default"]]
    assert DEFAULT.memory_mb == int(size["ApiMemory"])
    for name, parameter in (("snapstart", "SnapStart"), ("dashboard", "Dashboard")):
        assert getattr(DEFAULT, name) == (template["Parameters"][parameter]["Default"] == "on")
