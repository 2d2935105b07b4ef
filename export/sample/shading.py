"""Shading: a part in its own colours under the lamp, and what it throws on the parts below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from export.sample.frame import SIZE
from export.sample.parts import Layer, Part, Stroke
from export.sample.patterns import paint
from export.sample.relief import Field, blurred, fold_height, lit
from export.sample.textures import texture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from export.sample.masks import Window


def cloth(
    part: Part, mask: Field, x: Field, y: Field, grain: Field, uneven: Field, phases: NDArray[np.float64]
) -> NDArray[np.float32]:
    """The part's own colours under the lamp."""
    folds = np.zeros_like(x)
    for fold in part.folds:
        folds = folds + fold_height(fold, x, y, phases)
    hill = blurred(mask, part.puff)
    slope = lit(hill * np.float32(part.puff * 0.62 * part.relief) + folds)
    if part.texture not in ("smooth", "leather"):
        slope = slope + lit(uneven) * np.float32(0.8)
    # The print follows the cloth into its folds.
    colours = paint(part.swatch, x + np.clip(folds, -3, 3) * np.float32(0.7), y, part.grain)
    rim = (1 - np.clip(hill, 0, 1)) * np.float32(0.16 * min(part.relief, 1.2))
    fall = (x * np.float32(0.4) + y * np.float32(0.6) - 220) * np.float32(0.00035)
    shade = slope * np.float32(0.62) + texture(part.texture, x, y, grain, part.grain) - rim - fall
    shade = np.clip(shade, -0.6, 0.55)[..., None]
    # Shadow multiplies, light screens: dark cloth shows its folds by what shines, pale cloth by what does not.
    tone = np.float32(part.tone)
    # A rounded corner between the two, or the eye sees an edge where the light turns.
    bend = np.sqrt(shade * shade + np.float32(0.012))
    dark = colours * tone * (1 + (shade - bend) / 2 * np.asarray((1.04, 1.0, 0.92), np.float32))
    bright = dark + (1 - dark) * (shade + bend) * np.float32(0.25)
    if part.gloss:
        shine = np.clip((slope - 0.10) * 3, 0, 1) ** 2 * np.float32(part.gloss)
        bright = bright + (1 - bright) * shine[..., None]
    return np.asarray(bright, np.float32)


def cast(picture: NDArray[np.float32], covered: Field, part: Part, window: Window, mask: Field) -> None:
    """Darken what lies under `part` by the shadow it throws, never the paper: that has its own."""
    if part.lift <= 0:
        return
    room, shift = 14, max(1, round(part.lift * 0.6))
    rows, columns = window
    top, left = max(0, rows.start - room), max(0, columns.start - room)
    bottom, right = min(SIZE[1], rows.stop + room), min(SIZE[0], columns.stop + room)
    wide = np.zeros((bottom - top, right - left), np.float32)
    y, x = rows.start - top, columns.start - left
    wide[y : y + mask.shape[0], x : x + mask.shape[1]] = mask
    shade = np.roll(blurred(wide, part.lift), (shift, shift), (0, 1))
    area = (slice(top, bottom), slice(left, right))
    picture[area] *= (1 - np.float32(0.42) * shade * covered[area])[..., None]


def tone(picture: NDArray[np.float32], layer: Layer, window: Window, cover: Field) -> None:
    """Blend a flat colour in: a thread, a crease, a patch of light."""
    colour = layer.colour if isinstance(layer, Stroke) else layer.swatch.base
    picture[window] += (np.asarray(colour, np.float32) - picture[window]) * (cover * layer.opacity)[..., None]
