"""Jumpers, laid flat, with ribbed edges."""

from __future__ import annotations

import numpy as np

from export.sample.bodice import AXIS, Block
from export.sample.curves import ellipse, mirrored
from export.sample.palette import deeper
from export.sample.parts import Layer, Look, Part, Stroke
from export.sample.sewing import (
    band,
    both,
    drape,
    neck_trim,
    sleeves,
)


def jumper(look: Look) -> list[Layer]:
    roll, vee = look.cut == "roll-neck", look.cut == "v-neck"
    cropped = look.cut == "cropped"
    block = Block(
        top=100,
        length=look.between(262, 280) - 44 * cropped,
        neck=36 if not roll else 32,
        shoulder=96,
        chest=94,
        waist=95,
        hem=84,
        armhole=104,
        dip=64 if vee else 24,
        neckline="v" if vee else "round",
        slope=22,
    )
    length, lean, cuff = 236.0, look.between(0.2, 0.27), 46.0
    trim = (
        look.cloth.accented()
        if look.cloth.pattern in ("colour-block", "breton") and look.maybe(0.5)
        else look.cloth.plain()
    )
    # The sleeve ends under its cuff, which gathers it: seen past the cuff's edges, it would look cut off.
    edge, above = block.cuff(length + 24, lean, cuff - 12), block.cuff(length, lean, cuff, back=4)
    tuck = np.array([(5.0, 0.0), (5.0, 0.0)])
    layers: list[Layer] = [
        Part(block.neck_back(), trim, "rib", tone=0.68, puff=4, lift=0),
        *sleeves(block, look, length, lean, cuff, look.fabric, bend=6.0),
        *band((np.asarray(above) + np.array([(-3.0, -1.0), (3.0, 1.0)]), np.asarray(edge) + tuck), trim, grain=lean),
        Part(block.torso(), look.cloth, look.fabric, puff=22, relief=1.2, folds=drape(block, 1.1)),
        *both(Stroke(block.armhole_seam(), deeper(look.cloth.base, 0.5), 2.0, 0.3)),
        Part(
            mirrored(
                [(AXIS, block.bottom - 26), (AXIS - block.hem - 3, block.bottom - 30)],
                [(AXIS - block.hem + 4, block.bottom + 6)],
                [(AXIS, block.bottom + 11)],
            ),
            trim,
            "rib",
            puff=7,
            lift=2,
        ),
    ]
    if not roll:
        return [*layers, *neck_trim(block, 14, trim)]
    collar = mirrored(
        [(AXIS, 60), (AXIS - 34, 62)], [(AXIS - 39, 84), (AXIS - 37, 112)], [(AXIS - 20, 124), (AXIS, 127)]
    )
    return [
        *layers,
        Part(collar, trim, "rib", puff=11, relief=1.3, lift=4),
        Part(ellipse(AXIS, 63, 33, 5), trim, "rib", tone=0.62, lift=0, puff=2),
    ]
