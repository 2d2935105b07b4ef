"""Views of a product photo as another shopper might have taken it: cropped, flipped, in another light."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, ImageEnhance, ImageOps

if TYPE_CHECKING:
    import numpy as np

AREA = (0.4, 1.0)
"""Of the photo that a crop keeps. Less would often show no part of the product."""
ASPECT = (0.75, 4 / 3)
LIGHT = 0.3
"""Brightness, contrast and saturation vary by this share. Hue stays: it tells one product from another."""
WARMTH = 0.1
"""Red and blue vary against each other by this share, as they do between lamps."""


def draw_view(photo: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A random crop of an RGB photo, flipped half of the time, in another light. Depends on nothing but its arguments.

    Source of crops and color jitter: K. He et al., "Momentum contrast", CVPR 2020, made milder for products.
    """
    view = _crop(photo, rng)
    if rng.random() < 0.5:
        view = ImageOps.mirror(view)
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        view = enhance(view).enhance(rng.uniform(1 - LIGHT, 1 + LIGHT))
    warmth = rng.uniform(-WARMTH, WARMTH)
    red, green, blue = view.split()
    return Image.merge("RGB", (_scale(red, 1 + warmth), green, _scale(blue, 1 - warmth)))


def _crop(photo: Image.Image, rng: np.random.Generator) -> Image.Image:
    width, height = photo.size
    aspect = width / height * rng.uniform(*ASPECT)
    area = width * height * rng.uniform(*AREA)
    wide = min(width, max(1, round((area * aspect) ** 0.5)))
    high = min(height, max(1, round((area / aspect) ** 0.5)))
    left, top = rng.integers(0, width - wide + 1), rng.integers(0, height - high + 1)
    return photo.crop((int(left), int(top), int(left) + wide, int(top) + high))


def _scale(channel: Image.Image, factor: float) -> Image.Image:
    return channel.point([min(255, round(value * factor)) for value in range(256)])
