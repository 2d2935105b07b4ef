"""Skirts, laid flat."""

from __future__ import annotations

import numpy as np

from export.sample.bodice import AXIS
from export.sample.curves import mirrored, outline, ribbon, spline
from export.sample.palette import BRASS, deeper
from export.sample.parts import Folds, Layer, Look, Part, Stroke
from export.sample.sewing import (
    both,
    button,
    skirt_panel,
    waistband,
)


def skirt(look: Look) -> list[Layer]:
    top = 100.0
    length, waist, hem = {
        "mini": (look.between(180, 200), 58.0, look.between(112, 126)),
        "pencil": (look.between(268, 284), 58.0, look.between(66, 72)),
        "pleated": (look.between(236, 256), 58.0, look.between(122, 134)),
        "wrap": (look.between(246, 264), 58.0, look.between(100, 112)),
    }[look.cut]
    if look.cut == "mini":
        top = 134.0
    ink = deeper(look.cloth.base, 0.5)
    pleated = look.cut == "pleated"
    fall = Folds(
        (AXIS, top - (110 if pleated else 70)),
        3.9 if pleated else 13,
        3.6 if pleated else 3.0,
        fan=True,
        start=20 if pleated else 150,
        sharp=pleated,
    )
    if look.cut == "pencil":
        bottom = top + length
        panel = mirrored(
            [(AXIS, top + 3), (AXIS - waist, top)],
            [(AXIS - 80, top + 84), (AXIS - 76, top + 150), (AXIS - hem, bottom - 4)],
            [(AXIS, bottom)],
        )
        fall = Folds((AXIS, top), 60, 1.2, start=120)
    else:
        panel = skirt_panel(top, length, waist, hem, 16)
    layers: list[Layer] = [Part(panel, look.cloth, look.fabric, puff=18, folds=(fall,))]
    if look.cut == "wrap":
        bottom = top + length
        over = outline(
            [(AXIS - waist + 1, top), (AXIS + waist - 2, top)],
            [(AXIS + 50, top + 90), (AXIS + 14, bottom - 26)],
            [(AXIS - 6, bottom - 8), (AXIS - 40, bottom - 3)],
            [(AXIS - hem + 2, bottom - 17)],
            [(AXIS - waist - (hem - waist) * 0.36 + 1, top + length * 0.3), (AXIS - waist + 1, top)],
        )
        layers.append(
            Part(
                over,
                look.cloth,
                look.fabric,
                puff=16,
                folds=(Folds((AXIS + 40, top - 40), 13, 2.6, fan=True, start=150),),
                lift=4,
            )
        )
        for end in ((AXIS + 66, top + 74), (AXIS + 42, top + 82)):
            layers.append(
                Part(
                    ribbon([(AXIS + 48, top + 8), (AXIS + 54, top + 40), end], 5, 9),
                    look.cloth.plain(),
                    look.fabric,
                    puff=3,
                )
            )
    if look.cut == "pencil":
        slit = np.array([(AXIS, top + length - 62), (AXIS, top + length)])
        layers += [
            Stroke(slit, ink, 1.8, 0.6),
            *both(Stroke(spline([(AXIS - 26, top + 16), (AXIS - 30, top + 70)]), ink, 1.2, 0.4)),
        ]
    layers += waistband(look, top, waist)
    if look.cut == "mini":
        for row in range(4):
            layers += button(AXIS, top + 11 + row * 40, BRASS, 4.4)
        layers.insert(1, Stroke(np.array([(AXIS + 9, top + 12), (AXIS + 9, top + length - 2)]), ink, 1.2, 0.45))
    return layers
