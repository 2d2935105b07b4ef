"""What the tests of the export side share: catalogs made to order, and a look into what was published."""

from __future__ import annotations

import sqlite3
import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from export.photos.read_catalog import read_catalog
from handler.manifest import CATALOG_FILE, bundle_key
from handler.open_bundle import OpenBundle
from handler.stores.store import DirectoryStore

if TYPE_CHECKING:
    from pathlib import Path

    from export.photos.read_catalog import CatalogRow


def draw(path: Path, seed: int, size: tuple[int, int] = (48, 40)) -> Path:
    """A photo like no other: noise about a colour of its own."""
    rng = np.random.default_rng(seed)
    width, height = size
    pixels = np.clip(rng.normal(rng.uniform(40, 215, 3), 30, (height, width, 3)), 0, 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def draw_all(folder: Path, names: list[str] | range) -> Path:
    """A photo a name; a number n becomes `nnn.png`."""
    for place, name in enumerate(names):
        seed = name if isinstance(name, int) else 1_000 + place
        draw(folder / (f"{name:03}.png" if isinstance(name, int) else name), seed)
    return folder


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def ids_and_images(source: Path) -> dict[str, str]:
    return {row.id: row.image for row in read_catalog(source).rows}


def rows_by_id(source: Path, photos: Path | None = None) -> dict[str, CatalogRow]:
    return {row.id: row for row in read_catalog(source, photos).rows}


def open_current(bundles: Path) -> OpenBundle:
    """The current bundle as a handler opens it: every digest verified."""
    store = DirectoryStore(bundles)
    return OpenBundle(store, store.current().version)


def labels_in(bundles: Path) -> tuple[dict[str, int], dict[str, int]]:
    """(products, retired) of the current bundle: label by id."""
    path = bundles / bundle_key(DirectoryStore(bundles).current().version, CATALOG_FILE)
    db = sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True)
    try:
        return tuple(dict(db.execute(f"SELECT id, label FROM {table}")) for table in ("products", "retired"))  # type: ignore[return-value]  # noqa: S608
    finally:
        db.close()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and ends where its pixels begin."""
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(b"")))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
