"""A judge without a network: class, colors and texture, which no encoder's weights can favor.

Shop and shopper may see alike because their encoders are siblings, and a shop that is found through quickly says little
then. This judge compares what the photo and the catalog say themselves. Its features and weights are fixed: they are
not to be fitted to any result.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from export.bench.bench_catalog import centered
from handler.errors import CatalogError, ConfigurationError, ImageError
from handler.photos.images import Preprocessing, decode, preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from rich.progress import Progress

CLASS_WEIGHT, COLOR_WEIGHT, TEXTURE_WEIGHT = 0.4, 0.4, 0.2
"""Of each feature's cosine in the sum."""
CENTER = Preprocessing(shortest_edge=128, crop=(64, 64), resample="bicubic", rescale=1, mean=(0, 0, 0), std=(1, 1, 1))
"""The middle half of the shorter side: the product, with little of its ground."""
COLOR_BINS = (6, 8, 8)
COLOR_RANGE = ((0, 100), (-80, 80), (-80, 80))
"""Of CIELAB's L, a and b; more saturated colors count as the most saturated ones."""
TEXTURE_SCALES = ((8, 1), (16, 2))
"""Neighbors and radius in pixels of uniform local binary patterns (Ojala, Pietikainen and Maenpaa 2002)."""


def judge_plainly(photos: Sequence[Path], categories: NDArray[np.int64], progress: Progress) -> NDArray[np.float32]:
    """Vectors (n, features), one a photo, whose inner products are weighted sums of three cosines.

    `categories` (n,) are the numbers of the products' categories. Where they are all the same, colors and texture
    decide alone. Raises CatalogError for a photo that does not decode, ConfigurationError without scikit-image.
    """
    if importlib.util.find_spec("skimage") is None:
        raise ConfigurationError(
            "scikit-image, which compares colors and textures, is not installed.",
            remedy="Install it with: scripts/setup bench",
        )
    task = progress.add_task("Comparing colors and textures", total=len(photos))
    colors, textures = [], []
    for path in photos:
        pixels = _center(path)
        colors.append(color_histogram(pixels))
        textures.append(texture_histogram(pixels))
        progress.advance(task)
    classes = np.eye(int(categories.max()) + 1, dtype=np.float32)[categories]
    features = [(CLASS_WEIGHT, classes), (COLOR_WEIGHT, np.stack(colors)), (TEXTURE_WEIGHT, np.stack(textures))]
    weighted = np.hstack([np.sqrt(weight) * centered(values) for weight, values in features])
    # A product at the center of a feature (all products in one class, for one) has no direction there.
    unit: NDArray[np.float32] = weighted / np.linalg.norm(weighted, axis=1, keepdims=True)
    return unit


def color_histogram(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Square roots of the shares of `pixels` (height, width, 3) in COLOR_BINS, so that a dot product is a likeness."""
    from skimage.color import rgb2lab

    lab = np.clip(rgb2lab(pixels).reshape(-1, 3), *np.transpose(COLOR_RANGE))
    counts, _ = np.histogramdd(lab, bins=COLOR_BINS, range=COLOR_RANGE)
    return _shares(counts.ravel())


def texture_histogram(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Square roots of the shares of each local binary pattern in `pixels` (height, width, 3), for every scale."""
    from skimage.feature import local_binary_pattern

    gray = np.asarray(Image.fromarray(pixels).convert("L"))
    histograms: list[Any] = []
    for neighbors, radius in TEXTURE_SCALES:
        patterns = local_binary_pattern(gray, neighbors, radius, "uniform").astype(int)
        histograms.append(_shares(np.bincount(patterns.ravel(), minlength=neighbors + 2)))
    return np.concatenate(histograms)


def _shares(counts: NDArray[Any]) -> NDArray[np.float32]:
    roots: NDArray[np.float32] = np.sqrt(counts / counts.sum()).astype(np.float32)
    return roots


def _center(path: Path) -> NDArray[np.uint8]:
    try:
        pixels = preprocess(decode(path.read_bytes()), CENTER)
    except ImageError as error:
        raise CatalogError(f"The judge cannot read {path}: {error.detail}", value=str(path)) from error
    return pixels.transpose(1, 2, 0).astype(np.uint8)
