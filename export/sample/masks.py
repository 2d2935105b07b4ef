"""Masks: which pixels an outline or a line of thread covers, with soft edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from export.sample.frame import SIZE
from export.sample.parts import Layer, Part, Stroke
from export.sample.relief import Field, blurred

if TYPE_CHECKING:
    from export.sample.curves import Points

FINE = 4
"""Outlines are filled at this many times the final size and averaged down: their edges get 16 levels."""


Window = tuple[slice, slice]


def cut_out(layer: Layer) -> tuple[Window, Field]:
    """The layer's coverage, 0 to 1, and the window of the picture that it fills."""
    points = layer.outline if isinstance(layer, Part) else layer.points
    # A part is shaded by the slope of its blurred edge, so its window leaves that edge room.
    room = 3 + (layer.soft * 2.5 if isinstance(layer, Part) else layer.width)
    left, top = np.maximum(np.floor(points.min(0) - room), 0).astype(int)
    right, bottom = np.minimum(np.ceil(points.max(0) + room), SIZE).astype(int)
    fine = Image.new("L", ((right - left) * FINE, (bottom - top) * FINE))
    pen = ImageDraw.Draw(fine)

    def scaled(shape: Points) -> list[tuple[float, float]]:
        return [(float(px), float(py)) for px, py in (shape - (left, top)) * FINE]

    if isinstance(layer, Part):
        pen.polygon(scaled(layer.outline), fill=255)
        for hole in layer.holes:
            pen.polygon(scaled(hole), fill=0)
    else:
        for piece in _dashes(layer):
            pen.line(scaled(piece), fill=255, width=max(1, round(layer.width * FINE)), joint="curve")
    mask: Field = np.asarray(fine.reduce(FINE), np.float32) / 255
    if isinstance(layer, Part) and layer.soft:
        mask = blurred(mask, layer.soft)
    return (slice(int(top), int(bottom)), slice(int(left), int(right))), mask


def _dashes(stroke: Stroke) -> list[Points]:
    """The stroke's line cut into stitches, every other one left out; the whole line when it is unbroken."""
    if not stroke.dash:
        return [stroke.points]
    steps = np.linalg.norm(np.diff(stroke.points, axis=0), axis=1)
    at = np.concatenate([[0.0], np.cumsum(steps)])
    starts = np.arange(0, at[-1] - stroke.dash / 2, stroke.dash * 1.8)
    return [
        np.column_stack([np.interp([s, s + stroke.dash], at, stroke.points[:, axis]) for axis in (0, 1)])
        for s in starts
    ]
