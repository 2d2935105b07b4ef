"""Backpacks, standing."""

from __future__ import annotations

from export.sample.bodice import AXIS
from export.sample.curves import box, flip, mirrored, ribbon, spline
from export.sample.palette import BRASS, LEATHER, STEEL, deeper
from export.sample.parts import Layer, Look, Part, Stroke
from export.sample.patterns import dyed
from export.sample.sewing import (
    SAG,
)


def backpack(look: Look) -> list[Layer]:
    roll, rucksack = look.cut == "roll-top", look.cut == "rucksack"
    ink = deeper(look.cloth.base, 0.5)
    trim = dyed(LEATHER if look.maybe(0.6) else ink)
    top = 118.0 if not roll else 98.0
    body = mirrored(
        [(AXIS, top), (AXIS - 60, top + 4), (AXIS - 92, top + 44)],
        [(AXIS - 100, 220), (AXIS - 104, 330), (AXIS - 96, 384)],
        [(AXIS - 78, 395), (AXIS, 397)],
    )
    if roll:
        body = mirrored(
            [(AXIS, top), (AXIS - 78, top + 2)],
            [(AXIS - 92, 200), (AXIS - 102, 330), (AXIS - 96, 384)],
            [(AXIS - 78, 395), (AXIS, 397)],
        )
    strap = ribbon([(136, top + 40), (88, 190), (82, 290), (106, 372)], 17, 10)
    pocket = mirrored(
        [(AXIS, 268), (AXIS - 62, 270), (AXIS - 74, 284)],
        [(AXIS - 76, 330), (AXIS - 70, 372)],
        [(AXIS - 60, 382), (AXIS, 384)],
    )
    layers: list[Layer] = [
        Part(strap, trim, "weave", puff=6, relief=1.3),
        Part(flip(strap), trim, "weave", puff=6, relief=1.3),
        Part(
            ribbon([(180, top + 8), (180, top - 18), (200, top - 26), (220, top - 18), (220, top + 8)], 8),
            trim,
            "weave",
            puff=3.5,
            relief=1.4,
        ),
        Part(body, look.cloth, look.fabric, puff=34, relief=1.5, folds=SAG),
    ]
    if roll:
        layers += [
            Part(
                mirrored(
                    [(AXIS, top - 10), (AXIS - 82, top - 8)],
                    [(AXIS - 87, top + 8), (AXIS - 84, top + 22)],
                    [(AXIS, top + 26)],
                ),
                look.cloth.plain(),
                look.fabric,
                puff=13,
                relief=1.5,
                lift=4,
            ),
            Part(box(AXIS - 8, top - 14, AXIS + 8, 236, 3), trim, "leather", puff=3.5, lift=2.6),
            Part(
                box(AXIS - 13, 196, AXIS + 13, 216, 3),
                dyed(STEEL),
                "smooth",
                puff=3,
                gloss=0.5,
                lift=2,
                holes=(box(AXIS - 8, 201, AXIS + 8, 211, 1),),
            ),
        ]
    elif rucksack:
        flap = mirrored(
            [(AXIS, top - 4), (AXIS - 64, top), (AXIS - 96, top + 44)],
            [(AXIS - 100, 190), (AXIS - 94, 222)],
            [(AXIS - 50, 236), (AXIS, 239)],
        )
        layers.append(
            Part(
                flap,
                look.cloth.plain() if look.cloth.pattern != "plain" else look.cloth,
                look.fabric,
                puff=20,
                relief=1.2,
                lift=6,
            )
        )
    else:
        arc = spline(
            [
                (AXIS - 88, 250),
                (AXIS - 84, 176),
                (AXIS - 58, 142),
                (AXIS, 134),
                (AXIS + 58, 142),
                (AXIS + 84, 176),
                (AXIS + 88, 250),
            ]
        )
        layers += [
            Stroke(arc, ink, 6, 0.55),
            Stroke(arc, STEEL, 2.4, 0.9, dash=1.7),
            Part(box(AXIS + 62, 148, AXIS + 69, 172, 3), dyed(STEEL), "smooth", puff=2, gloss=0.5, lift=2),
        ]
    layers += [
        Part(
            pocket,
            look.cloth.plain() if look.cloth.pattern == "colour-block" else look.cloth,
            look.fabric,
            puff=18,
            relief=1.4,
            lift=4,
        ),
        Stroke(spline([(AXIS - 67, 292), (AXIS, 288), (AXIS + 67, 292)]), ink, 5, 0.5),
        Stroke(spline([(AXIS - 67, 292), (AXIS, 288), (AXIS + 67, 292)]), STEEL, 2, 0.9, dash=1.7),
        Part(box(AXIS - 16, 316, AXIS + 16, 338, 3), dyed(LEATHER), "leather", puff=3, lift=1.5),
    ]
    if rucksack:
        for x in (AXIS - 44, AXIS + 44):
            layers += [
                Part(box(x - 7, 196, x + 7, 288, 3), trim, "leather", puff=3.5, lift=3),
                Part(
                    box(x - 11, 246, x + 11, 264, 3),
                    dyed(BRASS),
                    "smooth",
                    puff=3,
                    gloss=0.6,
                    lift=2,
                    holes=(box(x - 7, 250, x + 7, 260, 1),),
                ),
            ]
    return layers
