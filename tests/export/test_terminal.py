"""Progress without a terminal: in a log, in a batch job."""

from __future__ import annotations

import io
from itertools import count

import pytest
from rich.console import Console

from export.terminal import LINE_SECONDS, LineProgress, progress_bar
from tests.cli_process import vitrine


@pytest.mark.parametrize("total", [100, None])
def test_a_line_every_ten_seconds(total: int | None) -> None:
    written = io.StringIO()
    seconds = count()
    with LineProgress(Console(file=written, width=200), clock=lambda: float(next(seconds))) as progress:
        task = progress.add_task("Embedding photos [bold]", total=total)
        for _ in range(35):
            progress.advance(task)
    of = " of 100" if total else ""
    assert written.getvalue().splitlines() == [f"Embedding photos [bold]: {done}{of}" for done in (11, 21, 31)]


@pytest.mark.parametrize("known", [True, False])
def test_a_step_over_items_prints_lines_as_well(known: bool) -> None:
    written = io.StringIO()
    seconds = count()
    with LineProgress(Console(file=written, width=200), clock=lambda: float(next(seconds))) as progress:
        task = progress.add_task("Embedding photos", total=35)
        items = range(35) if known else iter(range(35))
        assert list(progress.track(items, total=35, task_id=task)) == list(range(35))
    assert [line.split(":")[0] for line in written.getvalue().splitlines()] == ["Embedding photos"] * 3


def test_a_short_step_prints_nothing_and_a_terminal_gets_a_bar() -> None:
    written = io.StringIO()
    with progress_bar(Console(file=written)) as progress:
        for _ in progress.track(range(5), description="Reading photos"):
            pass
    assert written.getvalue() == ""
    assert not isinstance(progress_bar(Console(file=io.StringIO(), force_terminal=True)), LineProgress)


def test_drawing_the_sample_shop_is_not_silent_without_a_terminal(tmp_path: object) -> None:
    hurried = f"import export.terminal; export.terminal.LINE_SECONDS = {LINE_SECONDS / 1e6}"
    status, output = vitrine("sample", f"{tmp_path}/shop", "--count", "3", before=hurried)
    assert status == 0
    assert "Drawing: 1 of 3" in output or "Drawing: 2 of 3" in output
