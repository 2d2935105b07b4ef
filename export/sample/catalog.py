"""The sample catalog on disk: one photo per product, and the product table that `vitrine index` reads.

Writing is safe to interrupt and to repeat. Every file appears whole or not at all, each photo carries the words it
was drawn from, and a second call draws only photos that are missing, damaged or from another seed.
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

TABLE = "catalog.csv"
FIELDS = ("id", "image", "name", "category", "colour", "pattern", "price", "currency", "in_stock")

QUALITY = 86
CURRENCY = "EUR"
EDITION = 1
"""Increase it when the drawing changes, so that older photos are drawn again."""

_END = b"\xff\xd9"
"""The marker that ends a JPEG: a file without it was cut off."""

Progress = Callable[[int, int], None]


def write_sample_catalog(out: Path, *, count: int = 459, seed: int = 459, progress: Progress | None = None) -> Path:
    """Write `count` drawn products below `out` and return the path of the product table, `out`/catalog.csv.

    Photos are `<category>/<id>.jpg`, 400 x 480 pixels. The same seed gives the same bytes (under the same Pillow),
    and a smaller count gives the first products of a larger one. `progress` gets (done, count) after every photo.

    Raises `CatalogError` for a count the range cannot fill, and for a directory that holds another catalog.
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
    table = out / TABLE
    _refuse_foreign(table)
    products = assortment(count, seed)
    for done, product in enumerate(products, 1):
        _write_photo(out / product.image, product, seed)
        if progress is not None:
            progress(done, count)
    text = _rows(products)
    if not table.is_file() or table.read_bytes() != text:
        _replace(table, text)
    return table


def _refuse_foreign(table: Path) -> None:
    """Raise CatalogError rather than overwrite a shop's own catalog."""
    out = table.parent
    if out.exists() and not out.is_dir():
        raise CatalogError(
            f"{out} is a file, not a directory.", field="out", value=str(out), remedy="Choose a new directory."
        )
    if not table.is_file():
        return
    with table.open("rb") as file:
        header = file.readline().strip()
    if header != ",".join(FIELDS).encode():
        raise CatalogError(
            f"{table} is not a sample catalog and will not be overwritten.",
            field="out",
            value=str(out),
            remedy="Choose a new directory.",
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
    """Put `content` at `path` in one step: readers see the old file or the new one, never a part."""
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
