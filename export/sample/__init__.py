"""A drawn shop: a product catalog for a first look at Vitrine, made of nothing but geometry and a seed.

How a picture comes about: `assortment` decides what the shop sells, a silhouette (`dresses`, `boots` and so
on, one module a kind) lays out its parts, `framing` places them, and `studio` lights them.
`catalog` writes the photos and their manifest. Pillow and numpy are loaded by those who draw, not by this package.
"""
