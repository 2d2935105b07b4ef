"""Texts that shoppers of clothes and household goods type: a text tower is judged on them and centered by them."""

from __future__ import annotations

from typing import Final

COLORS: Final = (
    *("black", "white", "gray", "red", "blue", "green"),
    *("yellow", "orange", "brown", "pink", "purple", "beige"),
)
PRODUCTS: Final = (
    *("dress", "skirt", "shirt", "t-shirt", "jumper", "coat", "jacket", "trousers", "jeans", "shorts", "hat", "scarf"),
    *("boots", "sneakers", "sandals", "handbag", "backpack", "belt", "watch", "ring", "lamp", "chair", "sofa", "table"),
    *("vase", "plate", "cup", "rug", "cushion", "curtain"),
)
TRIAL_TEXTS: Final = (*COLORS, *PRODUCTS, *(f"{color} {product}" for color in COLORS for product in PRODUCTS))
