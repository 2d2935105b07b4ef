"""Dresses, laid flat: a bodice and a skirt that falls from its waist."""

from __future__ import annotations

import numpy as np

from export.sample.bodice import AXIS, Block
from export.sample.curves import flip, mirrored, outline, ribbon, spline
from export.sample.palette import deeper
from export.sample.parts import Folds, Layer, Look, Part, Stroke
from export.sample.patterns import dyed
from export.sample.sewing import (
    both,
    button,
    skirt_panel,
    sleeves,
)


def dress(look: Look) -> list[Layer]:
    length = {"mini": 140.0, "midi": 196.0, "maxi": 236.0}.get(look.cut, 190.0)
    slip, shirt_dress = look.cut == "slip", look.cut == "shirt"
    if slip:
        length = 216.0
    waist_y = 190.0
    sleeve = 0.0 if slip else look.chance.choice((0.0, 62.0, 62.0, 180.0))
    neckline = "v" if slip or shirt_dress else look.chance.choice(("round", "v", "square"))
    block = Block(
        top=60 if not slip else 84,
        length=waist_y - 60 + 6 if not slip else waist_y - 84 + 6,
        neck=30 if sleeve else 36,
        shoulder=62 if sleeve else 54,
        chest=62,
        waist=56,
        hem=50,
        armhole=66 if not slip else 36,
        slope=12 if not slip else 6,
        dip=26 + 14 * (neckline == "v"),
        neckline=neckline,
        hem_curve=3,
    )
    ink = deeper(look.cloth.base, 0.5)
    layers: list[Layer] = []
    if slip:
        for side in (1, -1):
            strap = ribbon([(AXIS - 36, 92), (AXIS - 34, 66), (AXIS - 26, 46)], 4.5)
            layers.append(Part(strap if side == 1 else flip(strap), look.cloth.plain(), "smooth", puff=2, lift=1))
        bodice = mirrored(
            [(AXIS, 112), (AXIS - 18, 102), (AXIS - 38, 86)],
            [(AXIS - 50, 102), (AXIS - 60, 122)],
            [(AXIS - 54, 160), (AXIS - 49, 196)],
            [(AXIS, 199)],
        )
        back = mirrored([(AXIS, 106), (AXIS - 44, 104)], [(AXIS - 40, 130)], [(AXIS, 130)])
    else:
        bodice, back = block.torso(), block.neck_back(4)
    layers.append(Part(back, look.cloth.plain(), look.fabric, tone=0.7, puff=4, lift=0))
    if sleeve:
        layers += sleeves(block, look, sleeve, 0.5 if sleeve < 90 else 0.2, 56 if sleeve < 90 else 34, look.fabric)
    flare = look.between(100, 122) if look.cut in ("midi", "mini") else look.between(104, 124)
    if slip:
        flare = look.between(82, 96)
    layers += [
        Part(
            skirt_panel(waist_y, length, 49, flare),
            look.cloth,
            look.fabric,
            puff=18,
            folds=(
                Folds((AXIS, waist_y - 70), 11.5 if not slip else 15, 3.4 if not slip else 2.0, fan=True, start=150),
            ),
        ),
        Part(
            bodice,
            look.cloth,
            look.fabric,
            puff=16,
            folds=(Folds((AXIS, waist_y + 40), 14, 1.6, angle=3.1416, fan=True, start=120),),
        ),
    ]
    if sleeve:
        layers += both(Stroke(block.armhole_seam(), ink, 1.2, 0.4))
    if look.cut == "maxi":
        tier = waist_y + length * 0.6
        half = 49 + (flare - 49) * 0.52
        layers.append(
            Stroke(spline([(AXIS - half - 2, tier - 6), (AXIS, tier + 6), (AXIS + half + 2, tier - 6)]), ink, 1.8, 0.4)
        )
    if shirt_dress:
        layers.append(Stroke(np.array([(AXIS, block.top + block.dip), (AXIS, waist_y + length)]), ink, 1.3, 0.45))
        for row in range(6):
            layers += button(AXIS + 5, block.top + block.dip + 16 + row * 44, look.cloth.accent, 3.2)
        for side in (1, -1):
            leaf = outline(
                [(AXIS - 30, 58), (AXIS - 16, 50)],
                [(AXIS - 4, 76), (AXIS, 102)],
                [(AXIS - 26, 108)],
                [(AXIS - 36, 74), (AXIS - 30, 58)],
            )
            layers.append(
                Part(leaf if side == 1 else flip(leaf), look.cloth, look.fabric, puff=5, grain=0.4 * side, lift=3)
            )
    if not slip and (shirt_dress or look.maybe(0.55)):
        belt = mirrored(
            [(AXIS, waist_y - 5), (AXIS - 52, waist_y - 8)], [(AXIS - 52, waist_y + 5)], [(AXIS, waist_y + 9)]
        )
        layers.append(
            Part(belt, look.cloth.plain() if look.cloth.pattern != "plain" else dyed(ink), look.fabric, puff=4, lift=3)
        )
    else:
        layers.append(Stroke(spline([(AXIS - 49, waist_y), (AXIS, waist_y + 5), (AXIS + 49, waist_y)]), ink, 1.5, 0.45))
    return layers
