"""The assortment: which products the shop buys, decided by a seed before anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product as every
from random import Random

from export.sample.kinds import KINDS, Kind
from export.sample.palette import COLOURS

ENDINGS = (0.00, 0.50, 0.90, 0.90, 0.95)

# Materials that only some cuts are made of: nobody knits a fedora.
MADE_OF: dict[str, dict[str, str]] = {
    "puffer": {"nylon": "smooth"},
    "trench": {"cotton": "twill"},
    "beanie": {"wool": "knit"},
    "wide-brim": {"straw": "straw", "felt": "weave"},
    "running": {"jersey": "smooth"},
    "runner": {"mesh": "weave"},
    "slip-on": {"canvas": "weave"},
    "wellington": {"rubber": "smooth"},
    "square": {"silk": "smooth"},
    "slip": {"satin": "smooth"},
}

# Patterns that a cut cannot carry; the rest of its kind's patterns it may have.
UNFIT: dict[str, frozenset[str]] = {
    "slip": frozenset({"gingham", "chevron"}),
    "puffer": frozenset({"windowpane", "tartan"}),
    "trench": frozenset({"colour-block"}),
    "overcoat": frozenset({"colour-block"}),
    "blazer": frozenset({"colour-block"}),
    "wide-brim": frozenset({"colour-block", "striped", "gingham", "fair isle"}),
    "bucket": frozenset({"fair isle"}),
    "cap": frozenset({"fair isle", "striped"}),
    "beanie": frozenset({"gingham"}),
    "court": frozenset({"gingham", "dotted", "striped"}),
    "runner": frozenset({"gingham", "dotted", "striped"}),
    "high-top": frozenset({"striped"}),
    "chelsea": frozenset({"colour-block"}),
    "heeled": frozenset({"colour-block"}),
    "knee-high": frozenset({"colour-block"}),
    "running": frozenset({"gingham"}),
    "crossbody": frozenset({"colour-block"}),
    "pleated": frozenset({"dotted", "floral"}),
    "fringed": frozenset({"floral"}),
    "folded": frozenset({"floral"}),
}


@dataclass(frozen=True)
class Product:
    """One product of the catalog: what its row says and what its picture shows."""

    id: str
    kind: Kind
    cut: str
    fabric: str
    colour: str
    pattern: str
    price: float
    in_stock: bool

    @property
    def image(self) -> str:
        """The photo's path below the catalog's folder."""
        return f"{self.kind.category}/{self.id}.jpg"

    @property
    def name(self) -> str:
        adjective = "" if self.pattern == "plain" else f"{self.pattern} "
        # A cloth that names the garment already ("cable-knit jumper") reads well; nothing else is said twice.
        words = f"{adjective}{self.fabric} {self.kind.cuts[self.cut]} in {self.colour}"
        return words[0].upper() + words[1:]

    @property
    def texture(self) -> str:
        return MADE_OF.get(self.cut, self.kind.fabrics)[self.fabric]


def assortment(count: int, seed: int) -> list[Product]:
    """`count` different products, the kinds taking turns; no two share kind, cut, colour and pattern.

    A smaller count with the same seed is a prefix of a larger one.
    """
    ranges = [_range(kind, seed, -(-count // len(KINDS))) for kind in KINDS]
    turns = [product for row in zip(*ranges, strict=True) for product in row]
    return turns[:count]


def capacity() -> int:
    """How many products the range has before two of them would be the same."""
    return min(sum(1 for _ in _designs(kind)) for kind in KINDS) * len(KINDS)


def _designs(kind: Kind) -> list[tuple[str, str, str]]:
    return [
        (cut, pattern, colour)
        for cut, pattern, colour in every(kind.cuts, kind.patterns, COLOURS)
        if pattern not in UNFIT.get(cut, frozenset())
    ]


def _range(kind: Kind, seed: int, count: int) -> list[Product]:
    # Seeded by a string, whose hash Random fixes, unlike that of a tuple.
    chance = Random(f"{seed} {kind.category}")  # noqa: S311
    designs = _designs(kind)
    # Sampling without replacement by weight (Efraimidis and Spirakis, 2006): the largest keys win.
    keys = {
        design: chance.random() ** (1 / (kind.patterns[design[1]] * COLOURS[design[2]].weight)) for design in designs
    }
    chosen = sorted(designs, key=keys.__getitem__, reverse=True)[:count]
    low, high = kind.prices
    products = []
    for number, (cut, pattern, colour) in enumerate(chosen, 1):
        fabric = chance.choice(sorted(MADE_OF.get(cut, kind.fabrics)))
        # Two dice lean towards the middle of the range without ever leaving it.
        price = round(low + (high - low) * (chance.random() + chance.random()) / 2) + chance.choice(ENDINGS)
        stock = chance.random() < 0.85
        products.append(Product(f"{kind.category}-{number:03d}", kind, cut, fabric, colour, pattern, price, stock))
    return products
