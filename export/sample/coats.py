"""Coats and jackets, laid flat."""

from __future__ import annotations

import numpy as np

from export.sample.bodice import AXIS, Block
from export.sample.curves import box, flip, mirrored, outline, spline
from export.sample.palette import BRASS, deeper
from export.sample.parts import Folds, Layer, Look, Part, Stroke
from export.sample.patterns import dyed
from export.sample.sewing import (
    both,
    button,
    sleeves,
)


def coat(look: Look) -> list[Layer]:
    if look.cut == "puffer":
        return _puffer(look)
    long = look.cut in ("overcoat", "trench")
    block = Block(
        top=66,
        length=356 if long else 266,
        neck=28,
        shoulder=88,
        chest=88,
        waist=80 if look.cut != "overcoat" else 90,
        hem=100 if long else 86,
        armhole=98,
        dip=92 if look.cut != "overcoat" else 104,
        neckline="v",
        slope=18,
        hem_curve=4,
    )
    ink = deeper(look.cloth.base, 0.55)
    lapel_y = block.top + block.dip
    length, lean, cuff = 284.0 if long else 262.0, look.between(0.13, 0.18), 46.0
    edge = block.cuff(length, lean, cuff, back=40)
    lining = dyed(deeper(look.cloth.accent, 0.3))
    layers: list[Layer] = [
        Part(block.neck_back(8), lining, "smooth", tone=0.8, puff=4, lift=0),
        *sleeves(block, look, length, lean, cuff, look.fabric),
        *both(Stroke(np.asarray(edge), ink, 1.4, 0.5)),
        Part(
            block.torso(),
            look.cloth,
            look.fabric,
            puff=18,
            folds=(Folds((AXIS, block.top + 80), 50, 1.8, angle=0.05, start=180),),
        ),
        *both(Stroke(block.armhole_seam(), ink, 1.5, 0.45)),
        Stroke(
            spline([(AXIS + 3, lapel_y), (AXIS + 4, block.bottom - 40), (AXIS + 2, block.bottom + 4)]), ink, 1.8, 0.6
        ),
        Part(
            outline(
                [(AXIS + 3, lapel_y)], [(AXIS + 4, block.bottom)], [(AXIS + 24, block.bottom)], [(AXIS + 24, lapel_y)]
            ),
            dyed((0, 0, 0)),
            soft=5,
            opacity=0.10,
        ),
    ]
    for side in (1, -1):
        lapel = outline(
            [(AXIS - 30, block.top - 2)],
            [(AXIS - 46, block.top + 30)],
            [(AXIS - 38, block.top + 36)],
            [(AXIS - 56, block.top + 46)],
            [(AXIS - 30, lapel_y - 26), (AXIS + 1, lapel_y + 2)],
            [(AXIS - 14, block.top + block.dip * 0.45), (AXIS - 24, block.top + 4)],
        )
        collar = outline(
            [(AXIS - 26, block.top - 12), (AXIS - 34, block.top + 2), (AXIS - 48, block.top + 28)],
            [(AXIS - 36, block.top + 37)],
            [(AXIS - 20, block.top + 16), (AXIS - 14, block.top - 6)],
        )
        for shape, lift in ((lapel, 4.0), (collar, 3.0)):
            layers.append(
                Part(shape if side == 1 else flip(shape), look.cloth, look.fabric, puff=6, grain=0.3 * side, lift=lift)
            )
    double = look.cut in ("trench", "overcoat") and look.maybe(0.6)
    horn = deeper(look.cloth.base, 0.62) if sum(look.cloth.base) > 1.2 else (0.55, 0.42, 0.3)
    for row in range(3 if long else 2):
        y = lapel_y + 20 + row * 48
        layers += button(AXIS - 24 if double else AXIS - 6, y, horn, 5.2)
        if double:
            layers += button(AXIS + 26, y, horn, 5.2)
    pocket_y = block.top + (218 if long else 178)
    for side in (1, -1):
        flap = outline(
            [(AXIS - 76, pocket_y)],
            [(AXIS - 36, pocket_y + 4)],
            [(AXIS - 37, pocket_y + 20)],
            [(AXIS - 77, pocket_y + 16)],
        )
        layers.append(Part(flap if side == 1 else flip(flap), look.cloth, look.fabric, puff=3, lift=2.4))
    if look.cut == "trench":
        belt_y = block.top + 172
        layers.append(
            Part(
                mirrored([(AXIS, belt_y), (AXIS - 83, belt_y - 3)], [(AXIS - 83, belt_y + 17)], [(AXIS, belt_y + 20)]),
                look.cloth.plain(),
                look.fabric,
                puff=5,
                lift=3.2,
            )
        )
        layers.append(
            Part(
                box(AXIS - 14, belt_y - 3, AXIS + 14, belt_y + 23, 4),
                dyed(horn),
                "smooth",
                puff=3,
                lift=2,
                holes=(box(AXIS - 9, belt_y + 2, AXIS + 9, belt_y + 18, 2),),
            )
        )
    return layers


def _puffer(look: Look) -> list[Layer]:
    """A quilted jacket: every channel is one sharp fold across the garment."""
    block = Block(
        top=92,
        length=270,
        neck=34,
        shoulder=98,
        chest=100,
        waist=100,
        hem=92,
        armhole=104,
        dip=20,
        slope=22,
        hem_curve=4,
    )
    ink = deeper(look.cloth.base, 0.55)
    lean = 0.2
    left = block.sleeve(266, lean, 46, 9)
    across = Folds((AXIS, 0), 33, 5.6, angle=1.5708, start=0, sharp=True)
    one = Folds(block.shoulder_point, 33, 5.6, angle=1.5708 + lean + 3.1416, start=0, sharp=True)
    two = Folds(
        (2 * AXIS - block.shoulder_point[0], block.shoulder_point[1]), 33, 5.6, angle=1.5708 - lean, start=0, sharp=True
    )
    collar = mirrored(
        [(AXIS, 62), (AXIS - 38, 64)], [(AXIS - 45, 84), (AXIS - 44, 108)], [(AXIS - 20, 116), (AXIS, 118)]
    )
    zip_top, zip_end = 64.0, block.bottom + 3
    return [
        Part(left, look.cloth, "smooth", puff=18, relief=1.2, folds=(one,), gloss=0.25),
        Part(flip(left), look.cloth, "smooth", puff=18, relief=1.2, folds=(two,), gloss=0.25),
        Part(block.torso(), look.cloth, "smooth", puff=18, relief=1.2, folds=(across,), gloss=0.25),
        *both(Stroke(block.armhole_seam(), ink, 2.0, 0.45)),
        Part(collar, look.cloth, "smooth", puff=14, relief=1.5, gloss=0.25, lift=4),
        Stroke(np.array([(AXIS, zip_top), (AXIS, zip_end)]), ink, 7, 0.5),
        Stroke(np.array([(AXIS, zip_top), (AXIS, zip_end)]), BRASS, 3, 0.9, dash=1.6),
        Part(box(AXIS - 3.5, 120, AXIS + 3.5, 140, 3), dyed(BRASS), "smooth", puff=2, lift=2, gloss=0.5),
    ]
