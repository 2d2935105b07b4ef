"""Mugs and vases, standing: glaze, a soft window's reflection, a bare clay foot."""

from __future__ import annotations

from export.sample.bodice import AXIS
from export.sample.curves import XY, Points, ellipse, flip, mirrored, outline, ribbon, spline
from export.sample.palette import deeper, lighter
from export.sample.parts import Layer, Look, Part, Stroke
from export.sample.patterns import dyed

CLAY = (0.80, 0.68, 0.56)


def glaze(look: Look, body: Points, puff: float) -> Part:
    return Part(body, look.cloth, "smooth", puff=puff, relief=1.5, gloss=0.25, lift=3)


def shine(points: list[XY], width: float) -> list[Layer]:
    """The lamp's reflection down one side, and the shade down the other."""
    x = max(px for px, _ in points)
    far = [(2 * AXIS - px + (x - px) * 0.2, py) for px, py in points]
    return [
        Part(ribbon(far, width * 1.7), dyed((0.05, 0.04, 0.08)), soft=16, opacity=0.22),
        Part(ribbon(points, width), dyed((1, 1, 1)), soft=6, opacity=0.42),
    ]


def mug(look: Look) -> list[Layer]:
    top, bottom, half, foot = {
        "straight": (196.0, 380.0, 78.0, 76.0),
        "rounded": (206.0, 380.0, 82.0, 52.0),
        "tall": (160.0, 382.0, 68.0, 58.0),
        "espresso": (244.0, 380.0, 62.0, 46.0),
    }[look.cut]
    mouth = half * 0.2
    belly = {"straight": 0.0, "rounded": 22.0, "tall": -2.0, "espresso": 8.0}[look.cut]
    height = bottom - top
    body = mirrored(
        [(AXIS, top + mouth), (AXIS - half * 0.7, top + mouth * 0.7), (AXIS - half, top)],
        [(AXIS - half - belly, top + height * 0.5), (AXIS - foot - belly * 0.4, bottom - 10)],
        [(AXIS - foot * 0.93, bottom), (AXIS - foot * 0.6, bottom + foot * 0.1), (AXIS, bottom + foot * 0.15)],
    )
    reach = height * 0.36
    handle = ribbon(
        [
            (AXIS + half - 6, top + height * 0.2),
            (AXIS + half + reach * 0.8, top + height * 0.17),
            (AXIS + half + reach * 1.02, top + height * 0.42),
            (AXIS + half + reach * 0.7, top + height * 0.68),
            (AXIS + foot + belly - 4, top + height * 0.78),
        ],
        17,
        14,
    )
    inner = dyed(lighter(look.cloth.accent, 0.35)) if look.maybe(0.5) else look.cloth.plain()
    x = AXIS - half * 0.58
    return [
        Part(handle, look.cloth.plain(), "smooth", puff=8, relief=1.5, gloss=0.4, lift=3),
        glaze(look, body, half * 0.75),
        *shine([(x - belly * 0.3, top + mouth + 22), (x - belly, top + height * 0.5), (x, bottom - 26)], half * 0.16),
        Part(ellipse(AXIS, top, half, mouth), look.cloth.plain(), "smooth", puff=3, relief=1.2, gloss=0.3, lift=0),
        Part(ellipse(AXIS, top + 1, half - 5, mouth - 3), inner, "smooth", puff=14, relief=-1.2, tone=0.78, lift=0),
        Part(ellipse(AXIS + 12, top + 5, half * 0.66, mouth * 0.5), dyed((0.1, 0.06, 0.05)), soft=6, opacity=0.3),
    ]


# Half profiles from lip to foot: (half width, share of the height).
PROFILES: dict[str, list[XY]] = {
    "bottle": [(22, 0), (19, 0.16), (24, 0.36), (66, 0.58), (78, 0.8), (56, 0.98)],
    "amphora": [(40, 0), (28, 0.1), (38, 0.22), (88, 0.44), (80, 0.66), (40, 0.98)],
    "cylinder": [(52, 0), (54, 0.2), (54, 0.5), (54, 0.8), (51, 0.98)],
    "globe": [(34, 0), (30, 0.1), (72, 0.28), (100, 0.58), (84, 0.86), (50, 0.99)],
}


def vase(look: Look) -> list[Layer]:
    height = {"bottle": 290.0, "amphora": 270.0, "cylinder": 240.0, "globe": 214.0}[look.cut] + look.between(-8, 10)
    bottom = 384.0
    top = bottom - height
    wide = look.between(0.94, 1.06)
    points = [(AXIS - half * wide, top + share * height) for half, share in PROFILES[look.cut]]
    lip, foot = AXIS - points[0][0], AXIS - points[-1][0]
    body = mirrored(
        [(AXIS, top + lip * 0.2), (AXIS - lip * 0.7, top + lip * 0.15), points[0]],
        points[1:],
        [(AXIS - foot * 0.6, bottom + foot * 0.08), (AXIS, bottom + foot * 0.13)],
    )
    widest = max(half for half, _ in PROFILES[look.cut]) * wide
    gleam = [(AXIS - (AXIS - x) * 0.6, y) for x, y in points[2:-1]]
    ears: list[Layer] = []
    if look.cut == "amphora":
        ear = ribbon(
            [(AXIS - 30, top + 22), (AXIS - 74, top + 18), (AXIS - 80, top + 70), (AXIS - 66, top + 96)], 11, 13
        )
        ears = [Part(shape, look.cloth.plain(), "smooth", puff=6, relief=1.5, gloss=0.3) for shape in (ear, flip(ear))]
    bare = outline(
        [(AXIS - foot - 3, bottom - 14), (AXIS, bottom - 4), (AXIS + foot + 3, bottom - 14)],
        [(AXIS + foot - 1, bottom - 2)],
        [
            (AXIS + foot * 0.6, bottom + foot * 0.08),
            (AXIS, bottom + foot * 0.13),
            (AXIS - foot * 0.6, bottom + foot * 0.08),
            (AXIS - foot + 1, bottom - 2),
        ],
        [(AXIS - foot - 3, bottom - 14)],
    )
    # A globe curves in under itself: its bare clay is out of sight.
    footing: list[Layer] = (
        []
        if look.cut == "globe"
        else [
            Part(bare, dyed(CLAY), "weave", puff=10, relief=1.0, lift=0),
            Stroke(
                spline([(AXIS - foot, bottom - 13), (AXIS, bottom - 4), (AXIS + foot, bottom - 13)]),
                deeper(CLAY, 0.4),
                1.0,
                0.5,
            ),
        ]
    )
    return [
        *ears,
        glaze(look, body, widest * 0.8),
        *footing,
        *shine(gleam, widest * 0.15),
        Part(ellipse(AXIS, top, lip, lip * 0.2), look.cloth.plain(), "smooth", puff=2.5, gloss=0.3, lift=0),
        Part(
            ellipse(AXIS, top + 0.5, lip - 4, lip * 0.2 - 2),
            dyed(deeper(look.cloth.base, 0.6)),
            "smooth",
            puff=5,
            relief=-1,
            lift=0,
        ),
    ]
