"""From image bytes to encoder input: check, decode, orient, convert to RGB on white, resize, normalize.

The same functions prepare indexed photos and uploads, so their vectors are comparable. They follow the *slow* (Pillow)
image processors of transformers step by step: resize as 8-bit pixels, center-crop, rescale, normalize.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError
from pydantic import BaseModel, ConfigDict, Field

from handler.errors import ImageError, ImageTooLarge, ImageUndecodable

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
MAX_PIXELS = 100_000_000
"""About 300 MB when decoded; enough for a 100-megapixel camera."""

# Pillow has its own limit; this module checks one against the header before any pixel is decoded.
Image.MAX_IMAGE_PIXELS = None

_RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transposition that undoes each EXIF orientation; 1 needs none."""


class Preprocessing(BaseModel):
    """The input format of one encoder, taken from its image processor; part of `preprocess.json`.

    Either `shortest_edge` (keeps the aspect ratio, then crops) or `resize` (height, width; stretches) is set.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    resize: tuple[int, int] | None = Field(default=None, description="(height, width) in pixels, aspect ratio ignored")
    shortest_edge: int | None = Field(default=None, gt=0, description="pixels")
    crop: tuple[int, int] | None = Field(default=None, description="(height, width) of the center crop, in pixels")
    resample: Literal["nearest", "bilinear", "bicubic", "lanczos"] = "bilinear"
    rescale: float = 1 / 255
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def model_post_init(self, _context: object) -> None:
        if (self.resize is None) == (self.shortest_edge is None):
            raise ValueError("exactly one of resize and shortest_edge is needed")
        if self.shortest_edge is not None and self.crop is None:
            raise ValueError("shortest_edge needs a crop, or inputs would differ in size")

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) of the encoder's input."""
        size = self.crop or self.resize
        assert size is not None  # noqa: S101  ensured by model_post_init
        return size


def decode(data: bytes, *, max_pixels: int = MAX_PIXELS, formats: tuple[str, ...] = FORMATS) -> Image.Image:
    """Decode `data` into an upright 8-bit RGB image: first frame, EXIF orientation applied, transparency on white.

    JPEGs are decoded in full. Pillow's draft mode takes a quarter of the time for 12 million pixels, but changes a
    vector as much as 8-bit weights do (cosine 0.9999), also against vectors that an index already holds.

    Raises ImageTooLarge before any pixel is decoded, and ImageUndecodable for incomplete or invalid images.
    """
    try:
        with Image.open(io.BytesIO(data), formats=formats) as image:
            _check_size(image, max_pixels)
            image.load()
            return _to_rgb(_upright(image))
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise ImageUndecodable(
            f"These {len(data):,} bytes are not an image in a supported format.",
            field="image",
            limit=", ".join(formats),
            remedy="Save it as JPEG, PNG or WebP.",
        ) from None
    # Pillow's decoders raise nearly any exception for crafted bytes; in each case the image is broken.
    except Exception as error:
        raise ImageUndecodable(
            f"The image is truncated or damaged ({type(error).__name__}: {error}).",
            field="image",
            remedy="Export it again from the original.",
        ) from error


def preprocess(image: Image.Image, how: Preprocessing) -> NDArray[np.float32]:
    """Convert an RGB image to the encoder's input: float32 (3, height, width)."""
    resampling = _RESAMPLING[how.resample]
    if how.resize is not None:
        height, width = how.resize
    else:
        height, width = _fit_shortest_edge(image, how.shortest_edge or 0)
        # A sliver of 1 x 100,000 pixels is small; scaled to 256 x 25,600,000 it is not.
        if height * width > MAX_PIXELS:
            raise ImageTooLarge(
                f"The image has {image.width} x {image.height} pixels; scaled to a shorter side of "
                f"{how.shortest_edge} it would have {height * width:,}; the limit is {MAX_PIXELS:,}.",
                field="image",
                value=height * width,
                limit=MAX_PIXELS,
                remedy="Crop it to a less elongated shape.",
            )
    resized = image.resize((width, height), resampling)
    cropped = resized if how.crop is None else _center_crop(resized, *how.crop)
    pixels = np.asarray(cropped, dtype=np.float32) * np.float32(how.rescale)
    normalized = (pixels - np.asarray(how.mean, dtype=np.float32)) / np.asarray(how.std, dtype=np.float32)
    return np.ascontiguousarray(normalized.transpose(2, 0, 1))


def _check_size(image: Image.Image, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise ImageTooLarge(
            f"The image has {width} x {height} = {width * height:,} pixels; the limit is {max_pixels:,}.",
            field="image",
            value=width * height,
            limit=max_pixels,
            remedy="Scale it down.",
        )


def _upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation. Only that tag is read, so a damaged block loses the orientation and not the photo."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except (SyntaxError, struct.error, LookupError, TypeError, ValueError, OSError):
        return image
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        # convert() clips 16-bit grey at 255 instead of scaling it.
        grey = (np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)
        return Image.fromarray(grey).convert("RGB")
    if image.mode in ("I", "F"):
        raise ImageUndecodable(
            f"The image stores 32-bit samples (mode {image.mode}), which have no defined white point.",
            field="image",
            value=image.mode,
            remedy="Save it with 8 or 16 bits per channel.",
        )
    if image.has_transparency_data:
        with_alpha = image.convert("RGBA")
        canvas = Image.new("RGBA", with_alpha.size, "white")
        return Image.alpha_composite(canvas, with_alpha).convert("RGB")
    return image.convert("RGB")


def _fit_shortest_edge(image: Image.Image, edge: int) -> tuple[int, int]:
    """(height, width) with the shorter side at `edge`; the longer is truncated to an integer, as in transformers."""
    width, height = image.size
    if width <= height:
        return int(edge * height / width), edge
    return edge, int(edge * width / height)


def _center_crop(image: Image.Image, height: int, width: int) -> Image.Image:
    """Crop the center; black where the image is smaller than the crop, as transformers pads."""
    left = (image.width - width) // 2
    top = (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))
