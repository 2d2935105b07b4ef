"""The shop's colours and the studio's paper: what goes with what, decided once.

Every colour names the colours that a pattern may set against it, best first, so that a striped or flowered product
looks chosen rather than drawn by lot.
"""

from __future__ import annotations

from dataclasses import dataclass

RGB = tuple[float, float, float]


@dataclass(frozen=True)
class Colour:
    """A colour of the range: sRGB components from 0 to 1, its partners by name, and how often the shop buys it."""

    name: str
    rgb: RGB
    partners: tuple[str, ...]
    weight: float = 1.0

    @property
    def light(self) -> float:
        """Perceived lightness from 0 to 1 (Rec. 601 luma)."""
        red, green, blue = self.rgb
        return 0.299 * red + 0.587 * green + 0.114 * blue


def rgb(code: int) -> RGB:
    """0xRRGGBB as three numbers from 0 to 1."""
    return (code >> 16 & 255) / 255, (code >> 8 & 255) / 255, (code & 255) / 255


COLOURS: dict[str, Colour] = {
    colour.name: colour
    for colour in (
        Colour("ivory", rgb(0xF1EADB), ("navy", "terracotta", "sage", "charcoal", "sky"), 1.3),
        Colour("camel", rgb(0xC59A6B), ("ivory", "charcoal", "forest"), 1.0),
        Colour("terracotta", rgb(0xC4623F), ("ivory", "blush", "navy"), 1.0),
        Colour("mustard", rgb(0xDDA833), ("ivory", "navy", "charcoal"), 0.9),
        Colour("blush", rgb(0xEBBDB4), ("ivory", "berry", "terracotta"), 1.0),
        Colour("berry", rgb(0xA32A4C), ("ivory", "blush", "mustard"), 0.8),
        Colour("sage", rgb(0xA3B392), ("ivory", "forest", "terracotta"), 1.1),
        Colour("forest", rgb(0x2F5743), ("ivory", "sage", "mustard"), 1.0),
        Colour("teal", rgb(0x22777C), ("ivory", "mustard", "sky"), 0.9),
        Colour("sky", rgb(0x9DC3DD), ("ivory", "navy", "cobalt"), 1.0),
        Colour("cobalt", rgb(0x2F55B8), ("ivory", "sky", "blush"), 0.9),
        Colour("navy", rgb(0x27345A), ("ivory", "sky", "mustard"), 1.3),
        Colour("lilac", rgb(0xB9A5D3), ("ivory", "navy", "berry"), 0.8),
        Colour("charcoal", rgb(0x3B3D42), ("ivory", "camel", "blush"), 1.2),
    )
}

# Papers pale enough to flatter every colour; the deeper ones are for products as pale as the rest.
PAPERS: tuple[RGB, ...] = tuple(map(rgb, (0xEEE8E0, 0xE6EAEA, 0xF0E5DF, 0xE7E9E0, 0xE9E6EE, 0xEFEAD9)))
DEEP_PAPERS: tuple[RGB, ...] = tuple(map(rgb, (0xCFC2B3, 0xB9C4C6, 0xD6BDB0, 0xB9C0AC, 0xC2BCCB)))

BRASS: RGB = rgb(0xC9A35A)
STEEL: RGB = rgb(0xB4B8BC)
RUBBER: RGB = rgb(0xF3F0E9)
LEATHER: RGB = rgb(0x8A5A38)
GUM: RGB = rgb(0xB98A58)


def mix(one: RGB, other: RGB, share: float) -> RGB:
    """`one`, with `share` of it (0 to 1) replaced by `other`."""
    return (
        one[0] + (other[0] - one[0]) * share,
        one[1] + (other[1] - one[1]) * share,
        one[2] + (other[2] - one[2]) * share,
    )


def deeper(colour: RGB, share: float = 0.35) -> RGB:
    """A darker, slightly warmer shade of `colour`: the thread, lining or sole that belongs to it."""
    return mix(colour, (0.10, 0.08, 0.10), share)


def lighter(colour: RGB, share: float = 0.35) -> RGB:
    return mix(colour, (1.0, 0.98, 0.95), share)
