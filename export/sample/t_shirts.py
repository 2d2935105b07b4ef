"""T-shirts, laid flat."""

from __future__ import annotations

import numpy as np

from export.sample.bodice import AXIS, Block
from export.sample.curves import outline, spline
from export.sample.palette import deeper
from export.sample.parts import Layer, Look, Part, Stroke
from export.sample.sewing import (
    both,
    drape,
    neck_trim,
    sleeves,
)


def t_shirt(look: Look) -> list[Layer]:
    boxy, v_neck = look.cut == "boxy", look.cut == "v-neck"
    block = Block(
        top=88,
        length=look.between(285, 300) if not boxy else look.between(240, 258),
        neck=36,
        shoulder=90 if not boxy else 104,
        chest=84 if not boxy else 98,
        waist=80 if not boxy else 98,
        hem=84 if not boxy else 98,
        armhole=94,
        dip=52 if v_neck else 28,
        neckline="v" if v_neck else "round",
    )
    ink = deeper(look.cloth.base, 0.5)
    length = look.between(92, 106) if look.cut != "long-sleeved" else 262.0
    lean, cuff = (0.62, 66.0) if length < 200 else (0.24, 44.0)
    trim = look.cloth.plain() if look.cloth.pattern != "colour-block" else look.cloth.accented()
    hem = spline(
        [(AXIS - block.hem + 1, block.bottom - 10), (AXIS, block.bottom - 4), (AXIS + block.hem - 1, block.bottom - 10)]
    )
    edge = block.cuff(length, lean, cuff, back=8)
    return [
        Part(block.neck_back(), look.cloth.plain(), look.fabric, tone=0.72, puff=4, lift=0),
        *sleeves(block, look, length, lean, cuff, look.fabric),
        *both(Stroke(np.asarray(edge), ink, 1.0, 0.4, dash=3)),
        Part(block.torso(), look.cloth, look.fabric, puff=16, folds=drape(block)),
        *both(Stroke(block.armhole_seam(), ink, 1.3, 0.4)),
        *neck_trim(block, 9, trim),
        Stroke(hem, ink, 1.0, 0.4, dash=3),
        *(
            [
                Part(
                    outline([(218, 190)], [(258, 190)], [(257, 226)], [(238, 236)], [(219, 226)]),
                    look.cloth,
                    look.fabric,
                    puff=3,
                    lift=1.8,
                )
            ]
            if look.cut == "pocket"
            else []
        ),
    ]
