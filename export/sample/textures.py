"""Textures: the fine grain of a material, as a height in pixels at every position."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

Field = NDArray[np.floating]

TURN = np.float32(2 * np.pi)


def _weave(_x: Field, _y: Field, noise: Field) -> Field:
    return np.asarray(noise * np.float32(0.016))


def _linen(x: Field, y: Field, noise: Field) -> Field:
    """Slubs: noise smeared along the threads, in both directions."""
    threads = np.sin(x * 2.1 + np.sin(y * 0.05) * 2) + np.sin(y * 2.1 + np.sin(x * 0.06) * 2)
    return np.asarray(noise * np.float32(0.014) + threads * np.float32(0.011))


def _twill(x: Field, y: Field, noise: Field) -> Field:
    return np.asarray(np.sin((x + y) * np.float32(2.0)) * np.float32(0.022) + noise * np.float32(0.022))


def _knit(x: Field, y: Field, noise: Field) -> Field:
    """Columns of V-shaped stitches, six pixels wide."""
    column = np.mod(x / 6, 1) - np.float32(0.5)
    stitch = np.sin(TURN * (y / 5 + np.abs(column) * 0.9))
    return np.asarray(
        stitch * np.float32(0.05) - (np.abs(column) > 0.42) * np.float32(0.05) + noise * np.float32(0.014)
    )


def _rib(x: Field, _y: Field, noise: Field) -> Field:
    return np.asarray(np.sin(x * TURN / 5) * np.float32(0.09) + noise * np.float32(0.012))


def _cable(x: Field, y: Field, noise: Field) -> Field:
    """Plaits of two strands, forty pixels apart, on a ground of knit."""
    column = np.mod(x / 40, 1) - np.float32(0.5)
    sway = np.float32(0.13) * np.sin(TURN * y / 34)
    strands = np.maximum(1 - np.abs(column - sway) / 0.1, 1 - np.abs(column + sway) / 0.1)
    front = np.cos(TURN * y / 34 + column * 9) * np.float32(0.04)
    return np.asarray(_knit(x, y, noise) * np.float32(0.7) + np.clip(strands, 0, 1) * (np.float32(0.17) + front * 2))


def _leather(x: Field, y: Field, noise: Field) -> Field:
    pebble = np.sin(x * 1.3 + 2 * np.sin(y * 0.7)) * np.sin(y * 1.2 + 2 * np.sin(x * 0.8))
    return np.asarray(pebble * np.float32(0.012) + noise * np.float32(0.008))


def _straw(x: Field, y: Field, noise: Field) -> Field:
    plait = np.sin(y * 1.6) * np.float32(0.05) * np.sign(np.sin(x * 0.9 + np.floor(y / 3.9) * 1.6))
    return np.asarray(plait + noise * np.float32(0.03))


def _smooth(_x: Field, _y: Field, noise: Field) -> Field:
    return np.asarray(noise * np.float32(0.004))


TEXTURES: dict[str, Callable[[Field, Field, Field], Field]] = {
    "weave": _weave,
    "linen": _linen,
    "twill": _twill,
    "knit": _knit,
    "rib": _rib,
    "cable": _cable,
    "leather": _leather,
    "straw": _straw,
    "smooth": _smooth,
}


def texture(name: str, x: Field, y: Field, noise: Field, grain: float = 0.0) -> Field:
    """The brightness that material `name` adds at `x`, `y`, about zero; `noise` is standard normal of their shape.

    `grain` turns the material as it does a pattern (see `patterns.paint`).
    """
    cos, sin = np.float32(np.cos(grain)), np.float32(np.sin(grain))
    return np.asarray(TEXTURES[name](x * cos + y * sin, y * cos - x * sin, noise), np.float32)
