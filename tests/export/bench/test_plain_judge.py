"""The judge without a network: like things are alike, for the reasons that it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from rich.progress import Progress

from export.bench.plain_judge import CLASS_WEIGHT, color_histogram, judge_plainly, texture_histogram
from handler.errors import CatalogError

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("skimage", reason="needs the extra bench")
QUIET = Progress(disable=True)


def picture(color: tuple[int, int, int], *, striped: bool = False) -> Image.Image:
    pixels = np.full((160, 140, 3), color, dtype=np.uint8)
    pixels += np.random.default_rng(0).integers(0, 8, pixels.shape, dtype=np.uint8)
    if striped:
        pixels[::4] //= 2
    return Image.fromarray(pixels)


RED, BLUE = (200, 30, 30), (30, 30, 200)


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Red, blue, red and striped, blue and striped."""
    pictures = [picture(RED), picture(BLUE), picture(RED, striped=True), picture(BLUE, striped=True)]
    paths = [tmp_path / f"{number}.png" for number in range(len(pictures))]
    for path, one in zip(paths, pictures, strict=True):
        one.save(path)
    return paths


def test_colors_and_textures_make_products_alike(photos: list[Path]) -> None:
    vectors = judge_plainly(photos, np.zeros(4, dtype=np.int64), QUIET)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    likeness = vectors @ vectors.T
    same_color, same_texture, nothing = likeness[0, 2], likeness[0, 1], likeness[0, 3]
    assert same_color > same_texture > nothing


def test_a_class_weighs_as_much_as_it_should(photos: list[Path]) -> None:
    copies = [photos[0], photos[0], photos[1], photos[1]]
    apart = judge_plainly(copies, np.array([0, 1, 0, 1]), QUIET)
    # Two copies of one photo in two classes: equal colors and textures, opposite classes.
    assert apart[0] @ apart[1] == pytest.approx(1 - 2 * CLASS_WEIGHT, abs=1e-5)


def test_histograms_are_unit_vectors_and_know_gray_from_color() -> None:
    gray, red = np.full((64, 64, 3), 128, np.uint8), np.full((64, 64, 3), RED, np.uint8)
    for histogram in (color_histogram(gray), color_histogram(red)):
        assert histogram @ histogram == pytest.approx(1, abs=1e-5)
    assert color_histogram(gray) @ color_histogram(red) == 0
    np.testing.assert_array_equal(texture_histogram(gray), texture_histogram(red))


def test_a_photo_that_does_not_decode_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(CatalogError, match=r"broken\.jpg"):
        judge_plainly([tmp_path / "broken.jpg"], np.zeros(1, dtype=np.int64), QUIET)
