"""The kinds of product that the shop sells: their cuts, cloths, patterns and prices, each with its silhouette."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from export.sample.backpacks import backpack
from export.sample.boots import boots
from export.sample.ceramics import mug, vase
from export.sample.coats import coat
from export.sample.dresses import dress
from export.sample.handbags import handbag
from export.sample.hats import hat
from export.sample.jumpers import jumper
from export.sample.scarves import scarf
from export.sample.shirts import shirt
from export.sample.skirts import skirt
from export.sample.sneakers import sneakers
from export.sample.t_shirts import t_shirt
from export.sample.trousers import shorts, trousers

if TYPE_CHECKING:
    from collections.abc import Callable

    from export.sample.parts import Layer, Look


@dataclass(frozen=True)
class Kind:
    """One category.

    `cuts` maps a cut to the noun a shop would call it; `fabrics` a material's name to the texture it is drawn with;
    `patterns` a pattern to how many of it the shop buys for each other one; `prices` are the cheapest and dearest.
    """

    category: str
    draw: Callable[[Look], list[Layer]]
    prices: tuple[int, int]
    cuts: dict[str, str]
    fabrics: dict[str, str]
    patterns: dict[str, float]
    standing: bool = False


KINDS: tuple[Kind, ...] = (
    Kind(
        "dress",
        dress,
        (45, 165),
        {
            "mini": "mini dress",
            "midi": "midi dress",
            "maxi": "maxi dress",
            "slip": "slip dress",
            "shirt": "shirt dress",
        },
        {"cotton": "weave", "linen": "linen", "viscose": "smooth"},
        {"plain": 3, "floral": 4, "dotted": 2, "striped": 2, "gingham": 2, "chevron": 1},
    ),
    Kind(
        "t-shirt",
        t_shirt,
        (15, 45),
        {
            "classic": "T-shirt",
            "v-neck": "V-neck T-shirt",
            "pocket": "pocket T-shirt",
            "boxy": "boxy T-shirt",
            "long-sleeved": "long-sleeved T-shirt",
        },
        {"cotton": "weave", "jersey": "weave"},
        {"plain": 4, "breton": 3, "striped": 2, "colour-block": 2, "dotted": 1},
    ),
    Kind(
        "shirt",
        shirt,
        (35, 95),
        {"classic": "shirt", "camp-collar": "camp-collar shirt", "tunic": "tunic", "band-collar": "band-collar shirt"},
        {"linen": "linen", "cotton": "weave", "flannel": "twill"},
        {"plain": 3, "pinstriped": 2, "gingham": 2, "tartan": 2, "floral": 2, "windowpane": 1},
    ),
    Kind(
        "jumper",
        jumper,
        (49, 149),
        {"crew": "jumper", "roll-neck": "roll-neck jumper", "v-neck": "V-neck jumper", "cropped": "cropped jumper"},
        {"wool": "knit", "cable-knit": "cable", "lambswool": "knit"},
        {"plain": 4, "fair isle": 2, "argyle": 2, "breton": 2, "colour-block": 2, "chevron": 1},
    ),
    Kind(
        "coat",
        coat,
        (95, 320),
        {"overcoat": "overcoat", "trench": "trench coat", "blazer": "blazer", "puffer": "puffer jacket"},
        {"wool": "weave", "cotton": "twill"},
        {"plain": 6, "windowpane": 1.5, "tartan": 1.5, "colour-block": 1},
    ),
    Kind(
        "skirt",
        skirt,
        (35, 110),
        {"mini": "mini skirt", "pencil": "pencil skirt", "pleated": "pleated skirt", "wrap": "wrap skirt"},
        {"cotton": "weave", "denim": "twill", "linen": "linen"},
        {"plain": 4, "floral": 2, "tartan": 2, "dotted": 1, "gingham": 1},
    ),
    Kind(
        "trousers",
        trousers,
        (45, 140),
        {
            "wide-leg": "wide-leg trousers",
            "straight": "straight trousers",
            "tapered": "tapered trousers",
            "flared": "flared trousers",
        },
        {"linen": "linen", "denim": "twill", "wool": "weave"},
        {"plain": 6, "pinstriped": 2, "windowpane": 1.5, "tartan": 1},
    ),
    Kind(
        "shorts",
        shorts,
        (25, 70),
        {"tailored": "shorts", "running": "running shorts", "bermuda": "bermudas"},
        {"cotton": "weave", "linen": "linen", "denim": "twill"},
        {"plain": 4, "gingham": 1.5, "striped": 1, "floral": 1.5, "colour-block": 1},
    ),
    Kind(
        "sneakers",
        sneakers,
        (55, 150),
        {
            "court": "court sneakers",
            "high-top": "high-top sneakers",
            "slip-on": "slip-on sneakers",
            "runner": "running shoes",
        },
        {"canvas": "weave", "leather": "leather"},
        {"plain": 5, "gingham": 1, "dotted": 0.7, "colour-block": 1, "striped": 0.7},
        standing=True,
    ),
    Kind(
        "boots",
        boots,
        (85, 260),
        {
            "chelsea": "chelsea boots",
            "heeled": "heeled boots",
            "knee-high": "knee-high boots",
            "lace-up": "lace-up boots",
            "wellington": "wellingtons",
        },
        {"leather": "leather", "suede": "twill"},
        {"plain": 6, "colour-block": 1},
        standing=True,
    ),
    Kind(
        "handbag",
        handbag,
        (45, 240),
        {"tote": "tote bag", "crossbody": "crossbody bag", "bucket": "bucket bag", "top-handle": "top-handle bag"},
        {"leather": "leather", "canvas": "linen"},
        {"plain": 5, "striped": 1.5, "colour-block": 1.5, "chevron": 1, "gingham": 0.7},
        standing=True,
    ),
    Kind(
        "backpack",
        backpack,
        (49, 160),
        {"classic": "backpack", "roll-top": "roll-top backpack", "rucksack": "rucksack"},
        {"canvas": "twill", "cotton": "linen"},
        {"plain": 4, "colour-block": 2, "tartan": 1, "dotted": 1, "chevron": 1},
        standing=True,
    ),
    Kind(
        "hat",
        hat,
        (19, 75),
        {"beanie": "beanie", "bucket": "bucket hat", "wide-brim": "wide-brimmed hat", "cap": "cap"},
        {"cotton": "twill", "felt": "weave"},
        {"plain": 4, "colour-block": 1, "striped": 1, "gingham": 1, "fair isle": 1},
    ),
    Kind(
        "scarf",
        scarf,
        (19, 85),
        {"fringed": "fringed scarf", "square": "square scarf", "folded": "long scarf"},
        {"wool": "weave", "cashmere": "weave"},
        {"plain": 2, "tartan": 3, "striped": 2, "floral": 2, "argyle": 1, "windowpane": 1},
    ),
    Kind(
        "mug",
        mug,
        (9, 28),
        {"straight": "mug", "rounded": "round mug", "tall": "tall mug", "espresso": "espresso cup"},
        {"stoneware": "smooth", "porcelain": "smooth"},
        {"plain": 3, "speckled": 3, "striped": 2, "dotted": 1, "colour-block": 2},
        standing=True,
    ),
    Kind(
        "vase",
        vase,
        (19, 90),
        {"bottle": "bottle vase", "amphora": "amphora vase", "cylinder": "cylinder vase", "globe": "globe vase"},
        {"stoneware": "smooth", "earthenware": "smooth"},
        {"plain": 3, "speckled": 2, "striped": 1.5, "chevron": 1, "colour-block": 2},
        standing=True,
    ),
)
