"""Framing: every product fills its picture as the photographer would have it, whatever size it was cut."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from export.sample.parts import Layer, Stroke

if TYPE_CHECKING:
    from collections.abc import Sequence

    from export.sample.curves import Points

FLAT_FRAME, STANDING_FRAME = (328.0, 408.0), (308.0, 340.0)
"""Width and height that a product may fill, in pixels of a picture 400 by 480."""

CLOSEST = 1.3
"""The most a small product is enlarged: shorts should still look shorter than trousers."""

FLOOR = 408.0
"""Where a standing product touches the floor."""


def framed(layers: Sequence[Layer], *, standing: bool) -> list[Layer]:
    """`layers` moved and scaled together: centerd when laid flat, on the floor when standing.

    Patterns and textures keep their size: a cloth's repeat does not grow because the lens came closer.
    """
    solid = [layer.outline for layer in layers if not isinstance(layer, Stroke) and not layer.soft]
    low, high = np.min([part.min(0) for part in solid], axis=0), np.max([part.max(0) for part in solid], axis=0)
    size = high - low
    frame = STANDING_FRAME if standing else FLAT_FRAME
    scale = float(min(frame[0] / size[0], frame[1] / size[1], CLOSEST))
    middle = np.array([200.0, FLOOR - size[1] * scale / 2 if standing else 238.0])
    center = (low + high) / 2

    def to(points: Points) -> Points:
        return np.asarray((points - center) * scale + middle, np.float64)

    top, height = middle[1] - size[1] * scale / 2, size[1] * scale
    placed: list[Layer] = []
    for layer in layers:
        if isinstance(layer, Stroke):
            placed.append(replace(layer, points=to(layer.points), width=layer.width * scale))
            continue
        folds = tuple(
            replace(
                fold,
                origin=tuple(to(np.asarray(fold.origin))),
                spacing=fold.spacing if fold.fan else fold.spacing * scale,
                start=fold.start * scale,
            )
            for fold in layer.folds
        )
        swatch = layer.swatch
        if swatch.pattern == "colour-block":
            # The seam between the blocks is a share of the product's own height, known only now.
            swatch = replace(swatch, repeat=480.0, offset=float(top + swatch.offset * height) / 480)
        placed.append(
            replace(
                layer,
                outline=to(layer.outline),
                holes=tuple(map(to, layer.holes)),
                folds=folds,
                puff=layer.puff * scale,
                soft=layer.soft * scale,
                swatch=swatch,
            )
        )
    return placed
