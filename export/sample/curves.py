"""Outlines: smooth closed curves, given by the few points a pattern-maker would mark on paper.

An outline is an (N, 2) array of x, y in pixels of the finished picture, y pointing down. It is written as *runs*:
a run is a smooth spline through its points, and where one run ends and the next begins there is a corner. Each run
starts where the one before it ended, so a square with one round side is four runs and no repeated points.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

XY = tuple[float, float]
Points = NDArray[np.float64]


def spline(points: Sequence[XY], steps: int = 10) -> Points:
    """A cubic Hermite curve through `points`, with `steps` samples between two of them.

    Centripetal (knots apart by the root of the chord's length), so it neither loops nor bulges where points lie
    unevenly (Yuksel, Schaefer and Keyser, 2011).
    """
    at = np.asarray(points, dtype=np.float64)
    if len(at) < 3:
        return at
    chord = np.sqrt(np.maximum(np.linalg.norm(np.diff(at, axis=0), axis=1, keepdims=True), 1e-6))
    slope = np.diff(at, axis=0) / chord
    inner = (slope[:-1] * chord[1:] + slope[1:] * chord[:-1]) / (chord[:-1] + chord[1:])
    # At the ends the reflected neighbor gives a gentle natural curve instead of a straight last stretch.
    tangent = np.concatenate([[2 * slope[0] - inner[0]], inner, [2 * slope[-1] - inner[-1]]])
    t = (np.arange(steps) / steps)[None, :, None]
    start, end = at[:-1, None], at[1:, None]
    first, last = (tangent[:-1] * chord)[:, None], (tangent[1:] * chord)[:, None]
    curve = (
        (2 * t**3 - 3 * t**2 + 1) * start
        + (t**3 - 2 * t**2 + t) * first
        + (3 * t**2 - 2 * t**3) * end
        + (t**3 - t**2) * last
    )
    return np.concatenate([curve.reshape(-1, 2), at[-1:]])


def outline(*runs: Sequence[XY]) -> Points:
    """The curve along `runs`, each continuing from the last point of the one before."""
    pieces: list[Points] = []
    last: list[XY] = []
    for run in runs:
        pieces.append(spline([*last, *run]))
        last = [run[-1]]
    return np.concatenate(pieces)


def flip(points: Points, axis: float = 200.0) -> Points:
    """`points` mirrored left to right at x = `axis`."""
    return np.column_stack([2 * axis - points[:, 0], points[:, 1]])


def mirrored(*runs: Sequence[XY], axis: float = 200.0) -> Points:
    """A symmetrical outline from its left half, drawn from the top of the axis to the bottom of it.

    A curved first or last run crosses the axis smoothly; a run of two points meets it in a corner, like a V-neck.
    """
    first, rest = list(runs[0]), [list(run) for run in runs[1:]]
    pieces = [_half(first[::-1], axis)[::-1]]
    last = first[-1]
    for run in rest[:-1]:
        pieces.append(spline([last, *run]))
        last = run[-1]
    if rest:
        pieces.append(_half([last, *rest[-1]], axis))
    half = np.concatenate(pieces)
    return np.concatenate([half, flip(half, axis)[::-1]])


def _half(run: list[XY], axis: float) -> Points:
    """The spline along `run`, which ends on the axis, shaped as if it went on to its own mirror image."""
    if len(run) < 3:
        return spline(run)
    whole = spline([*run, *((2 * axis - x, y) for x, y in run[-2::-1])])
    return whole[: len(whole) // 2 + 1]


def moved(points: Points, dx: float, dy: float) -> Points:
    return np.asarray(points + np.array([dx, dy]), np.float64)


def ribbon(points: Sequence[XY], width: float, end_width: float | None = None) -> Points:
    """A band along the spline through `points`, `width` wide, narrowing or widening to `end_width`."""
    line = spline(points)
    along = np.gradient(line, axis=0)
    normal = np.column_stack([-along[:, 1], along[:, 0]]) / np.maximum(np.linalg.norm(along, axis=1), 1e-6)[:, None]
    half = np.linspace(width, width if end_width is None else end_width, len(line))[:, None] / 2
    return np.concatenate([line + normal * half, (line - normal * half)[::-1]])


def ellipse(cx: float, cy: float, rx: float, ry: float | None = None, angle: float = 0.0) -> Points:
    """An ellipse about (cx, cy), turned by `angle` radians; a circle when `ry` is left out."""
    t = np.linspace(0, 2 * math.pi, 48, endpoint=False)
    x, y = rx * np.cos(t), (rx if ry is None else ry) * np.sin(t)
    return np.column_stack(
        [cx + x * math.cos(angle) - y * math.sin(angle), cy + x * math.sin(angle) + y * math.cos(angle)]
    )


def box(left: float, top: float, right: float, bottom: float, radius: float = 4.0) -> Points:
    """A rectangle with corners rounded by `radius`."""
    quarter = np.linspace(0, math.pi / 2, 8)
    corners = [
        (right - radius, bottom - radius, 0.0),
        (left + radius, bottom - radius, math.pi / 2),
        (left + radius, top + radius, math.pi),
        (right - radius, top + radius, 1.5 * math.pi),
    ]
    return np.concatenate(
        [
            np.column_stack([x + radius * np.cos(quarter + turn), y + radius * np.sin(quarter + turn)])
            for x, y, turn in corners
        ]
    )
