"""The cost model against sums done by hand, its prices' sources, and the README's table against the script."""

from __future__ import annotations

import tomllib
from datetime import date

import pytest

from infra import cost
from tests.infra.template import ROOT, load, of_type

PRICE = cost.read_prices()


def test_a_sum_done_by_hand() -> None:
    options = cost.options(["--memory-mb", "1024", "--warm-ms", "10", "--cold-ms", "1000"])
    month = cost.vitrine(1_000_000, options, PRICE)
    assert month.lines["gateway"] == pytest.approx(1.00)
    # 990,000 x 10 ms + 10,000 x 1 s = 19,900 GB-seconds, and 20 cents for the million requests
    assert month.lines["function"] == pytest.approx(0.20 + 19_900 * 0.0000166667)
    # 11 million requests, 10 million of them free; 3.4 + 10 x 30 kB are 296 GB, all within the free 1 TB
    assert month.lines["CloudFront"] == pytest.approx(1.00)
    # two processes read their keys every minute and ask for a new bundle every half minute
    assert month.lines["reading keys"] == pytest.approx(2 * 43_800 / 1e4 * 0.03)
    assert month.lines["looking for new bundles"] == pytest.approx(2 * 87_600 / 1e3 * 0.0004)


def test_the_goals_hold_with_all_defaults() -> None:
    """At most 1 dollar a month idle and 7 for a million rounds."""
    assert cost.vitrine(0, cost.options([]), PRICE).total <= 1
    assert cost.vitrine(1_000_000, cost.options([]), PRICE).total <= 7


def test_what_is_off_by_default_would_break_the_goals() -> None:
    for switch in ("--snapstart", "--dashboard"):
        assert cost.vitrine(0, cost.options([switch, "on"]), PRICE).total > 1


def test_nearly_every_trace_is_recorded_at_a_million_rounds() -> None:
    assert cost.traces(1_000_000) == 1_000_000
    assert cost.traces(100_000_000) == pytest.approx(2_628_000 + 0.05 * 97_372_000)


def test_others() -> None:
    assert cost.vector_database(cost.options([]), PRICE) == pytest.approx(350.4)
    assert cost.recommender(0, PRICE) == 0
    assert cost.recommender(1_000_000, PRICE) == pytest.approx(594)
    # 100,000 x 256 floats are 0.095 GB: 2.50 for a million queries, 0.37 for the 93 TB that they read
    vectors = cost.s3_vectors(1_000_000, cost.options(["--products", "100000"]), PRICE)
    assert vectors == pytest.approx(2.50 + 0.37 + 0.01, abs=0.01)


def test_every_price_has_a_source_and_a_date() -> None:
    for name, entry in tomllib.loads(cost.PRICES.read_text(encoding="utf-8")).items():
        assert entry["source"].startswith("https://"), name
        assert isinstance(entry["read"], date), name
        assert isinstance(entry["looked_up"], bool), name
        assert entry["unit"], name
        assert PRICE[name] > 0


def test_the_readme_shows_what_the_script_says() -> None:
    readme = (ROOT / "infra" / "README.md").read_text(encoding="utf-8")
    assert cost.table(cost.options([]), PRICE) in readme
    without = cost.vitrine(1_000_000, cost.options(["--allowance", "off"]), PRICE).total
    assert f"{without:.2f} dollars" in readme


def test_it_counts_the_alarms_that_there_are() -> None:
    """An alarm on metric math is billed for each metric that it reads."""
    alarms = of_type(load(), "AWS::CloudWatch::Alarm").values()
    metrics = sum(sum("MetricStat" in part for part in alarm.get("Metrics", [])) or 1 for alarm in alarms)
    assert cost.options([]).alarms == metrics


def test_the_options_start_from_the_templates_defaults() -> None:
    template = load()
    size = template["Mappings"]["Sizes"][template["Parameters"]["CatalogSize"]["Default"]]
    assert cost.options([]).memory_mb == int(size["ApiMemory"])
    for option, parameter in (("snapstart", "SnapStart"), ("dashboard", "Dashboard")):
        assert getattr(cost.options([]), option) == template["Parameters"][parameter]["Default"]
