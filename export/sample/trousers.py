"""Trousers and shorts, laid flat."""

from __future__ import annotations

from export.sample.bodice import AXIS
from export.sample.curves import box, flip, outline, ribbon, spline
from export.sample.palette import BRASS, deeper
from export.sample.parts import Folds, Layer, Look, Part, Stroke
from export.sample.patterns import dyed
from export.sample.sewing import (
    both,
    button,
    waistband,
)


def trousers(look: Look) -> list[Layer]:
    hem, inset, knee = {
        "wide-leg": (92.0, 14.0, 3.0),
        "straight": (60.0, 24.0, 3.0),
        "tapered": (44.0, 30.0, -2.0),
        "flared": (84.0, 18.0, 13.0),
    }[look.cut]
    return _legs(
        look, top=52, length=look.between(364, 376) - 16 * (look.cut == "tapered"), hem=hem, inset=inset, knee=knee
    )


def shorts(look: Look) -> list[Layer]:
    hem, inset, length = {
        "tailored": (84.0, 9.0, 190.0),
        "running": (98.0, 8.0, 158.0),
        "bermuda": (76.0, 14.0, 250.0),
    }[look.cut]
    return _legs(
        look,
        top=132 if look.cut != "bermuda" else 104,
        length=length + look.between(-6, 6),
        hem=hem,
        inset=inset,
        wide=1.2,
    )


def _legs(
    look: Look, *, top: float, length: float, hem: float, inset: float, knee: float | None = None, wide: float = 1.0
) -> list[Layer]:
    """Two legs from a waist. `hem` is one leg's width there, `inset` its distance from the axis.

    `knee` is how far the leg narrows half way down, each side; without one they are shorts.
    """
    waist, hip = 62 * wide, 80 * wide
    fork = top + 132 * (wide if knee is not None else 0.92)
    bottom = top + length
    ink = deeper(look.cloth.base, 0.5)
    right = AXIS - inset
    left, center = right - hem, right - hem / 2
    outer = [(AXIS - hip, top + 84)]
    inner: list[tuple[float, float]] = []
    if knee is not None:
        outer.append(((AXIS - hip + left) / 2 + knee, (top + 84 + bottom) / 2))
        inner.append(((AXIS - 1 + right) / 2 - knee, (fork + bottom) / 2))
    leg = outline(
        [(AXIS + 1, top + 2), (AXIS - waist, top)],
        [*outer, (left, bottom - 2)],
        [(center, bottom + 3), (right, bottom - 1)],
        [*inner, (AXIS - 1, fork)],
        [(AXIS + 1, top + 2)],
    )
    fall = Folds((AXIS, fork - 50), 12, 1.7, fan=True, start=150)
    layers: list[Layer] = [
        Part(leg, look.cloth, look.fabric, puff=17, relief=1.1, folds=(fall,)),
        Part(flip(leg), look.cloth, look.fabric, puff=17, relief=1.1, folds=(fall,)),
    ]
    if knee is not None and look.fabric != "twill":
        layers += both(
            Stroke(
                spline([(AXIS - 44, top + 40), ((AXIS - hip + AXIS) / 2 - 6, fork + 60), (center, bottom - 2)]),
                ink,
                1.1,
                0.3,
            )
        )
    layers += both(
        Stroke(
            spline([(left + 1, bottom - 13), (center, bottom - 8), (right - 1, bottom - 12)]), ink, 1.1, 0.45, dash=3
        )
    )
    layers += [
        Stroke(spline([(AXIS, top + 16), (AXIS, fork)]), ink, 1.4, 0.5),
        Stroke(spline([(AXIS + 17, top + 18), (AXIS + 16, top + 66), (AXIS + 2, top + 86)]), ink, 1.0, 0.45, dash=3),
        *both(
            Stroke(
                spline([(AXIS - waist + 12, top + 18), (AXIS - waist + 4, top + 44), (AXIS - hip + 2, top + 64)]),
                ink,
                1.6,
                0.5,
            )
        ),
        *waistband(look, top, waist),
    ]
    if look.cut == "running":
        for end in (-14.0, 10.0):
            layers.append(
                Part(
                    ribbon([(AXIS, top + 12), (AXIS + end * 0.6, top + 36), (AXIS + end, top + 66)], 3.4),
                    look.cloth.accented(),
                    "smooth",
                    puff=1.5,
                    lift=2,
                )
            )
        return layers
    for x in (AXIS - waist * 0.62, AXIS + waist * 0.62):
        layers.append(
            Part(box(x - 4, top - 2, x + 4, top + 20, 2), look.cloth.plain(), look.fabric, puff=2.5, lift=1.6)
        )
    return [*layers, *button(AXIS, top + 11, BRASS if look.fabric == "twill" else dyed(ink).base, 4.4)]
