"""Boots, standing: a pair seen from the side."""

from __future__ import annotations

from export.sample.curves import ellipse, outline, ribbon, spline
from export.sample.pairs import pair
from export.sample.palette import GUM, deeper, lighter
from export.sample.parts import Folds, Layer, Look, Part, Stroke
from export.sample.patterns import dyed


def boots(look: Look) -> list[Layer]:
    return pair(_boot, look, 58, -18)


def _boot(look: Look) -> list[Layer]:
    top = {"chelsea": 190.0, "heeled": 196.0, "knee-high": 70.0, "lace-up": 168.0, "wellington": 104.0}[look.cut]
    heel = {"heeled": 42.0, "knee-high": 26.0, "wellington": 12.0}.get(look.cut, 18.0)
    rubber = look.cut == "wellington"
    ink = deeper(look.cloth.base, 0.5)
    ground, ball = 386.0, 376.0
    seat = ground - heel
    wide = 6.0 if top < 120 else 0.0
    upper = outline(
        [
            (172 - wide, top + 4),
            (170 - wide * 0.4, top + (300 - top) * 0.6),
            (160, 296),
            (122, 322),
            (74, 338),
            (58, 358),
            (58, ball),
        ],
        [(150, ball + 1), (200, seat + 6), (276, seat)],
        [(280, seat - 30), (270, 290), (268 + wide, top + (300 - top) * 0.4), (270 + wide, top)],
        [(220, top + 5), (172 - wide, top + 4)],
    )
    gloss = 0.55 if rubber else 0.3 if look.fabric == "leather" else 0.0
    crease = (Folds((220, 286), 30, 0.9, angle=1.15, start=40),)
    sole = dyed(GUM if look.cut == "lace-up" else deeper(look.cloth.base, 0.72))
    body: list[Layer] = [
        Part(
            ellipse(221, top + 2, 49 + wide, 7),
            dyed(lighter(deeper(look.cloth.base, 0.5), 0.1)),
            "smooth",
            puff=3,
            lift=0,
        ),
        Part(
            upper, look.cloth, look.fabric, puff=30, relief=1.6, folds=crease if not rubber else (), gloss=gloss, lift=3
        ),
    ]
    strip = outline(
        [(54, ball - 6), (150, ball - 6), (206, seat - 4), (281, seat - 5)],
        [(282, seat + 5)],
        [(214, seat + 8), (156, ground), (70, ground)],
        [(54, ground - 4), (54, ball - 6)],
    )
    block = outline(
        [(226 if look.cut != "heeled" else 238, seat + 1)],
        [(282, seat)],
        [(279, ground)],
        [(236 if look.cut != "heeled" else 246, ground)],
    )
    base: list[Layer] = [Part(block, sole, "smooth", puff=7, lift=0), Part(strip, sole, "smooth", puff=4, lift=2)]
    if look.cut == "chelsea":
        gore = outline(
            [(198, top + 5), (246, top + 3)], [(240, top + 60), (222, top + 92)], [(204, top + 60), (198, top + 5)]
        )
        body += [
            Part(gore, dyed(deeper(look.cloth.base, 0.4)), "rib", puff=5, lift=0.8),
            Part(
                ribbon([(258, top + 6), (262, top - 16), (271, top - 14), (270, top + 8)], 6),
                look.cloth.plain(),
                look.fabric,
                puff=2,
                lift=1.4,
            ),
        ]
    elif look.cut == "lace-up":
        body.append(
            Part(
                outline(
                    [(170, top + 6), (206, top + 8)],
                    [(204, 270), (168, 322)],
                    [(140, 316)],
                    [(166, 290), (170, top + 6)],
                ),
                look.cloth.plain(),
                look.fabric,
                puff=6,
                lift=2,
            )
        )
        for row in range(6):
            y = top + 20 + row * (292 - top - 20) / 5
            slide = max(0.0, y - 262) * 0.7
            body.append(
                Part(
                    ribbon([(166 - slide, y - 2), (184 - slide, y + 1), (200 - slide, y + 9)], 5.5),
                    dyed(lighter(GUM, 0.4)),
                    "weave",
                    puff=2.5,
                    lift=1.8,
                )
            )
        body.append(
            Part(
                outline([(60, 372), (58, 356), (76, 338), (110, 326)], [(122, 348), (118, 374)], [(60, 372)]),
                look.cloth.plain(),
                look.fabric,
                puff=13,
                relief=1.3,
                gloss=gloss,
                lift=1.6,
            )
        )
    elif rubber:
        body += [
            Part(
                outline([(164, top + 3), (276, top)], [(276, top + 20)], [(164, top + 24)], [(164, top + 3)]),
                look.cloth.accented(),
                "smooth",
                puff=7,
                relief=1.2,
                gloss=0.4,
                lift=1.6,
            ),
            Part(ribbon([(186, top + 44), (183, 250), (176, 292)], 9), dyed((1, 1, 1)), soft=5, opacity=0.3),
        ]
    else:
        zipper = spline([(252, top + 8), (250, 280), (252, seat - 12)])
        body += [Stroke(zipper, ink, 3.4, 0.55), Stroke(zipper, (0.75, 0.68, 0.5), 1.4, 0.8, dash=2)]
        if look.cut == "knee-high":
            body.append(
                Part(
                    outline(
                        [(167, top + 26), (275, top + 22)], [(275, top + 36)], [(168, top + 41)], [(167, top + 26)]
                    ),
                    look.cloth.plain(),
                    look.fabric,
                    puff=5,
                    gloss=gloss,
                    lift=2,
                )
            )
        body.append(Stroke(spline([(112, 372), (128, 346), (160, 322), (168, 300)]), ink, 1.2, 0.45))
    return [base[0], *body, base[1]] if heel < 40 else [*body[:1], base[0], *body[1:], base[1]]
