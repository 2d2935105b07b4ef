"""The studio: layers go in, a finished picture comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from export.sample.backdrop import backdrop
from export.sample.frame import SIZE, grid
from export.sample.masks import cut_out
from export.sample.parts import Layer, Part, Stroke
from export.sample.shading import cast, cloth, tone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from export.sample.palette import RGB
    from export.sample.relief import Field


def photograph(layers: Sequence[Layer], paper: RGB, noise: np.random.Generator, *, standing: bool) -> Image.Image:
    """Draw `layers`, first at the bottom, on `paper`: `standing` on a floor, else laid flat and seen from above.

    `noise` gives grain and the accidents of cloth; the same generator state gives the same picture.
    """
    x, y = grid()
    grain = noise.standard_normal(x.shape, dtype=np.float32)
    uneven = _unevenness(noise)
    masks = [cut_out(layer) for layer in layers]
    whole = np.zeros_like(x)
    for layer, (window, mask) in zip(layers, masks, strict=True):
        if isinstance(layer, Part) and not layer.soft:
            np.maximum(whole[window], mask, out=whole[window])
    picture = backdrop(paper, grain, whole, standing=standing)
    covered = np.zeros_like(x)
    for layer, (window, mask) in zip(layers, masks, strict=True):
        if isinstance(layer, Stroke) or layer.soft:
            tone(picture, layer, window, mask * covered[window])
            continue
        cast(picture, covered, layer, window, mask)
        phases = noise.uniform(0, 2 * np.pi, 6)
        seen = cloth(layer, mask, x[window], y[window], grain[window], uneven[window], phases)
        picture[window] += (seen - picture[window]) * mask[..., None]
        np.maximum(covered[window], mask, out=covered[window])
    return Image.fromarray(np.uint8(np.clip(picture, 0, 1) * 255 + 0.5))


def _unevenness(noise: np.random.Generator) -> Field:
    """Gentle hills about forty pixels wide: no cloth lies quite flat."""
    coarse = Image.fromarray(noise.standard_normal((12, 10), dtype=np.float32))
    return np.asarray(coarse.resize(SIZE, Image.Resampling.BICUBIC), np.float32)
