"""Runs processes that start from nothing, in turns, and collects what each says of itself."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SCRIPT = str(Path(__file__).with_name("first_page.py"))


Start = Callable[[list[str], Mapping[str, str]], tuple[str, float]]
"""Starts a process with the arguments of first_page.py and an environment; its line, and the seconds that it took."""


class Fresh(NamedTuple):
    """What processes of one side took, (repeat,) each."""

    cpu: NDArray[np.float64]
    """CPU seconds from the start of the process to its line."""
    own_cpu: NDArray[np.float64]
    """The same from its first statement, without the interpreter's start."""
    wall: NDArray[np.float64]
    """Seconds on the clock from just before the process was created to its line."""
    peak: NDArray[np.float64]
    """Bytes: the largest resident set, pages of mapped files included."""
    anonymous: NDArray[np.float64]
    """Bytes of the resident set at the end that no file backs."""
    mapped: NDArray[np.float64]
    """Bytes of the resident set at the end that are pages of mapped files, which the kernel can drop and read again."""


def alternate(
    commands: Mapping[str, list[str]],
    environment: Mapping[str, str],
    repeat: int,
    warm_up: int = 1,
    prepare: Callable[[], None] | None = None,
    start: Start | None = None,
) -> dict[str, Fresh]:
    """Run every command of first_page.py `repeat` times; who goes first rotates. Raises RuntimeError if one fails.

    `prepare` is called before each process, outside of the time measured. `start` runs a command; by default `run`.
    """
    start = start or run
    taken: dict[str, list[list[float]]] = {side: [] for side in commands}
    names = list(commands)
    for turn in range(-warm_up, repeat):
        for side in (*names[turn % len(names) :], *names[: turn % len(names)]):
            if prepare:
                prepare()
            line, wall = start(commands[side], environment)
            cpu, own, peak, anonymous, mapped = map(float, line.split())
            if turn >= 0:
                taken[side].append([cpu, own, wall, peak, anonymous, mapped])
    return {side: Fresh(*np.array(rows).T) for side, rows in taken.items()}


def run(arguments: list[str], environment: Mapping[str, str]) -> tuple[str, float]:
    """The line that the process printed, and how many seconds it took. Raises RuntimeError if it failed."""
    started = time.perf_counter()
    command = [sys.executable, _SCRIPT, *arguments]
    done = subprocess.run(command, capture_output=True, env=environment, text=True, check=False)
    if done.returncode or not done.stdout:
        raise RuntimeError(f"{' '.join(command)} failed with status {done.returncode}: {done.stderr[-500:]}")
    return done.stdout.splitlines()[-1], time.perf_counter() - started
