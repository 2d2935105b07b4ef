"""The cost script against sums done by hand, and the README's table against the script."""

from __future__ import annotations

import pytest

from infra import cost
from tests.infra.template import ROOT, load, of_type


def test_a_sum_done_by_hand() -> None:
    options = cost.options(["--memory-mb", "1024", "--warm-ms", "10", "--cold-ms", "1000", "--snapstart", "off"])
    month = cost.vitrine(1_000_000, options)
    assert month.lines["gateway"] == pytest.approx(1.00)
    # 990,000 x 10 ms + 10,000 x 1 s = 19,900 GB-seconds, and 20 cents for the million requests
    assert month.lines["function"] == pytest.approx(0.20 + 19_900 * 0.0000166667)
    assert month.lines["SnapStart"] == 0


def test_without_shoppers_only_what_is_kept_costs() -> None:
    month = cost.vitrine(0, cost.options(["--snapstart", "off", "--reindex-runs", "0"]))
    assert {name for name, dollars in month.lines.items() if dollars} == {"S3", "secret", "alarms, dashboard"}


def test_others() -> None:
    assert cost.vector_database(cost.options([])) == pytest.approx(350.4)
    assert cost.recommender(0) == 0
    assert cost.recommender(1_000_000) == pytest.approx(594)


def test_the_readme_shows_what_the_script_says() -> None:
    assert cost.table(cost.options([])) in (ROOT / "infra" / "README.md").read_text(encoding="utf-8")


def test_it_counts_the_alarms_that_there_are() -> None:
    template = load()
    # the stale-bundle alarm looks at two metrics, and is billed for each
    assert cost.options([]).alarms == len(of_type(template, "AWS::CloudWatch::Alarm")) + 1
