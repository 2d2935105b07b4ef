"""Sewing: the details that many garments share, from sleeves and cuffs to waistbands and buttons."""

from __future__ import annotations

import numpy as np

from export.sample.bodice import AXIS, Block
from export.sample.curves import Points, ellipse, flip, mirrored, outline
from export.sample.palette import deeper
from export.sample.parts import Folds, Layer, Look, Part, Stroke
from export.sample.patterns import Swatch, dyed

SAG = (Folds((AXIS, 150), 70, 1.6, start=120),)
"""How a soft bag gives under its own weight."""


def drape(block: Block, depth: float = 1.3) -> tuple[Folds, ...]:
    """How a top that hangs from its shoulders falls."""
    return (Folds((AXIS, block.top + 30), 46, depth, angle=0.06, start=160),)


def sleeves(
    block: Block, look: Look, length: float, lean: float, cuff: float, texture: str, **more: float
) -> list[Layer]:
    """Both sleeves, each with the cloth turned along it and its own creases."""
    left = block.sleeve(length, lean, cuff, more.get("bend", 0.0))
    creases = Folds(block.shoulder_point, 30, 1.3, angle=lean + 0.25, start=60)
    other = Folds((2 * AXIS - block.shoulder_point[0], block.shoulder_point[1]), 30, 1.3, angle=-lean - 0.25, start=60)
    return [
        Part(left, look.cloth, texture, puff=15, folds=(creases,), grain=lean * 0.8),
        Part(flip(left), look.cloth, texture, puff=15, folds=(other,), grain=-lean * 0.8),
    ]


def band(edge: tuple[Points, Points], swatch: Swatch, texture: str = "rib", grain: float = 0.0) -> list[Layer]:
    """A cuff: the strip between two cross lines of a sleeve, and its mirror image."""
    strip = np.concatenate([edge[0], edge[1][::-1]])
    return [
        Part(strip, swatch, texture, puff=6, grain=grain, lift=2),
        Part(flip(strip), swatch, texture, puff=6, grain=-grain, lift=2),
    ]


def both(stroke: Stroke) -> list[Layer]:
    return [stroke, Stroke(flip(stroke.points), stroke.colour, stroke.width, stroke.opacity, stroke.dash)]


def button(x: float, y: float, colour: tuple[float, float, float], radius: float = 4.0) -> list[Layer]:
    return [
        Part(ellipse(x, y, radius), dyed(colour), "smooth", puff=2.2, relief=1.6, lift=1.6),
        *(
            Part(ellipse(x + dx, y, radius * 0.17), dyed(deeper(colour, 0.6)), "smooth", lift=0, puff=0.5)
            for dx in (-radius * 0.32, radius * 0.32)
        ),
    ]


def neck_trim(block: Block, width: float, swatch: Swatch, texture: str = "rib") -> list[Layer]:
    """A band sewn along the neckline, from shoulder to shoulder."""
    inner = [block.neck_run()[-1], *block.neck_run()[::-1][1:]]
    half = outline(inner[:1], inner[1:]) if block.neckline != "square" else np.asarray(inner)
    line = np.concatenate([half, flip(half)[::-1][1:]])
    center = np.array([AXIS, block.top - 30])
    reach = line - center
    outer = center + reach * (1 + width / np.linalg.norm(reach, axis=1, keepdims=True))
    return [Part(np.concatenate([line, outer[::-1]]), swatch, texture, puff=4, lift=1.6)]


def waistband(look: Look, top: float, half: float, height: float = 18.0) -> list[Layer]:
    """The band at the top, with the inside of its back showing above it."""
    back = mirrored([(AXIS, top - 5), (AXIS - half + 3, top - 3)], [(AXIS - half + 3, top + 6)], [(AXIS, top + 8)])
    front = mirrored(
        [(AXIS, top + 4), (AXIS - half, top - 1)], [(AXIS - half - 1.5, top + height - 4)], [(AXIS, top + height + 2)]
    )
    return [
        Part(back, look.cloth.plain(), look.fabric, tone=0.68, puff=3, lift=0),
        Part(front, look.cloth.plain(), look.fabric, puff=5, lift=2),
    ]


def skirt_panel(top: float, length: float, waist: float, hem: float, curve: float = 14.0) -> Points:
    """A skirt from its waist: half widths at waist and hem, the hem hanging in a shallow arc."""
    bottom = top + length
    return mirrored(
        [(AXIS, top + 3), (AXIS - waist, top - 1)],
        [(AXIS - waist - (hem - waist) * 0.36, top + length * 0.3), (AXIS - hem, bottom - curve)],
        [(AXIS - hem * 0.55, bottom - curve * 0.25), (AXIS, bottom)],
    )
