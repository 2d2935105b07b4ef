"""The media type of a photo's file, from its content. A name says nothing about what a browser would run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from handler.photos.images import FORMATS

if TYPE_CHECKING:
    from pathlib import Path


def media_type(path: Path) -> str | None:
    """The type of the format that decoding would use, or None for a file in none of FORMATS. Reads its header only."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            return Image.MIME[image.format or ""]
    except Exception:  # noqa: BLE001  Pillow's parsers raise nearly any exception for crafted bytes
        return None
