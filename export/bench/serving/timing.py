"""Times taken side by side, so that whatever else the machine does falls on all sides alike."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

WARM_UP = 50
_RESAMPLES = 2_000


def interleave(
    sides: Mapping[str, Callable[[int], object]], repeat: int, prepare: Callable[[int], None] | None = None
) -> dict[str, NDArray[np.float64]]:
    """CPU seconds of each call, (repeat,) a side. Every repetition calls each side once; who goes first rotates.

    `prepare` gets the number of each repetition before it, and is not timed. CPU time leaves out the turns that other
    processes of a shared machine get; nothing that is compared here waits.
    """
    names = list(sides)
    for turn in range(WARM_UP):
        if prepare:
            prepare(turn)
        for name in names:
            sides[name](turn)
    seconds = {name: np.empty(repeat) for name in names}
    gc.collect()
    for turn in range(repeat):
        if prepare:
            prepare(turn)
        for name in (*names[turn % len(names) :], *names[: turn % len(names)]):
            started = time.process_time()
            sides[name](turn)
            seconds[name][turn] = time.process_time() - started
    return seconds


def summary(seconds: NDArray[np.float64]) -> dict[str, float]:
    """Milliseconds."""
    low, median, p90 = np.percentile(seconds * 1000, [25, 50, 90])
    return {"median_ms": round(float(median), 4), "p25_ms": round(float(low), 4), "p90_ms": round(float(p90), 4)}


def ratio_of_medians(above: NDArray[np.float64], below: NDArray[np.float64], seed: int = 0) -> dict[str, float]:
    """median(above) / median(below) with a 95 % bootstrap interval; what shared a moment is resampled together."""
    rng = np.random.default_rng(seed)
    picks = rng.integers(len(above), size=(_RESAMPLES, len(above)))
    ratios = np.median(above[picks], axis=1) / np.median(below[picks], axis=1)
    low, high = np.percentile(ratios, [2.5, 97.5])
    return {
        "ratio": round(float(np.median(above) / np.median(below)), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
    }


class Stopwatch:
    """Wraps functions where they are looked up, and adds up the CPU time spent in each. Undone on leaving the block."""

    def __init__(self, places: Mapping[str, tuple[Any, str]]) -> None:
        self._places = places
        self._kept: list[tuple[Any, str, Any]] = []
        self.seconds: dict[str, list[float]] = {}

    def __enter__(self) -> Stopwatch:
        for step, (owner, name) in self._places.items():
            original = getattr(owner, name)
            self._kept.append((owner, name, original))
            setattr(owner, name, self._timed(step, original))
        return self

    def __exit__(self, *_: object) -> None:
        for owner, name, original in self._kept:
            setattr(owner, name, original)
        self._kept.clear()

    def medians_ms(self) -> dict[str, float]:
        return {step: round(float(np.median(taken)) * 1000, 4) for step, taken in self.seconds.items()}

    def _timed(self, step: str, original: Callable[..., Any]) -> Callable[..., Any]:
        taken = self.seconds.setdefault(step, [])

        def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.process_time()
            try:
                return original(*args, **kwargs)
            finally:
                taken.append(time.process_time() - started)

        return timed
