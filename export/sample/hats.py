"""Hats, seen from the front."""

from __future__ import annotations

import numpy as np

from export.sample.bodice import AXIS
from export.sample.curves import ellipse, mirrored, outline, spline
from export.sample.palette import deeper, lighter
from export.sample.parts import Folds, Layer, Look, Part, Stroke
from export.sample.patterns import dyed


def hat(look: Look) -> list[Layer]:
    return {"beanie": _beanie, "bucket": _bucket, "wide-brim": _wide_brim, "cap": _cap}[look.cut](look)


def _beanie(look: Look) -> list[Layer]:
    crown = mirrored([(AXIS, 136), (AXIS - 62, 152), (AXIS - 100, 214), (AXIS - 106, 300)], [(AXIS, 312)])
    cuff = mirrored(
        [(AXIS, 268), (AXIS - 100, 262), (AXIS - 111, 270)], [(AXIS - 114, 306), (AXIS - 108, 334)], [(AXIS, 348)]
    )
    layers: list[Layer] = []
    if look.maybe(0.6):
        angles = np.linspace(0, 2 * np.pi, 90, endpoint=False)
        shag = 33 + 3.2 * np.sin(angles * 13) + 2 * np.sin(angles * 23 + 1)
        layers.append(
            Part(
                np.column_stack([AXIS + shag * np.cos(angles), 116 + shag * np.sin(angles)]),
                look.cloth.accented() if look.cloth.pattern != "plain" else dyed(lighter(look.cloth.base, 0.3)),
                "twill",
                puff=22,
                relief=1.5,
                folds=(Folds((AXIS, 116), 6, 1.0, start=1),),
            )
        )
    return [
        *layers,
        Part(
            crown,
            look.cloth,
            look.fabric,
            puff=40,
            relief=1.5,
            folds=(Folds((AXIS, 120), 13, 1.5, fan=True, start=60),),
        ),
        Part(cuff, look.cloth.plain(), "rib", puff=15, relief=1.4, lift=5),
        Part(
            outline([(AXIS + 42, 296)], [(AXIS + 72, 293)], [(AXIS + 73, 315)], [(AXIS + 43, 318)]),
            dyed(lighter(look.cloth.accent, 0.2)),
            "weave",
            puff=2,
            lift=1.4,
        ),
    ]


def _bucket(look: Look) -> list[Layer]:
    ink = deeper(look.cloth.base, 0.5)
    crown = mirrored(
        [(AXIS, 138), (AXIS - 62, 142), (AXIS - 82, 154)],
        [(AXIS - 92, 210), (AXIS - 100, 262)],
        [(AXIS - 50, 274), (AXIS, 277)],
    )
    brim = mirrored(
        [(AXIS, 262), (AXIS - 98, 250)], [(AXIS - 126, 296), (AXIS - 156, 330)], [(AXIS - 90, 356), (AXIS, 362)]
    )
    rows: list[Layer] = []
    for step in range(1, 5):
        s = step / 5
        rows.append(
            Stroke(
                spline(
                    [
                        (AXIS - 98 - 56 * s, 252 + 78 * s),
                        (AXIS - 52 - 36 * s, 268 + 86 * s),
                        (AXIS, 272 + 87 * s),
                        (AXIS + 52 + 36 * s, 268 + 86 * s),
                        (AXIS + 98 + 56 * s, 252 + 78 * s),
                    ]
                ),
                ink,
                1.0,
                0.4,
                dash=4,
            )
        )
    return [
        Part(
            brim,
            look.cloth,
            look.fabric,
            puff=14,
            relief=1.2,
            folds=(Folds((AXIS, 120), 24, 1.4, fan=True, start=160),),
        ),
        *rows,
        Part(crown, look.cloth, look.fabric, puff=34, relief=1.4, lift=5),
        Stroke(spline([(AXIS - 82, 158), (AXIS, 164), (AXIS + 82, 158)]), ink, 1.2, 0.45),
        Stroke(spline([(AXIS - 98, 256), (AXIS, 271), (AXIS + 98, 256)]), ink, 1.0, 0.45, dash=4),
        *(
            Part(
                ellipse(x, 216, 4),
                dyed(deeper(look.cloth.base, 0.4)),
                "smooth",
                puff=2,
                lift=1,
                holes=(ellipse(x, 216, 1.8),),
            )
            for x in (AXIS - 70, AXIS - 56)
        ),
    ]


def _wide_brim(look: Look) -> list[Layer]:
    band = dyed(deeper(look.cloth.accent, 0.25) if look.cloth.pattern == "plain" else look.cloth.accent)
    brim = ellipse(AXIS, 300, 166, look.between(46, 60), 0.0)
    crown = mirrored(
        [(AXIS, 168), (AXIS - 22, 158), (AXIS - 58, 156), (AXIS - 80, 186)],
        [(AXIS - 88, 240), (AXIS - 96, 300)],
        [(AXIS - 52, 320), (AXIS, 324)],
    )
    strip = mirrored(
        [(AXIS, 296), (AXIS - 48, 292), (AXIS - 91, 270)], [(AXIS - 96, 300)], [(AXIS - 52, 320), (AXIS, 324)]
    )
    return [
        Part(
            brim, look.cloth, look.fabric, puff=13, relief=1.2, folds=(Folds((AXIS, 200), 40, 1.2, fan=True, start=80),)
        ),
        Part(crown, look.cloth, look.fabric, puff=36, relief=1.4, lift=6),
        Part(
            outline([(AXIS, 172), (AXIS - 26, 176), (AXIS - 34, 200), (AXIS, 226), (AXIS + 30, 196), (AXIS, 172)]),
            dyed((0, 0, 0)),
            soft=11,
            opacity=0.2,
        ),
        Part(strip, band, "rib" if look.maybe(0.5) else "weave", grain=1.57, puff=8, lift=1.5),
    ]


def _cap(look: Look) -> list[Layer]:
    ink = deeper(look.cloth.base, 0.5)
    crown = outline(
        [(112, 292), (108, 232), (142, 166), (206, 146), (268, 166), (302, 230), (304, 286)], [(206, 302), (112, 292)]
    )
    peak = outline(
        [(108, 284), (78, 286), (40, 306), (30, 326)], [(76, 326), (150, 318), (214, 302)], [(160, 286), (108, 284)]
    )
    return [
        Part(crown, look.cloth, look.fabric, puff=42, relief=1.5),
        Stroke(spline([(206, 147), (168, 196), (160, 294)]), ink, 1.3, 0.45),
        Stroke(spline([(206, 147), (254, 190), (266, 293)]), ink, 1.3, 0.45),
        Part(ellipse(206, 146, 9, 5), look.cloth.plain(), look.fabric, puff=4, lift=2),
        *(Part(ellipse(x, 196, 3.4), dyed(ink), "smooth", puff=1.5, lift=0.8) for x in (196, 228)),
        Part(
            peak,
            look.cloth.accented() if look.cloth.pattern == "colour-block" else look.cloth.plain(),
            look.fabric,
            puff=11,
            relief=1.4,
            lift=5,
        ),
        *(
            Stroke(
                spline([(104 - s, 289 + s * 0.35), (76 - s * 0.7, 292 + s * 0.5), (44 + s, 316)]), ink, 0.9, 0.4, dash=3
            )
            for s in (0.0, 9.0)
        ),
        Stroke(spline([(206, 298), (262, 294), (303, 282)]), ink, 1.0, 0.45, dash=3),
    ]
