"""Patterns: what is printed, woven or knitted into a cloth, as pure functions of position.

A pattern answers, for every pixel, how much of the accent colour (and of a third one) lies over the base. Edges are
softened by about a pixel inside each function, so patterns need no supersampling and stay crisp at any scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

    from export.sample.palette import RGB

Field = NDArray[np.floating]


@dataclass(frozen=True)
class Swatch:
    """A cloth: a pattern by name with its colours, its repeat in pixels, its turn in radians and its offset."""

    pattern: str
    base: RGB
    accent: RGB
    third: RGB
    repeat: float = 24.0
    angle: float = 0.0
    offset: float = 0.0

    def plain(self) -> Swatch:
        return Swatch("plain", self.base, self.accent, self.third)

    def accented(self) -> Swatch:
        """A plain cloth in this one's accent colour."""
        return Swatch("plain", self.accent, self.base, self.third)


def dyed(colour: RGB) -> Swatch:
    """A plain cloth of one colour."""
    return Swatch("plain", colour, colour, colour)


def paint(swatch: Swatch, x: Field, y: Field, grain: float = 0.0) -> NDArray[np.float32]:
    """The cloth's colours at positions `x`, `y` (same shape), as an array of that shape x 3, from 0 to 1.

    `grain` turns the whole cloth, as a sleeve is cut at an angle to the body.
    """
    base = np.broadcast_to(np.asarray(swatch.base, np.float32), (*x.shape, 3))
    if swatch.pattern == "plain":
        return base.copy()
    # A block of colour is sewn from two cloths, so it stays level wherever the pieces lie.
    turn = 0.0 if swatch.pattern == "colour-block" else swatch.angle + grain
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    across, along = x * cos + y * sin, y * cos - x * sin
    accent, third = PATTERNS[swatch.pattern](across / swatch.repeat, along / swatch.repeat, swatch)
    painted = base + accent[..., None] * (np.asarray(swatch.accent, np.float32) - base)
    if third is not None:
        painted = painted + third[..., None] * (np.asarray(swatch.third, np.float32) - painted)
    return painted


Cover = tuple[Field, Field | None]


def _edge(distance: Field, swatch: Swatch) -> Field:
    """1 inside (distance below zero), 0 outside; `distance` in repeats, the seam between them about a pixel wide."""
    return np.asarray(np.clip(np.float32(0.5) - distance * np.float32(swatch.repeat * 0.8), 0, 1))


def _wave(t: Field) -> Field:
    """A triangle wave of period 1: the distance from `t` to the nearest whole number, 0 to 0.5."""
    return np.abs(t - np.round(t))


def stripes(_x: Field, y: Field, s: Swatch) -> Cover:
    return _edge(_wave(y + s.offset) - 0.22, s), None


def breton(_x: Field, y: Field, s: Swatch) -> Cover:
    return _edge(_wave(y + s.offset) - 0.13, s), None


def pinstripe(x: Field, _y: Field, s: Swatch) -> Cover:
    return _edge(_wave(x + s.offset) - 0.06, s) * np.float32(0.8), None


def gingham(x: Field, y: Field, s: Swatch) -> Cover:
    warp, weft = _edge(_wave(x) - 0.25, s), _edge(_wave(y) - 0.25, s)
    return (warp + weft) * np.float32(0.48), None


def tartan(x: Field, y: Field, s: Swatch) -> Cover:
    broad = (_edge(_wave(x) - 0.24, s) + _edge(_wave(y) - 0.24, s)) * np.float32(0.33)
    fine = np.maximum(_edge(_wave(x + 0.5) - 0.03, s), _edge(_wave(y + 0.5) - 0.03, s))
    return broad, fine * np.float32(0.75)


def windowpane(x: Field, y: Field, s: Swatch) -> Cover:
    return np.maximum(_edge(_wave(x) - 0.045, s), _edge(_wave(y) - 0.045, s)) * np.float32(0.85), None


def dots(x: Field, y: Field, s: Swatch) -> Cover:
    row = np.floor(y * 2)
    return _edge(np.hypot(_wave(x + (row % 2) * 0.5), _wave(y * 2 + 0.5) * 0.5) - 0.15, s), None


def chevron(x: Field, y: Field, s: Swatch) -> Cover:
    return _edge(_wave(y + _wave(x * 0.7) * 0.9 + s.offset) - 0.21, s), None


def argyle(x: Field, y: Field, s: Swatch) -> Cover:
    u, v = x + y * 0.62, x - y * 0.62
    diamond = _edge(np.maximum(_wave(u), _wave(v)) - 0.25, s)
    lines = np.maximum(_edge(_wave(u) - 0.018, s), _edge(_wave(v) - 0.018, s))
    return diamond, lines * np.float32(0.8)


def floral(x: Field, y: Field, s: Swatch) -> Cover:
    """Five-petalled flowers scattered on a jittered grid, each with its own turn and size, and leaves between."""
    blossom, heart, leaves = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
    for shift in (0.0, 0.5):
        u, v = x + shift, y + shift
        cell_x, cell_y = np.floor(u), np.floor(v)
        # The usual hash of shader programmers: a sine blown up until only its noise is left.
        chance = np.mod(np.sin(cell_x * 12.99 + cell_y * 78.23 + shift * 37.7 + s.offset) * 438.5, 1)
        dx, dy = u - cell_x - 0.38 - chance * 0.24, v - cell_y - 0.62 + chance * 0.24
        radius, bearing = np.hypot(dx, dy), np.arctan2(dy, dx) + chance * 6.28
        size = (0.24 + 0.1 * chance) if shift == 0.0 else (0.1 + 0.08 * chance)
        blossom = np.maximum(blossom, _edge(radius - size * (0.72 + 0.28 * np.cos(5 * bearing)), s))
        heart = np.maximum(heart, _edge(radius - size * 0.26, s))
        leaf = np.hypot((radius - size * 1.3) * 2.2, np.sin(bearing / 2) * 0.5)
        leaves = np.maximum(leaves, _edge(leaf - 0.1, s) * np.float32(shift == 0.0))
    return blossom * (1 - heart * np.float32(0.9)), np.maximum(heart * np.float32(0.85), leaves * (1 - blossom))


def fair_isle(x: Field, y: Field, s: Swatch) -> Cover:
    """Bands of lozenges and dots, as on a Shetland jumper, with plain rows between."""
    band = np.mod(y + s.offset, 2)
    lozenge = _edge(_wave(x * 1.5) / 1.5 + np.abs(band - 0.5) * 0.8 - 0.24, s)
    specks = _edge(np.hypot(_wave(x * 3) / 3, np.minimum(np.abs(band - 1.08), np.abs(band - 1.92))) - 0.075, s)
    rules = _edge(np.minimum(np.abs(band - 0.08), np.abs(band - 0.92)) - 0.03, s)
    return np.maximum(lozenge, rules), np.maximum(specks, 0)


def colour_block(_x: Field, y: Field, s: Swatch) -> Cover:
    """One cut across, at `offset`, a share of the product's height until it is framed (see `framing`)."""
    return _edge(s.offset - y, s), None


def speckle(x: Field, y: Field, s: Swatch) -> Cover:
    """The iron spots of a stoneware glaze: small, uneven, some missing."""
    cover = np.zeros_like(x)
    for turn in (1.0, 1.7, 2.6):
        u, v = x * turn + y * 0.31, y * turn - x * 0.31
        chance = np.mod(np.sin(np.floor(u) * 12.99 + np.floor(v) * 78.23 + turn + s.offset) * 438.5, 1)
        dx, dy = np.mod(u, 1) - 0.3 - 0.4 * chance, np.mod(v, 1) - 0.7 + 0.4 * chance
        cover = np.maximum(cover, _edge((np.hypot(dx, dy) - 0.16 * np.mod(chance * 7, 1)) / turn, s))
    return cover * np.float32(0.8), None


PATTERNS: dict[str, Callable[[Field, Field, Swatch], Cover]] = {
    "striped": stripes,
    "breton": breton,
    "pinstriped": pinstripe,
    "gingham": gingham,
    "tartan": tartan,
    "windowpane": windowpane,
    "dotted": dots,
    "floral": floral,
    "chevron": chevron,
    "argyle": argyle,
    "fair isle": fair_isle,
    "colour-block": colour_block,
    "speckled": speckle,
}
