"""Sneakers, standing: a pair seen from the side."""

from __future__ import annotations

import numpy as np

from export.sample.curves import ellipse, outline, ribbon, spline
from export.sample.pairs import pair
from export.sample.palette import GUM, RUBBER, deeper
from export.sample.parts import Folds, Layer, Look, Part, Stroke
from export.sample.patterns import dyed


def sneakers(look: Look) -> list[Layer]:
    return pair(_sneaker, look, 40, -26)


def _sneaker(look: Look) -> list[Layer]:
    """Toe to the left. The sole is at y = 370; a low shoe's collar at about 255."""
    high, slip = look.cut == "high-top", look.cut == "slip-on"
    rise = 74.0 if high else 0.0
    sole = dyed(GUM if look.cut == "runner" else RUBBER)
    ink = deeper(look.cloth.base, 0.5)
    trim = look.cloth.accented() if look.cloth.pattern in ("plain", "colour-block") else look.cloth.plain()
    heel_x = 318.0
    upper = outline(
        [(40, 356), (40, 330), (66, 312), (112, 300), (150, 274), (176, 250 - rise * 0.62), (196, 236 - rise)],
        [(236, 248 - rise), (270, 246 - rise), (304, 224 - rise)],
        [(314, 240 - rise * 0.6), (heel_x, 290), (heel_x + 4, 356)],
        [(40, 356)],
    )
    if slip:
        upper = outline(
            [(40, 356), (40, 330), (68, 308), (120, 296), (166, 272), (190, 258)],
            [(230, 272), (270, 268), (304, 240)],
            [(316, 268), (heel_x, 300), (heel_x + 4, 356)],
            [(40, 356)],
        )
    inside = ellipse(250, 240 - rise, 54, 13, -0.08) if not slip else ellipse(248, 258, 57, 14, -0.13)
    layers: list[Layer] = [Part(inside, dyed(deeper(look.cloth.base, 0.6)), "weave", puff=4, lift=0)]
    if not slip:
        tongue = outline(
            [(150, 276), (166, 244 - rise * 0.7), (186, 220 - rise), (206, 216 - rise)],
            [(216, 232 - rise), (202, 262 - rise * 0.4), (176, 284)],
            [(150, 276)],
        )
        layers.append(Part(tongue, trim if not high else look.cloth.plain(), "weave", puff=8, relief=1.3))
    layers.append(
        Part(
            upper,
            look.cloth,
            look.fabric,
            puff=26,
            relief=1.5,
            folds=(Folds((150, 300), 24, 0.8, angle=0.9, start=60),),
            lift=3,
        )
    )
    if look.cut != "slip-on":
        toe = outline([(40, 358), (41, 330), (66, 312), (98, 304)], [(112, 322), (112, 358)], [(40, 358)])
        layers.append(Part(toe, sole if high or look.cut == "court" else trim, "smooth", puff=14, relief=1.3, lift=1.8))
        heel = outline(
            [(292, 358), (290, 300), (300, 246 + rise * 0.6)],
            [(315, 252 + rise * 0.6)],
            [(heel_x, 290), (heel_x + 4, 358)],
            [(292, 358)],
        )
        if high:
            heel = outline([(294, 358), (291, 306)], [(316, 302)], [(heel_x + 2, 330), (heel_x + 4, 358)], [(294, 358)])
        layers.append(Part(heel, trim, "leather", puff=9, lift=2))
        stay = outline(
            [(130, 298), (158, 272), (178, 252 - rise * 0.62), (196, 238 - rise)],
            [(213, 244 - rise)],
            [(204, 262 - rise * 0.62), (188, 284), (158, 314)],
            [(130, 298)],
        )
        layers += [Part(stay, look.cloth.plain(), look.fabric, puff=5, lift=2)]
        rows = 7 if high else 5
        top = np.array([196.0, 246 - rise])
        for row in range(rows):
            share = row / (rows - 1)
            x, y = np.array([146.0, 296.0]) * (1 - share) + top * share - (0.0, 4 * np.sin(share * 3.14))
            lace = ribbon([(x - 12, y - 9), (x + 2, y - 5), (x + 13, y + 6)], 6.5)
            layers.append(
                Part(lace, dyed(RUBBER if sum(look.cloth.base) < 2.3 else ink), "weave", puff=3, relief=1.2, lift=1.8)
            )
    else:
        gore = outline([(208, 266)], [(228, 272), (250, 271)], [(242, 300), (224, 300)], [(208, 266)])
        layers.append(Part(gore, dyed(deeper(look.cloth.base, 0.25)), "rib", puff=4, lift=1))
        layers.append(
            Stroke(
                spline([(66, 330), (104, 312), (158, 300), (192, 312), (206, 336), (208, 356)]), ink, 1.1, 0.5, dash=3
            )
        )
    if look.cut == "runner":
        swoosh = outline([(176, 330), (230, 322), (286, 280)], [(276, 304), (240, 342), (184, 350)], [(176, 330)])
        layers.append(Part(swoosh, trim, "leather", puff=5, lift=1.8))
        bottom = outline(
            [(32, 352), (90, 350), (200, 352), (300, 342), (330, 336)],
            [(338, 356), (326, 378)],
            [(200, 380), (60, 380)],
            [(34, 372), (32, 352)],
        )
    else:
        if look.cut == "court":
            for x in (196.0, 222.0, 248.0):
                layers.append(Part(ribbon([(x, 282), (x - 10, 346)], 9), trim, "leather", puff=3, lift=1.6))
        bottom = outline(
            [(34, 348), (180, 350), (326, 348)],
            [(329, 364), (325, 378)],
            [(180, 380), (38, 378)],
            [(32, 362), (34, 348)],
        )
    layers.append(Part(bottom, sole, "smooth", puff=11, relief=1.3, lift=2.4))
    if look.cut != "runner":
        layers.append(
            Stroke(np.array([(36, 358), (328, 358)]), trim.base if look.cloth.pattern != "plain" else ink, 2.2, 0.7)
        )
    layers.append(Stroke(np.array([(40, 372), (324, 372)]), deeper(sole.base, 0.3), 1.2, 0.5))
    return layers
