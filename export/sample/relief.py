"""Relief: the height of a piece of cloth, and the light that falls on it from the top left.

Shading is not painted on. Every part has a height (rounded edges, folds, a little unevenness), and what the eye takes
for cloth is the slope of that height towards the lamp.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from export.sample.parts import Folds

Field = NDArray[np.floating]

LAMP = (np.float32(0.62), np.float32(0.78))


def lit(height: Field) -> Field:
    """How far each pixel leans towards the lamp: positive is brighter. `height` is in pixels."""
    down, right = np.gradient(height)
    return np.asarray(right * LAMP[0] + down * LAMP[1], np.float32)


def blurred(mask: Field, radius: float) -> Field:
    """`mask` smoothed to a soft hill about `radius` pixels wide, in floating point.

    Pillow's own blur rounds to bytes, and the slope of a rounded hill is a staircase.
    """
    if radius < 0.75:
        return mask
    # A wide blur has no detail to lose: at half or quarter size it is the same picture for a fraction of the work.
    step = 4 if radius >= 16 else 2 if radius >= 6 else 1
    rows, columns = mask.shape
    small = np.pad(mask, ((0, -rows % step), (0, -columns % step)))
    small = small.reshape(small.shape[0] // step, step, small.shape[1] // step, step).mean((1, 3))
    half = max(1, round(radius / step / 1.7))
    # Three passes carry light three half widths out and back; a window cut closer would show as a crease.
    room = 2 * half
    small = np.pad(small, room)
    for _ in range(3):
        for axis in (0, 1):
            small = _box(small, half, axis)
    small = small[room:-room, room:-room]
    if step == 1:
        return small.astype(np.float32)
    image = Image.fromarray(small.astype(np.float32))
    grown = image.resize((image.width * step, image.height * step), Image.Resampling.BICUBIC)
    return np.asarray(grown, np.float32)[:rows, :columns]


def _box(values: NDArray[np.floating], half: int, axis: int) -> NDArray[np.floating]:
    """A running mean over 2 * half + 1 neighbors along `axis`, with nothing beyond the borders."""
    pad = [(0, 0), (0, 0)]
    pad[axis] = (half + 1, half)
    total = np.cumsum(np.pad(values, pad), axis=axis, dtype=np.float64)
    width = 2 * half + 1
    head = total[width:] if axis == 0 else total[:, width:]
    tail = total[:-width] if axis == 0 else total[:, :-width]
    return (head - tail) / width


def fold_height(folds: Folds, x: Field, y: Field, phases: NDArray[np.float64]) -> Field:
    """The height in pixels that `folds` add at `x`, `y`; `phases` are six random angles that make this fall unique."""
    dx, dy = x - folds.origin[0], y - folds.origin[1]
    cos, sin = np.float32(math.cos(folds.angle)), np.float32(math.sin(folds.angle))
    across, along = dx * cos + dy * sin, dy * cos - dx * sin
    if folds.fan:
        across = np.degrees(np.arctan2(across, np.maximum(along, 1)))
    across = across / np.float32(folds.spacing) * np.float32(2 * math.pi)
    p = phases.astype(np.float32)
    if folds.sharp:
        # A pleat or a quilted channel: a row of arches that meet in narrow valleys.
        waves = 2 * np.abs(np.sin(across / 2 + p[0])) - 1
    else:
        sway = np.sin(along / 70 + p[0]) * np.float32(0.7)
        waves = (
            np.sin(across + p[1] + sway)
            + np.sin(across * np.float32(0.62) + p[2] - sway) * np.float32(0.7)
            + np.sin(across * np.float32(1.71) + p[3] + sway * 2) * np.float32(0.32)
        )
    rise = np.clip(along / np.float32(folds.start), 0, 1) if folds.start else np.float32(1)
    return np.asarray(waves * rise * np.float32(folds.depth), np.float32)
