"""What a drawn product is made of: parts laid over each other, and the strokes of seam and thread on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from export.sample.curves import Points
    from export.sample.palette import RGB
    from export.sample.patterns import Swatch


@dataclass(frozen=True)
class Folds:
    """How a part falls: ridges that run away from `origin` towards `angle` (radians, 0 is down).

    With `fan` the ridges spread like a skirt's from its waist, else they run parallel. `spacing` is the distance
    between ridges in pixels (in degrees when fanned), `depth` their height in pixels, and `start` the distance from
    the origin over which they rise from nothing; 0 for ridges everywhere.
    """

    origin: tuple[float, float]
    spacing: float
    depth: float
    angle: float = 0.0
    fan: bool = False
    start: float = 60.0
    sharp: bool = False


@dataclass(frozen=True)
class Part:
    """One piece of material: a closed outline, with holes, cut from a swatch.

    `puff` is how far from the edge, in pixels, the surface still curves; `relief` how strongly that shows. `lift` is
    how far above the parts below it lies, and so how much shadow it throws on them. `soft` blurs a part into a mere
    tone of light or shade with `opacity`, kept inside what is already drawn.
    """

    outline: Points
    swatch: Swatch
    texture: str = "weave"
    puff: float = 12.0
    relief: float = 1.0
    folds: tuple[Folds, ...] = ()
    grain: float = 0.0
    lift: float = 2.5
    gloss: float = 0.0
    tone: float = 1.0
    holes: tuple[Points, ...] = ()
    soft: float = 0.0
    opacity: float = 1.0


@dataclass(frozen=True)
class Stroke:
    """A line of thread, a crease or a cord along `points`; `dash` is the length of a stitch, 0 for an unbroken line."""

    points: Points
    colour: RGB
    width: float = 1.2
    opacity: float = 0.5
    dash: float = 0.0


Layer = Part | Stroke


@dataclass(frozen=True)
class Look:
    """What a silhouette is asked to draw: the cut by name, the cloth, and chance for everything not named."""

    cut: str
    cloth: Swatch
    fabric: str
    chance: Random = field(repr=False)

    def between(self, low: float, high: float) -> float:
        return self.chance.uniform(low, high)

    def maybe(self, probability: float) -> bool:
        return self.chance.random() < probability
