"""The block every upper garment is cut from: a torso and a sleeve, as a pattern-maker's card gives them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from export.sample.curves import XY, Points, mirrored, outline, spline

AXIS = 200.0


@dataclass(frozen=True)
class Block:
    """Half widths from the axis (neck, shoulder, chest, waist, hem) and heights (top, depths below it), in pixels."""

    top: float
    length: float
    neck: float = 34.0
    shoulder: float = 82.0
    chest: float = 78.0
    waist: float = 74.0
    hem: float = 78.0
    armhole: float = 88.0
    slope: float = 20.0
    dip: float = 24.0
    neckline: str = "round"
    hem_curve: float = 5.0

    @property
    def bottom(self) -> float:
        return self.top + self.length

    @property
    def shoulder_point(self) -> XY:
        return AXIS - self.shoulder, self.top + self.slope

    @property
    def underarm(self) -> XY:
        return AXIS - self.chest, self.top + self.armhole

    def neck_run(self) -> list[XY]:
        """The left half of the neckline, from the axis up to the shoulder seam."""
        start, end = (AXIS, self.top + self.dip), (AXIS - self.neck, self.top)
        if self.neckline == "v":
            return [start, end]
        if self.neckline == "square":
            return [start, (AXIS - self.neck * 0.92, self.top + self.dip), end]
        return [start, (AXIS - self.neck * 0.62, self.top + self.dip * 0.78), end]

    def armhole_run(self) -> list[XY]:
        x, y = self.shoulder_point
        ux, uy = self.underarm
        return [(max(x, ux) + 9, y + (uy - y) * 0.62), self.underarm]

    def torso(self) -> Points:
        neck = [[point] for point in self.neck_run()[1:]] if self.neckline == "square" else [self.neck_run()[1:]]
        waist = self.top + self.armhole + (self.length - self.armhole) * 0.42
        return mirrored(
            [(AXIS, self.top + self.dip)],
            *neck,
            [self.shoulder_point],
            self.armhole_run(),
            [(AXIS - self.waist, waist), (AXIS - self.hem, self.bottom - 2)],
            [(AXIS - self.hem * 0.5, self.bottom + self.hem_curve * 0.75), (AXIS, self.bottom + self.hem_curve)],
        )

    def armhole_seam(self) -> Points:
        return spline([self.shoulder_point, *self.armhole_run()])

    def sleeve(self, length: float, lean: float, cuff: float, bend: float = 0.0) -> Points:
        """The left sleeve: `length` along its outer edge, leaning `lean` radians out, `cuff` wide at its end."""
        sx, sy = self.shoulder_point
        ux, uy = self.underarm
        (ex, ey), (ix, iy) = self.cuff(length, lean, cuff)
        middle = (sx + (ex - sx) * 0.5 - 6 - bend, sy + (ey - sy) * 0.5 - 3)
        inner = (ux + (ix - ux) * 0.5 - bend * 0.6, uy + (iy - uy) * 0.5)
        return outline(
            [(sx + 22, sy - 5), (sx, sy)],
            [(sx - 9, sy + 12), middle, (ex, ey)],
            [(ix, iy)],
            [inner, (ux, uy)],
            [(ux + 22, uy - 10)],
        )

    def cuff(self, length: float, lean: float, width: float, back: float = 0.0) -> tuple[XY, XY]:
        """The two ends of the sleeve's edge, outer then inner, or of a line `back` pixels above it."""
        sx, sy = self.shoulder_point
        sin, cos = math.sin(lean), math.cos(lean)
        ex, ey = sx - sin * (length - back), sy + cos * (length - back)
        wide = width + back * 0.06
        return (ex, ey), (ex + cos * wide, ey + sin * wide)

    def neck_back(self, rise: float = 5.0) -> Points:
        """The inside of the back, seen through the neckline."""
        return mirrored(
            [(AXIS, self.top - rise), (AXIS - self.neck * 0.7, self.top - rise * 0.8), (AXIS - self.neck, self.top)],
            self.neck_run()[::-1][1:],
        )
