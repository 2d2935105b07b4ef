"""What PyTorch says about a photo: the truth that an exported file is held against."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from export.model.trace import MODEL_OUTPUT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from PIL import Image

    from export.model.checkpoint import Checkpoint


def embed(checkpoint: Checkpoint, images: Sequence[Image.Image]) -> NDArray[np.float32]:
    """RGB images -> float32 (n, dim) unit vectors, by the checkpoint's own image processor, forward and pooling.

    Shares no code with what it judges, save the decoding of the photos.
    """
    return embed_pixels(checkpoint, checkpoint.processor(images=list(images), return_tensors="np")["pixel_values"])


def embed_pixels(checkpoint: Checkpoint, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Preprocessed float32 (n, 3, height, width) -> float32 (n, dim) unit vectors."""
    import torch

    with torch.no_grad():
        outputs = checkpoint.model(pixel_values=torch.from_numpy(pixels), **checkpoint.forward_options)
        embeddings = pool(checkpoint, outputs)
        return np.asarray(torch.nn.functional.normalize(embeddings, dim=-1).numpy(), dtype=np.float32)


def pool(checkpoint: Checkpoint, outputs: Any) -> Any:
    """What the model's forward returned -> embeddings (n, dim), not normalized."""
    value = getattr(outputs, MODEL_OUTPUT[checkpoint.pooling])
    if checkpoint.pooling == "cls":
        return value[:, 0]
    if checkpoint.pooling == "mean":
        return value[:, checkpoint.prefix_tokens :].mean(dim=1)
    return value


def use_one_thread() -> None:
    """Let PyTorch work on one thread in the thread that calls.

    Its threads wait for each other by spinning: on a busy machine two of them took fourteen times as long as one.
    """
    import torch

    torch.set_num_threads(1)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Inside, PyTorch works on one thread; see use_one_thread."""
    import torch

    threads = torch.get_num_threads()
    use_one_thread()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def seconds_per_image(checkpoint: Checkpoint, *, repeats: int = 5) -> float:
    """Best of `repeats` forwards of one picture on one thread; preprocessing is not counted."""
    import torch

    pixels = torch.zeros(1, 3, *checkpoint.preprocessing.input_size)
    times = []
    with one_thread(), torch.no_grad():
        for _ in range(repeats + 1):
            start = time.perf_counter()
            checkpoint.model(pixel_values=pixels, **checkpoint.forward_options)
            times.append(time.perf_counter() - start)
    return min(times[1:])
