"""Pairs: one shoe is drawn, two are shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from export.sample.curves import moved
from export.sample.parts import Layer, Look, Stroke

if TYPE_CHECKING:
    from collections.abc import Callable


def pair(draw: Callable[[Look], list[Layer]], look: Look, dx: float, dy: float) -> list[Layer]:
    """The far shoe, shifted and in the near one's shade, and the near one."""
    near = draw(look)
    far: list[Layer] = []
    for layer in near:
        if isinstance(layer, Stroke):
            far.append(replace(layer, points=moved(layer.points, dx, dy)))
            continue
        folds = tuple(replace(fold, origin=(fold.origin[0] + dx, fold.origin[1] + dy)) for fold in layer.folds)
        holes = tuple(moved(hole, dx, dy) for hole in layer.holes)
        far.append(
            replace(layer, outline=moved(layer.outline, dx, dy), folds=folds, holes=holes, tone=layer.tone * 0.9)
        )
    return far + near
