"""Statistics of sessions: mean rounds with intervals, and differences to the reference arm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from export.bench.play import Browsed, Found

WITHIN = (5, 10, 20)
CURVE_TO = 60
_RESAMPLES = 2_000


def describe_rounds(found: Sequence[Found], reference: Sequence[Found]) -> dict[str, Any]:
    """Describe one arm's sessions; `reference` are the reference arm's, with the same shoppers in the same order.

    A session that ended at the limit counts with the rounds it played, so a mean with `capped` above 0 is too low.
    """
    rounds = np.asarray([one.rounds for one in found], dtype=np.float64)
    found_it = np.asarray([not one.capped for one in found])
    tokens = np.asarray([one.token_chars for one in found])
    base = np.asarray([one.rounds for one in reference], dtype=np.float64)
    return {
        "sessions": len(rounds),
        "mean": _with_interval(rounds),
        "median": float(np.median(rounds)),
        "p90": float(np.percentile(rounds, 90)),
        "within": {str(limit): round(float(np.mean((rounds <= limit) & found_it)), 4) for limit in WITHIN},
        "to_reference": _with_interval(rounds - base),
        "sooner_later": [int(np.sum(rounds < base)), int(np.sum(rounds > base))],
        "capped": int(np.sum(~found_it)),
        "token_chars": {"mean": round(float(tokens.mean()), 1), "max": int(tokens.max())},
        "found_by_round": found_by_round(rounds, found_it),
        "rounds": " ".join(str(one.rounds) for one in found),
    }


def found_by_round(rounds: NDArray[np.float64], found_it: NDArray[np.bool_]) -> list[float]:
    """Share of sessions that had found their target by round 1, 2, ... CURVE_TO."""
    return [round(float(np.mean((rounds <= number) & found_it)), 4) for number in range(1, CURVE_TO + 1)]


def describe_pages(browsed: Sequence[Browsed], reference: Sequence[Browsed], rounds: int) -> dict[str, Any]:
    """Describe the pages of one arm, over sessions that all played `rounds` pages."""
    milliseconds = np.asarray([one.milliseconds for one in browsed])
    base = np.asarray([one.milliseconds for one in reference])
    return {
        "sessions": len(browsed),
        "rounds": rounds,
        "likeness": round(float(np.mean([one.likeness for one in browsed])), 4),
        "categories": round(float(np.mean([one.categories for one in browsed])), 3),
        "all_seen": round(float(np.mean([one.all_seen for one in browsed])), 3),
        "all_seen_share": round(float(np.mean([one.all_seen <= rounds for one in browsed])), 4),
        "milliseconds": round(float(np.mean(milliseconds)), 4),
        "cost_to_reference": _ratio(milliseconds, base),
    }


def _with_interval(values: NDArray[np.float64]) -> dict[str, float]:
    """Mean and its 95% bootstrap interval over sessions (percentile method)."""
    picks = np.random.default_rng(0).integers(len(values), size=(_RESAMPLES, len(values)))
    low, high = np.percentile(values[picks].mean(axis=1), [2.5, 97.5])
    return {"value": round(float(values.mean()), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> dict[str, float]:
    """Ratio of the means with its 95% bootstrap interval; sessions are resampled in pairs, which ran back to back."""
    picks = np.random.default_rng(0).integers(len(above), size=(_RESAMPLES, len(above)))
    low, high = np.percentile(above[picks].mean(axis=1) / below[picks].mean(axis=1), [2.5, 97.5])
    value = float(above.mean() / below.mean())
    return {"value": round(value, 4), "low": round(float(low), 4), "high": round(float(high), 4)}
