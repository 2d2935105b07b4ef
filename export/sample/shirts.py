"""Shirts and tunics, laid flat."""

from __future__ import annotations

import numpy as np

from export.sample.bodice import AXIS, Block
from export.sample.curves import flip, moved, outline, spline
from export.sample.palette import deeper, lighter
from export.sample.parts import Layer, Look, Part, Stroke
from export.sample.sewing import (
    band,
    both,
    button,
    drape,
    sleeves,
)


def shirt(look: Look) -> list[Layer]:
    short = look.cut == "camp-collar"
    long_line = look.cut == "tunic"
    block = Block(
        top=82,
        length=328 if long_line else look.between(282, 300),
        neck=30,
        shoulder=86,
        chest=84,
        waist=80 if not short else 86,
        hem=86,
        armhole=96,
        dip=46 if short else 30,
        neckline="v",
        hem_curve=16 if not short else 3,
    )
    ink, pearl = deeper(look.cloth.base, 0.5), lighter(look.cloth.base, 0.75)
    length, lean, cuff = (112.0, 0.5, 72.0) if short else (278.0, look.between(0.16, 0.22), 40.0)
    edge, above = block.cuff(length, lean, cuff), block.cuff(length, lean, cuff, back=24)
    layers: list[Layer] = [
        Part(block.neck_back(14), look.cloth.plain(), look.fabric, tone=0.7, puff=5, lift=0),
        *sleeves(block, look, length, lean, cuff, look.fabric),
    ]
    if not short:
        tuck = np.array([(-2.0, 0.0), (2.0, 0.0)])
        layers += band((np.asarray(above) + tuck, np.asarray(edge) + tuck), look.cloth, look.fabric, lean)
    layers += [
        Part(block.torso(), look.cloth, look.fabric, puff=16, folds=drape(block, 1.6)),
        *both(Stroke(block.armhole_seam(), ink, 1.3, 0.4)),
        Part(
            outline(
                [(AXIS - 9, block.top + block.dip)],
                [(AXIS + 9, block.top + block.dip)],
                [(AXIS + 9, block.bottom + block.hem_curve)],
                [(AXIS - 9, block.bottom + block.hem_curve)],
            ),
            look.cloth,
            look.fabric,
            puff=3,
            lift=1.6,
        ),
        *both(
            Stroke(
                spline([(AXIS - 6.5, block.top + block.dip + 6), (AXIS - 6.5, block.bottom + block.hem_curve - 4)]),
                ink,
                0.9,
                0.35,
                dash=3,
            )
        ),
    ]
    for row in range(6 if long_line else 5):
        layers += button(AXIS, block.top + block.dip + 20 + row * 45, pearl, 3.6)
    if look.cut != "tunic":
        pocket = outline([(224, 186)], [(266, 186)], [(266, 224)], [(245, 236)], [(224, 224)])
        layers += [
            Part(pocket, look.cloth, look.fabric, puff=3, lift=1.6),
            Stroke(moved(pocket[:3], 0, 7), ink, 0.9, 0.4, dash=3),
        ]
    spread = 34.0 if short else 24.0
    for side in (1, -1):
        leaf = outline(
            [(AXIS - 33, block.top - 4), (AXIS - 22, block.top - 15)],
            [(AXIS - 6, block.top + 6), (AXIS, block.top + block.dip + 2)],
            [(AXIS - spread, block.top + block.dip + (26 if short else 12))],
            [(AXIS - 38, block.top + 18), (AXIS - 33, block.top - 4)],
        )
        if look.cut == "band-collar":
            leaf = outline(
                [(AXIS - 33, block.top + 1), (AXIS - 26, block.top - 15)],
                [(AXIS - 10, block.top + 12), (AXIS + 1, block.top + block.dip - 10)],
                [(AXIS, block.top + block.dip + 4)],
                [(AXIS - 18, block.top + 22), (AXIS - 33, block.top + 1)],
            )
        layers.append(
            Part(leaf if side == 1 else flip(leaf), look.cloth, look.fabric, puff=5, grain=0.5 * side, lift=3.5)
        )
    return layers
