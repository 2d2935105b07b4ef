"""Every kind of photo a shop has becomes the same upright picture, or is refused in words that help."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from PIL import Image, ImageOps
from pydantic import ValidationError

from handler.api.http_status import status_of
from handler.errors import ImageError, ImageTooLarge, ImageUndecodable
from handler.photos.images import Preprocessing, decode, preprocess

if TYPE_CHECKING:
    from numpy.typing import NDArray

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 180, 60), (40, 60, 210), (255, 255, 255)
ORIENTATION = 0x0112
# How a camera held that way stores an upright picture: the inverse of what has to be done to it.
STORED_AS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def upright() -> Image.Image:
    """48 x 32, each quarter another colour, so that no turn or flip looks like another."""
    image = Image.new("RGB", (48, 32), WHITE)
    for colour, box in ((RED, (0, 0, 24, 16)), (GREEN, (24, 0, 48, 16)), (BLUE, (0, 16, 24, 32))):
        image.paste(colour, box)
    return image


def save(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pixels(data: bytes) -> NDArray[np.int64]:
    image = decode(data)
    assert image.mode == "RGB"
    return np.asarray(image).astype(np.int64)


def assert_upright(data: bytes, tolerance: int = 0) -> None:
    found = pixels(data)
    assert found.shape == (32, 48, 3)
    quarters = {(8, 12): RED, (8, 36): GREEN, (24, 12): BLUE, (24, 36): WHITE}
    for place, colour in quarters.items():
        assert np.abs(found[place] - colour).max() <= tolerance, place


@pytest.mark.parametrize(("kind", "tolerance"), [("JPEG", 12), ("PNG", 0), ("WEBP", 25), ("BMP", 0), ("TIFF", 0)])
def test_formats(kind: str, tolerance: int) -> None:
    assert_upright(save(upright(), kind), tolerance)


def test_cmyk_jpeg_keeps_its_colours() -> None:
    """Adobe stores its CMYK inverted; read as it is, the photo would come out as its negative."""
    data = save(upright().convert("CMYK"), "JPEG", quality=95)
    assert b"Adobe" in data
    assert_upright(data, tolerance=20)


@pytest.mark.parametrize("orientation", STORED_AS)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_photo_is_upright_however_the_camera_was_held(orientation: int, kind: str) -> None:
    operation = STORED_AS[orientation]
    stored = upright() if operation is None else upright().transpose(operation)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    assert_upright(save(stored, kind, exif=exif.tobytes()), tolerance=0 if kind in ("PNG", "TIFF") else 30)


def exif_of_a_camera() -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION], exif[0x010F], exif[0x8769] = 1, "Maker", {0x9003: "2025:03:10"}
    return exif.tobytes()


@pytest.mark.filterwarnings("ignore::UserWarning")
@examples(deadline=None, max_examples=200)
@given(
    kind=st.sampled_from(["JPEG", "PNG", "WEBP"]),
    end=st.integers(6, 200),
    changes=st.lists(st.tuples(st.integers(6, 60), st.integers(0, 255)), max_size=4),
)
def test_a_damaged_exif_block_does_not_cost_the_photo(kind: str, end: int, changes: list[tuple[int, int]]) -> None:
    """Editors and messengers leave many. Which way is up may be lost with it; the picture is not."""
    exif = bytearray(exif_of_a_camera())
    for place, value in changes:
        exif[place] = value
    assert decode(save(upright(), kind, exif=bytes(exif[:end]))).mode == "RGB"


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_not_clipped(kind: str) -> None:
    levels = np.asarray([[0, 0x1000, 0x8000, 0xFFFF]], dtype=np.uint16)
    found = pixels(save(Image.fromarray(levels), kind))
    assert found[0, :, 0].tolist() == [0, 0x10, 0x80, 0xFF]
    assert (found[..., 0] == found[..., 2]).all()


def transparent(mode: str) -> Image.Image:
    image = upright().convert("RGBA")
    image.paste((0, 0, 0, 0), (24, 16, 48, 32))  # what nobody sees is black
    if mode == "P":
        image = image.quantize(8, method=Image.Quantize.FASTOCTREE)
    return image.convert(mode)


@pytest.mark.parametrize(
    ("mode", "kind"), [("RGBA", "PNG"), ("RGBA", "WEBP"), ("P", "PNG"), ("RGBA", "GIF"), ("RGBA", "TIFF")]
)
def test_transparency_is_white(mode: str, kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    assert_upright(save(transparent(mode), kind, **options), tolerance=40 if mode == "P" or kind == "GIF" else 0)


def test_grey_with_transparency_is_white_where_it_is_clear() -> None:
    found = pixels(save(transparent("LA"), "PNG"))
    assert found[24, 36].tolist() == [255, 255, 255]
    assert found[8, 12].max() < 200


def test_half_transparent_is_half_white() -> None:
    assert pixels(save(Image.new("RGBA", (1, 1), (0, 0, 0, 128)), "PNG"))[0, 0].tolist() == [127] * 3


def test_a_colour_that_png_calls_transparent_is_white() -> None:
    data = save(upright(), "PNG", transparency=BLUE)
    assert pixels(data)[24, 12].tolist() == [255, 255, 255]
    assert pixels(data)[8, 12].tolist() == list(RED)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_counts(kind: str) -> None:
    frames = [Image.new("RGB", (48, 32), "black")] * 3
    options = {"lossless": True} if kind == "WEBP" else {}
    data = save(upright(), kind, save_all=True, append_images=frames, **options)
    assert_upright(data, tolerance=2)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LAB", "YCbCr"])
def test_other_modes_are_read_or_refused(mode: str) -> None:
    image = (
        upright().quantize(8) if mode == "P" else upright().convert(mode) if mode != "LAB" else Image.new("LAB", (4, 4))
    )
    try:
        assert decode(save(image, "TIFF")).mode == "RGB"
    except ImageError:
        assert mode == "LAB"


@pytest.mark.parametrize("mode", ["I", "F"])
def test_32_bit_samples_are_refused_with_a_remedy(mode: str) -> None:
    with pytest.raises(ImageUndecodable, match="32-bit") as caught:
        decode(save(Image.new(mode, (4, 4)), "TIFF"))
    assert "8 or 16 bits" in (caught.value.remedy or "")


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"hello", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"\xff\xd8\xff"]
)
def test_bytes_other_than_an_image_are_refused_with_the_supported_formats(data: bytes) -> None:
    with pytest.raises(ImageUndecodable) as caught:
        decode(data)
    assert caught.value.field == "image"
    assert status_of(type(caught.value)) == 422
    assert "JPEG" in f"{caught.value.limit} {caught.value.remedy}" or "damaged" in caught.value.detail


def test_formats_that_run_code_of_others_are_not_opened() -> None:
    """Pillow would start Ghostscript for an EPS."""
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"
    for data in (eps, save(upright(), "ICO"), save(upright(), "PPM")):
        with pytest.raises(ImageUndecodable, match="not an image in a supported format"):
            decode(data)


def bomb(width: int, height: int) -> bytes:
    """A PNG of a hundred bytes that says how large it is."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_a_picture_that_would_fill_the_memory_is_refused_by_its_header() -> None:
    with pytest.raises(ImageTooLarge, match=r"50000 x 50000 = 2,500,000,000 pixels") as caught:
        decode(bomb(50_000, 50_000))
    assert (caught.value.value, status_of(type(caught.value))) == (2_500_000_000, 413)


def test_the_limit_on_pixels_is_the_callers() -> None:
    data = save(upright(), "PNG")
    assert decode(data, max_pixels=48 * 32).size == (48, 32)
    with pytest.raises(ImageTooLarge):
        decode(data, max_pixels=48 * 32 - 1)


SAMPLES = {
    "jpeg": save(upright(), "JPEG"),
    "progressive": save(upright(), "JPEG", progressive=True),
    "png": save(upright(), "PNG"),
    "gif": save(upright(), "GIF", save_all=True, append_images=[Image.new("RGB", (48, 32))]),
    "webp": save(upright(), "WEBP"),
    "bmp": save(upright(), "BMP"),
    "tiff": save(upright(), "TIFF", compression="tiff_lzw"),
}


def picture_or_error_of_ours(data: bytes) -> None:
    try:
        assert decode(data, max_pixels=1_000_000).mode == "RGB"
    except ImageError as error:
        assert str(error)  # noqa: PT017  either outcome is right


@examples(deadline=None, max_examples=150)
@given(kind=st.sampled_from(sorted(SAMPLES)), share=st.floats(0, 1, exclude_max=True))
def test_a_download_that_broke_off_is_a_picture_or_refused(kind: str, share: float) -> None:
    picture_or_error_of_ours(SAMPLES[kind][: int(share * len(SAMPLES[kind]))])


@examples(deadline=None, max_examples=300)
@given(
    kind=st.sampled_from(sorted(SAMPLES)),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_damaged_bytes_are_a_picture_or_refused(kind: str, changes: list[tuple[float, int]]) -> None:
    data = bytearray(SAMPLES[kind])
    for place, value in changes:
        data[int(place * len(data))] = value
    picture_or_error_of_ours(bytes(data))


def how(**options: Any) -> Preprocessing:
    return Preprocessing(mean=(0.5, 0.5, 0.5), std=(0.25, 0.5, 0.5), **options)


def test_preprocessing_normalizes_each_channel_and_puts_it_first() -> None:
    array = preprocess(Image.new("RGB", (10, 6), (255, 0, 128)), how(resize=(4, 8)))
    assert (array.shape, array.dtype, array.flags.c_contiguous) == ((3, 4, 8), np.float32, True)
    np.testing.assert_allclose(array[:, 0, 0], [2, -1, 128 / 255 * 2 - 1], atol=1e-6)


@pytest.mark.parametrize("size", [(10, 20), (20, 10), (1, 300), (300, 1), (224, 224), (8, 8)])
@pytest.mark.parametrize(
    "options",
    [{"resize": (16, 24)}, {"shortest_edge": 20, "crop": (16, 24)}, {"shortest_edge": 16, "crop": (16, 16)}],
)
def test_every_photo_is_resized_for_the_encoder(size: tuple[int, int], options: dict[str, Any]) -> None:
    wanted = how(**options)
    assert preprocess(Image.new("RGB", size), wanted).shape == (3, *wanted.input_size)


def test_the_crop_takes_the_middle() -> None:
    image = ImageOps.expand(Image.new("RGB", (8, 8), "white"), border=(4, 0), fill="black")
    array = preprocess(image, how(shortest_edge=8, crop=(8, 8)))
    assert (array[1] == 1).all()


@pytest.mark.parametrize(
    "options", [{}, {"resize": (4, 4), "shortest_edge": 4}, {"shortest_edge": 4}, {"shortest_edge": 0, "crop": (1, 1)}]
)
def test_preprocessing_that_leaves_the_size_open_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        how(**options)
