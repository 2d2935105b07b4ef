"""The names of an encoder's input and output, the same in every runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handler.errors import BundleCorrupt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

INPUT_NAME = "pixel_values"
OUTPUT_NAME = "embedding"


def check_names(path: Path, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Raise BundleCorrupt unless the graph at `path` has the input and the output of an encoder, and no others."""
    if (list(inputs), list(outputs)) != ([INPUT_NAME], [OUTPUT_NAME]):
        raise BundleCorrupt(
            f"{path} maps {list(inputs)} to {list(outputs)}; an encoder maps ['{INPUT_NAME}'] to ['{OUTPUT_NAME}'].",
            remedy="Write it with `vitrine export`.",
        )
