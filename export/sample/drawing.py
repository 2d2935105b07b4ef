"""From a product to its picture: the cloth is cut, the silhouette drawn, the photo taken."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import numpy as np

from export.sample.framing import framed
from export.sample.palette import COLOURS, DEEP_PAPERS, PAPERS
from export.sample.parts import Look
from export.sample.patterns import Swatch
from export.sample.studio import photograph

if TYPE_CHECKING:
    from PIL import Image

    from export.sample.assortment import Product

# The repeat in pixels at which each pattern looks like itself on a garment, from smallest to largest.
REPEATS: dict[str, tuple[float, float]] = {
    "striped": (18, 34),
    "breton": (20, 30),
    "pinstriped": (13, 22),
    "gingham": (18, 32),
    "tartan": (34, 52),
    "windowpane": (26, 40),
    "dotted": (19, 32),
    "floral": (34, 52),
    "chevron": (20, 30),
    "argyle": (36, 48),
    "fair isle": (24, 30),
    "speckled": (11, 17),
}

SLANTED = frozenset({"dotted", "floral", "windowpane"})


def draw(product: Product, seed: int) -> Image.Image:
    """The product's photo, RGB, `studio.SIZE` pixels; the same for the same product and seed."""
    chance = Random(f"{seed} {product.id}")  # noqa: S311
    look = Look(product.cut, swatch(product, chance), product.texture, chance)
    layers = framed(product.kind.draw(look), standing=product.kind.standing)
    pale = COLOURS[product.colour].light > 0.8
    paper = chance.choice(DEEP_PAPERS if pale else PAPERS)
    noise = np.random.default_rng(chance.getrandbits(64))
    return photograph(layers, paper, noise, standing=product.kind.standing)


def swatch(product: Product, chance: Random) -> Swatch:
    """The cloth: colours that go together, and a repeat, turn and offset of its own."""
    colour = COLOURS[product.colour]
    accent = COLOURS[chance.choice(colour.partners)]
    third = COLOURS[chance.choice([name for name in colour.partners if name != accent.name])]
    if product.pattern == "colour-block":
        return Swatch("colour-block", colour.rgb, accent.rgb, third.rgb, offset=chance.uniform(0.36, 0.5))
    low, high = REPEATS.get(product.pattern, (24, 24))
    angle = chance.choice((-0.35, 0.0, 0.0, 0.35)) if product.pattern in SLANTED else 0.0
    return Swatch(
        product.pattern, colour.rgb, accent.rgb, third.rgb, chance.uniform(low, high), angle, chance.uniform(0, 1)
    )
