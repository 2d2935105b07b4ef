"""infra/SCALE.md against the commands that it shows, and the figures of `vitrine plan` against the measurements."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.bench import scale, scale_limits
from export.planning.figures import measured
from export.planning.on_lambda import one_lambda
from tests.cli_process import vitrine
from tests.infra.template import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "infra" / "SCALE.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```\n\$ vitrine (plan .*)\n((?:.*\n)*?)```", PAGE, re.M)
MEASURED: list[dict[str, Any]] = json.loads((ROOT / "infra" / "scale.json").read_text(encoding="utf-8"))["measured"]


def test_there_are_four_examples() -> None:
    assert len(EXAMPLES) == 4


@pytest.mark.parametrize(("command", "shown"), EXAMPLES)
def test_an_example_prints_what_the_page_shows(command: str, shown: str) -> None:
    status, printed = vitrine(*shlex.split(command))
    assert status == 0
    assert [line.rstrip() for line in printed.splitlines()] == shown.splitlines()


def test_the_page_has_the_tables_that_the_benchmark_prints() -> None:
    assert scale.table(MEASURED) in PAGE
    assert scale_limits.table() in PAGE


def test_every_measured_size_names_its_command() -> None:
    for row in MEASURED:
        assert row["command"].startswith(("python -m ", "scripts/")), row
        assert row.keys() & {figure.key for figure in scale.FIGURES}, row


@pytest.mark.parametrize(
    ("name", "of", "key", "figure"),
    [
        ("milvus_bytes", "Milvus", "resident_mb", lambda fit, dim: fit.slope * 1e6 - 4 * dim),
        ("milvus_mb", "Milvus", "resident_mb", lambda fit, _: fit.fixed),
        ("milvus_seconds_a_million", "Milvus", "index_seconds", lambda fit, _: fit.slope * 1e6),
        ("process_mb", "hnswlib", "resident_mb", lambda fit, _: fit.fixed),
        ("resident_bytes", "hnswlib", "resident_mb", lambda fit, dim: fit.slope * 1e6 - 4 * dim),
        ("bundle_bytes", "hnswlib", "disk_mb", lambda fit, dim: fit.slope * 1e6 - 4 * dim),
        ("build_mb", "hnswlib", "build_mb", lambda fit, _: fit.fixed),
        ("build_bytes", "hnswlib", "build_mb", lambda fit, dim: fit.slope * 1e6 - 4 * dim),
        ("build_seconds_a_million", "hnswlib", "index_seconds", lambda fit, _: fit.slope * 1e6),
        ("cold_seconds_a_million", "hnswlib", "cold_seconds", lambda fit, _: fit.slope * 1e6),
        ("round_ms", "hnswlib", "round_ms", lambda fit, _: fit.at(1e5)),
        ("round_ms_a_decade", "hnswlib", "round_ms", lambda fit, _: fit.slope),
    ],
)
def test_the_plan_takes_its_figures_from_the_fits(name: str, of: str, key: str, figure: Any) -> None:
    row = next(row for row in MEASURED if row["engine"] == of and key in row)
    fit = scale.fits(MEASURED)[scale.series(row), key]
    assert measured()[name] == pytest.approx(figure(fit, row["dim"]), rel=0.05)


@given(st.floats(0, 1e4), st.floats(1e-6, 1e2), st.sampled_from(["linear", "logarithmic"]))
def test_a_fit_finds_the_law_behind_the_figures(fixed: float, slope: float, law: Any) -> None:
    behind = scale.Fit(fixed, slope, law)
    sizes = [1e4, 1e5, 1e6]
    found = scale.Fit.of(sizes, [behind.at(size) for size in sizes], law)
    for size in (*sizes, 1e8):
        assert found.at(size) == pytest.approx(behind.at(size), rel=1e-4)


def test_what_cannot_start_below_nothing_does_not() -> None:
    assert scale.Fit.of([10, 100], [1, 100], "linear").fixed == 0


def test_the_end_of_a_limit_is_where_it_breaks() -> None:
    def limits(work: Any) -> Any:
        return one_lambda(work).limits

    end = scale_limits.last(limits, "memory", 256)
    for products, holds in ((end, True), (end + 1, False)):
        found = limits(scale_limits.Workload(products, scale_limits.ROUNDS, 256))
        assert next(limit for limit in found if limit.name == "memory").holds is holds


def test_the_plot_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    scale.draw(MEASURED, tmp_path / "scale.png")
    assert (tmp_path / "scale.png").stat().st_size > 10_000
