"""Scarves: hung, spread or folded."""

from __future__ import annotations

import numpy as np

from export.sample.bodice import AXIS
from export.sample.curves import Points, outline, ribbon
from export.sample.palette import deeper
from export.sample.parts import Folds, Layer, Look, Part, Stroke
from export.sample.patterns import dyed


def scarf(look: Look) -> list[Layer]:
    return {"fringed": _fringed, "square": _square, "folded": _folded}[look.cut](look)


def _fringe(
    left: float, right: float, y: float, lean: float, swatch_colour: tuple[float, float, float], look: Look
) -> list[Layer]:
    """Tassels along an end, each hanging its own way."""
    count = 11
    return [
        Part(
            ribbon(
                [
                    (x, y - 3),
                    (x + lean * 10 + look.between(-1, 1), y + 14),
                    (x + lean * 18 + look.between(-3, 3), y + 30),
                ],
                5.5,
                3,
            ),
            dyed(swatch_colour),
            "rib",
            puff=2.5,
            lift=1.5,
        )
        for x in np.linspace(left + 3, right - 3, count)
    ]


def _fringed(look: Look) -> list[Layer]:
    """Hung double: a loop at the top, two tails, the front one longer."""
    along = (Folds((AXIS, 60), 30, 1.6, start=60),)
    back = outline([(196, 130), (232, 240), (238, 352)], [(304, 346)], [(300, 230), (272, 120)], [(196, 130)])
    front = outline([(150, 130), (116, 250), (104, 384)], [(182, 390)], [(200, 260), (222, 140)], [(150, 130)])
    loop = outline(
        [(200, 58), (142, 72), (120, 118), (140, 168), (198, 186), (262, 168), (282, 118), (258, 72), (200, 58)]
    )
    hole = outline([(202, 82), (172, 90), (164, 108), (200, 124), (240, 108), (232, 90), (202, 82)])
    colour = look.cloth.base
    return [
        *_fringe(238, 304, 349, 0.15, deeper(colour, 0.08), look),
        Part(back, look.cloth, look.fabric, puff=16, relief=1.3, folds=along, grain=-0.1),
        *_fringe(104, 182, 387, -0.1, colour, look),
        Part(hole, look.cloth.plain(), look.fabric, tone=0.55, lift=0),
        Part(front, look.cloth, look.fabric, puff=16, relief=1.3, folds=along, grain=0.12),
        Part(
            loop,
            look.cloth,
            look.fabric,
            puff=26,
            relief=1.6,
            folds=(Folds((AXIS, 100), 34, 1.5, angle=1.35, start=0),),
            grain=1.2,
            holes=(hole,),
            lift=5,
        ),
    ]


def _square(look: Look) -> list[Layer]:
    """A silk square, its corners loose, with a rolled border in the accent colour."""

    def sheet(inset: float) -> Points:
        a, b = 70 + inset, 330 - inset
        t, u = 108 + inset, 368 - inset
        return outline(
            [(a, t + 6), (150, t - 4), (250, t + 5), (b, t - 2)],
            [(b + 6, 190), (b - 4, 280), (b + 2, u)],
            [(250, u - 5), (150, u + 6), (a + 3, u - 2)],
            [(a - 5, 280), (a + 5, 190), (a, t + 6)],
        )

    folds = (Folds((60, 80), 62, 2.6, angle=-0.8, start=40), Folds((340, 90), 90, 1.6, angle=0.7, start=60))
    border = look.cloth.accented() if look.cloth.pattern != "plain" else dyed(deeper(look.cloth.base, 0.25))
    return [
        Part(sheet(0), border, "smooth", puff=8, relief=0.9, folds=folds, gloss=0.1),
        Part(sheet(17), look.cloth, "smooth", puff=3, relief=0.3, folds=folds, gloss=0.1, lift=0),
        Stroke(sheet(11), look.cloth.base, 1.6, 0.8),
    ]


def _folded(look: Look) -> list[Layer]:
    """Folded in thirds, as it lies on a shop's table, the ends hanging out below."""
    soft = (Folds((AXIS, 60), 60, 1.4, start=60),)
    under = outline([(132, 110), (286, 104)], [(292, 240), (288, 366)], [(136, 370)], [(128, 240), (132, 110)])
    over = outline(
        [(106, 88), (180, 80), (264, 84)], [(270, 200), (266, 306)], [(180, 312), (110, 308)], [(102, 200), (106, 88)]
    )
    return [
        *_fringe(136, 288, 368, 0.05, deeper(look.cloth.base, 0.08), look),
        Part(under, look.cloth, look.fabric, puff=10, relief=1.1, folds=soft, lift=3),
        Part(over, look.cloth, look.fabric, puff=17, relief=1.5, folds=soft, lift=8),
        Part(
            outline([(236, 270)], [(262, 269)], [(262, 296)], [(236, 297)]),
            dyed(deeper(look.cloth.accent, 0.1)),
            "weave",
            puff=2,
            lift=1.4,
        ),
    ]
