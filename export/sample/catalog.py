"""The sample catalog on disk: one photo a product, and the manifest that `vitrine index` reads.

Writing is safe to interrupt and to repeat. Every file appears whole or not at all, each photo carries the words it
was drawn from, and a second call draws only what is missing, broken or of another seed.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from handler.errors import CatalogError

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image

    from export.sample.assortment import Product

MANIFEST = "catalog.csv"
FIELDS = ("id", "image", "name", "category", "colour", "pattern", "price", "currency", "in_stock")

QUALITY = 86
CURRENCY = "EUR"
EDITION = 1
"""Raised whenever the drawing changes, so that older photos are drawn again."""

_END = b"\xff\xd9"
"""The marker that ends a JPEG: a file without it was cut off."""

Progress = Callable[[int, int], None]


def write_sample_catalog(out: Path, *, count: int = 459, seed: int = 459, progress: Progress | None = None) -> Path:
    """Write `count` drawn products below `out` and return the manifest's path, `out`/catalog.csv.

    Photos are `<category>/<id>.jpg`, 400 x 480 pixels. The same seed gives the same bytes (under the same Pillow),
    and a smaller count gives the first products of a larger one. `progress` is told (done, count) after every photo.

    Raises `CatalogError` for a count the range cannot fill, and for a folder that holds somebody else's catalog.
    """
    from export.sample.assortment import assortment, capacity

    if not 1 <= count <= capacity():
        raise CatalogError(
            f"A sample catalog of {count} products cannot be drawn: the count must be 1 to {capacity()}.",
            field="count",
            value=count,
            limit=capacity(),
            remedy="Ask for a count within that range.",
        )
    manifest = out / MANIFEST
    _refuse_foreign(manifest)
    products = assortment(count, seed)
    for done, product in enumerate(products, 1):
        _write_photo(out / product.image, product, seed)
        if progress is not None:
            progress(done, count)
    text = _rows(products)
    if not manifest.is_file() or manifest.read_bytes() != text:
        _replace(manifest, text)
    return manifest


def _refuse_foreign(manifest: Path) -> None:
    """A shop's own catalog must never be overwritten by drawings."""
    out = manifest.parent
    if out.exists() and not out.is_dir():
        raise CatalogError(f"{out} is a file, not a folder.", field="out", value=str(out), remedy="Name a new folder.")
    if not manifest.is_file():
        return
    with manifest.open("rb") as file:
        header = file.readline().strip()
    if header != ",".join(FIELDS).encode():
        raise CatalogError(
            f"{manifest} is not a sample catalog, and will not be overwritten.",
            field="out",
            value=str(out),
            remedy="Name a new folder.",
        )


def _write_photo(path: Path, product: Product, seed: int) -> None:
    origin = f"vitrine sample {EDITION}, seed {seed}: {product.id} {product.name}".encode()
    if _complete(path, origin):
        return
    from export.sample.drawing import draw

    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(path, _jpeg(draw(product, seed), origin))


def _complete(path: Path, origin: bytes) -> bool:
    """Whether `path` is a whole photo drawn from `origin`, by its first bytes and its last."""
    try:
        with path.open("rb") as file:
            head = file.read(512)
            file.seek(-len(_END), os.SEEK_END)
            return origin in head and file.read() == _END
    except OSError:
        return False


def _jpeg(image: Image, origin: bytes) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY, optimize=True, subsampling=0, comment=origin)
    return buffer.getvalue()


def _replace(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step: whoever looks sees the old file or the new one, never half of it."""
    partial = path.with_name(f".{path.name}.part")
    partial.write_bytes(content)
    partial.replace(path)


def _rows(products: list[Product]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FIELDS)
    for product in products:
        writer.writerow(
            (
                product.id,
                product.image,
                product.name,
                product.kind.category,
                product.colour,
                product.pattern,
                f"{product.price:.2f}",
                CURRENCY,
                "true" if product.in_stock else "false",
            )
        )
    return text.getvalue().encode()
