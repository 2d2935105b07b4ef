"""Handbags, standing."""

from __future__ import annotations

import numpy as np

from export.sample.bodice import AXIS
from export.sample.curves import box, ellipse, mirrored, ribbon, spline
from export.sample.palette import BRASS, LEATHER, deeper
from export.sample.parts import Folds, Layer, Look, Part, Stroke
from export.sample.patterns import dyed
from export.sample.sewing import (
    SAG,
    both,
)


def handbag(look: Look) -> list[Layer]:
    return {"tote": _tote, "crossbody": _crossbody, "bucket": _bucket, "top-handle": _top_handle}[look.cut](look)


def _leather(look: Look) -> tuple[float, float, float]:
    """Straps: in the bag's own colour, or tanned where the bag is cloth."""
    return deeper(look.cloth.base, 0.25) if look.fabric == "leather" else LEATHER


def _tote(look: Look) -> list[Layer]:
    strap, ink = dyed(_leather(look)), deeper(look.cloth.base, 0.5)
    drop = look.between(88, 104)
    top = 200.0

    def handle(lean: float, shift: float) -> Part:
        return Part(
            ribbon(
                [
                    (146, top + 50),
                    (146 + lean, top),
                    (158 + lean, top - drop * 0.7),
                    (200 + shift, top - drop),
                    (242 - lean, top - drop * 0.7),
                    (254 - lean, top),
                    (254, top + 50),
                ],
                10,
            ),
            strap,
            "leather",
            puff=4,
            relief=1.3,
            lift=3,
        )

    body = mirrored(
        [(AXIS, top + 6), (AXIS - 112, top)], [(AXIS - 106, 300), (AXIS - 96, 386)], [(AXIS - 86, 394), (AXIS, 396)]
    )
    return [
        handle(4, 6),
        Part(
            mirrored([(AXIS, top - 8), (AXIS - 108, top - 1)], [(AXIS - 100, top + 14)], [(AXIS, top + 16)]),
            look.cloth.plain(),
            look.fabric,
            tone=0.6,
            puff=4,
            lift=0,
        ),
        Part(
            body, look.cloth, look.fabric, puff=24, relief=1.2, folds=SAG, gloss=0.12 if look.fabric == "leather" else 0
        ),
        Stroke(spline([(AXIS - 111, top + 15), (AXIS, top + 21), (AXIS + 111, top + 15)]), ink, 1.1, 0.5, dash=4),
        handle(0, 0),
        *(Part(ellipse(x, top + 42, 3), dyed(BRASS), "smooth", puff=2, gloss=0.6, lift=1) for x in (146, 254)),
    ]


def _crossbody(look: Look) -> list[Layer]:
    ink = deeper(look.cloth.base, 0.5)
    strap = dyed(_leather(look))
    body = mirrored(
        [(AXIS, 236), (AXIS - 96, 238), (AXIS - 108, 252)],
        [(AXIS - 114, 320), (AXIS - 110, 372), (AXIS - 94, 390)],
        [(AXIS, 392)],
    )
    flap = mirrored(
        [(AXIS, 230), (AXIS - 92, 233), (AXIS - 109, 248)], [(AXIS - 111, 300), (AXIS - 84, 334), (AXIS, 340)]
    )
    loop = ribbon([(96, 262), (88, 190), (120, 116), (200, 84), (282, 118), (312, 190), (304, 262)], 8.5)
    return [
        Part(loop, strap, "leather", puff=3.5, relief=1.3),
        Part(body, look.cloth.plain(), look.fabric, puff=22, relief=1.3, gloss=0.15),
        Part(flap, look.cloth, look.fabric, puff=16, relief=1.1, gloss=0.15, lift=5),
        Stroke(
            spline(
                [
                    (AXIS - 103, 250),
                    (AXIS - 104, 298),
                    (AXIS - 79, 327),
                    (AXIS, 333),
                    (AXIS + 79, 327),
                    (AXIS + 104, 298),
                    (AXIS + 103, 250),
                ]
            ),
            ink,
            1.0,
            0.45,
            dash=4,
        ),
        Part(box(AXIS - 17, 322, AXIS + 17, 348, 6), dyed(BRASS), "smooth", puff=5, relief=1.4, gloss=0.7, lift=2.5),
        Part(box(AXIS - 4, 332, AXIS + 4, 340, 3), dyed(deeper(BRASS, 0.6)), "smooth", puff=1, lift=0),
        *(
            Part(
                ellipse(x, 258, 8),
                dyed(BRASS),
                "smooth",
                puff=2.5,
                relief=1.4,
                gloss=0.6,
                holes=(ellipse(x, 258, 4.5),),
            )
            for x in (96, 304)
        ),
    ]


def _bucket(look: Look) -> list[Layer]:
    ink = deeper(look.cloth.base, 0.5)
    body = mirrored(
        [(AXIS, 202), (AXIS - 40, 196), (AXIS - 92, 186)],
        [(AXIS - 88, 222), (AXIS - 100, 300), (AXIS - 90, 382)],
        [(AXIS - 66, 395), (AXIS, 398)],
    )
    cord = dyed(_leather(look))
    gathers = Folds((AXIS, 120), 7.5, 2.6, fan=True, start=110)
    return [
        Part(
            ribbon([(124, 236), (110, 160), (140, 96), (200, 76), (260, 96), (290, 160), (276, 236)], 11),
            cord,
            "leather",
            puff=4.5,
            relief=1.3,
        ),
        Part(
            mirrored([(AXIS, 184), (AXIS - 88, 180)], [(AXIS - 80, 206)], [(AXIS, 208)]),
            look.cloth.plain(),
            look.fabric,
            tone=0.55,
            puff=5,
            lift=0,
        ),
        Part(body, look.cloth, look.fabric, puff=30, relief=1.4, folds=(gathers,), gloss=0.12),
        Part(
            mirrored([(AXIS, 352), (AXIS - 98, 346)], [(AXIS - 90, 384)], [(AXIS - 64, 397), (AXIS, 399)]),
            cord,
            "leather",
            puff=12,
            gloss=0.1,
            lift=1.6,
        ),
        Stroke(spline([(AXIS - 90, 228), (AXIS, 240), (AXIS + 90, 228)]), ink, 6, 0.55),
        Stroke(spline([(AXIS - 90, 227), (AXIS, 239), (AXIS + 90, 227)]), cord.base, 4, 1.0, dash=13),
        Part(ribbon([(196, 240), (182, 272), (186, 308)], 4), cord, "leather", puff=2, lift=2.5),
        Part(ribbon([(204, 240), (216, 270), (210, 302)], 4), cord, "leather", puff=2, lift=2.5),
        *(Part(ellipse(x, y, 6, 9), dyed(BRASS), "smooth", puff=4, gloss=0.6) for x, y in ((186, 312), (210, 306))),
    ]


def _top_handle(look: Look) -> list[Layer]:
    ink = deeper(look.cloth.base, 0.5)
    body = mirrored(
        [(AXIS, 214), (AXIS - 84, 214)], [(AXIS - 104, 300), (AXIS - 120, 382)], [(AXIS - 108, 394), (AXIS, 396)]
    )
    return [
        Part(
            ribbon([(152, 232), (150, 176), (168, 136), (200, 126), (232, 136), (250, 176), (248, 232)], 12),
            dyed(_leather(look)),
            "leather",
            puff=5,
            relief=1.5,
            gloss=0.3,
            lift=3,
        ),
        Part(body, look.cloth, look.fabric, puff=20, relief=1.3, gloss=0.18),
        *both(Stroke(spline([(AXIS - 70, 216), (AXIS - 82, 300), (AXIS - 96, 394)]), ink, 1.8, 0.4)),
        Part(
            mirrored([(AXIS, 206), (AXIS - 88, 207)], [(AXIS - 90, 224)], [(AXIS, 226)]),
            look.cloth.plain(),
            look.fabric,
            puff=6,
            relief=1.3,
            gloss=0.15,
            lift=2.5,
        ),
        Stroke(np.array([(AXIS - 84, 215), (AXIS + 84, 215)]), BRASS, 2.2, 0.9, dash=1.6),
        Part(box(AXIS - 3.5, 214, AXIS + 3.5, 242, 3), dyed(BRASS), "smooth", puff=2, gloss=0.6, lift=2),
        *(Part(box(x - 9, 226, x + 9, 250, 4), dyed(_leather(look)), "leather", puff=3, lift=2) for x in (152, 248)),
        *(Part(ellipse(x, 241, 2.6), dyed(BRASS), "smooth", puff=1.5, gloss=0.6, lift=1) for x in (152, 248)),
    ]
