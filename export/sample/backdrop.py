"""The backdrop: paper, the lamp's pool of light, and the shadow a product throws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

from export.sample.frame import SIZE, grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from export.sample.palette import RGB
    from export.sample.relief import Field


def backdrop(paper: RGB, grain: Field, whole: Field, *, standing: bool) -> NDArray[np.float32]:
    """The paper with the lamp's pool of light, a vignette and the product's shadow on it."""
    x, y = grid()
    u, v = x / SIZE[0] - np.float32(0.5), y / SIZE[1] - np.float32(0.5)
    light = 1.03 - 0.10 * ((u + 0.12) ** 2 + (v + 0.16) ** 2) - 0.12 * (u * u + v * v) ** 2
    if standing:
        floor = 1 / (1 + np.exp(-(y - 322) / 16))
        light = light * (1 - 0.05 * floor) + 0.02 * floor * (1 - 4 * u * u)
        rows = np.nonzero(whole.max(1) > 0.5)[0]
        foot = int(rows[-1]) if len(rows) else SIZE[1] - 60
        shade = _ground(whole, foot)
    else:
        soft, close = _dropped(whole, 18, (12, 16)), _dropped(whole, 5, (3, 4))
        shade = 0.30 * soft + 0.24 * close
    light = light * (1 - shade) + grain * np.float32(0.003)
    # Shadows on warm paper lean cool; a neutral grey one looks like dirt.
    tint = np.asarray(paper, np.float32) * (1 - shade[..., None] * np.asarray((0.06, 0.03, -0.04), np.float32))
    return np.asarray(tint * light[..., None], np.float32)


def _dropped(whole: Field, blur: float, shift: tuple[int, int]) -> Field:
    image = Image.fromarray(np.uint8(whole * 255)).filter(ImageFilter.GaussianBlur(blur))
    shade = np.asarray(image, np.float32) / 255
    return np.roll(shade, (shift[1], shift[0]), (0, 1))


def _ground(whole: Field, foot: int) -> Field:
    """A standing product's shadow: its silhouette pressed flat onto the floor, and a dark line where it touches."""
    mask = Image.fromarray(np.uint8(whole * 255))
    top = max(0, foot - 150)
    flat = mask.crop((0, top, SIZE[0], foot)).resize((SIZE[0], 30))
    floor = Image.new("L", SIZE)
    floor.paste(flat, (12, foot - 20))
    contact = Image.new("L", SIZE)
    contact.paste(mask.crop((0, foot - 10, SIZE[0], foot)).resize((SIZE[0], 8)), (2, foot - 5))
    wide = np.asarray(floor.filter(ImageFilter.GaussianBlur(13)), np.float32) / 255
    near = np.asarray(contact.filter(ImageFilter.GaussianBlur(3.5)), np.float32) / 255
    back = _dropped(whole, 22, (16, 10)) * np.float32(0.10)
    return np.clip(wide * 0.5 + near * 0.45 + back, 0, 0.8).astype(np.float32)
