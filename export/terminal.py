"""The progress of long steps: a bar in a terminal, and lines in a log."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console
    from rich.progress import Task, TaskID

LINE_SECONDS = 10.0
"""Between two lines of a step, where there is no terminal."""


class RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.1f}/s")


class LineProgress(Progress):
    """Prints a line for each step now and then. Rich shows a bar without a terminal only when it is full."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        # With auto_refresh `track` counts in a thread, which ends at once where no bar is shown.
        super().__init__(console=console, disable=True, auto_refresh=False)
        self._clock = clock
        self._printed_at: dict[TaskID, float] = {}

    def update(self, task_id: TaskID, **changes: Any) -> None:
        super().update(task_id, **changes)
        self._print(task_id)

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        super().advance(task_id, advance)
        self._print(task_id)

    def _print(self, task_id: TaskID) -> None:
        now = self._clock()
        since = now - self._printed_at.setdefault(task_id, now)
        task = self._tasks[task_id]
        if since >= LINE_SECONDS and not task.finished:
            self._printed_at[task_id] = now
            total = "" if task.total is None else f" of {task.total:,.0f}"
            self.console.print(f"{task.description}: {task.completed:,.0f}{total}", markup=False, soft_wrap=True)


def progress_bar(console: Console) -> Progress:
    if not console.is_terminal:
        return LineProgress(console)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(),
        console=console,
    )
