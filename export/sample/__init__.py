"""A drawn shop: a product catalog for a first look at Vitrine, made of nothing but geometry and a seed.

`catalog.write_sample_catalog` is the only entry point; nothing else of this package is used elsewhere. It asks
`assortment` what the shop sells, and `drawing` for each photo: a silhouette (`dresses`, `boots` and so on, one module
per kind) lays out the parts, `framing` places them, and `studio` lights them. Importing the package loads neither
Pillow nor numpy.
"""
