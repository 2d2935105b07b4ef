"""Encodes pixels as unit vectors with onnxruntime, which is imported only when an encoder is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handler.errors import BundleCorrupt
from handler.manifest import ENCODER_FILE as ENCODER_FILE
from handler.manifest import SPEC_FILE as SPEC_FILE
from handler.manifest import WEIGHTS_FILE as WEIGHTS_FILE
from handler.photos.images import Preprocessing

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

INPUT_NAME = "pixel_values"
OUTPUT_NAME = "embedding"


class Part(BaseModel):
    """One encoder of several that were joined: a range of the embedding, in the order of the parts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    dim: int = Field(gt=0, description="length of this part of the embedding")
    weight: float = Field(gt=0, description="length of this part's vectors; only ratios between parts matter")
    whitening: float = Field(ge=0, le=0.5, description="see EncoderSpec")


class EncoderSpec(BaseModel):
    """`preprocess.json`: everything about an encoder that its ONNX graph does not contain."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    source: str = Field(description="Hugging Face id or the name of the checkpoint directory")
    architecture: str = Field(description="transformers model type, e.g. vit, dinov2, clip_vision_model")
    pooling: Literal["cls", "mean", "pooler", "projection", "joined"] = Field(
        description="how tokens become one vector; part of the graph"
    )
    precision: Literal["fp32", "fp16", "w8", "int8"]
    dim: int = Field(gt=0, description="length of an embedding")
    licence: str | None = None
    whitening: float = Field(
        default=0.25, ge=0, le=0.5, description="the projection divides a direction of variance v by v to this power"
    )
    parts: tuple[Part, ...] = Field(default=(), description="what a joined encoder consists of; otherwise empty")
    preprocessing: Preprocessing

    def model_post_init(self, _context: object) -> None:
        if self.parts and sum(part.dim for part in self.parts) != self.dim:
            raise ValueError(f"the parts have {sum(part.dim for part in self.parts)} dimensions, not {self.dim}")

    @classmethod
    def read(cls, path: Path) -> EncoderSpec:
        """Raises BundleCorrupt if the file is missing or violates the schema."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise BundleCorrupt(f"{path} cannot be read: {error.strerror}.") from error
        except ValidationError as error:
            raise BundleCorrupt(f"{path} is not a {SPEC_FILE} of this version: {error}") from error


class Encoder:
    """An ONNX image encoder: `pixel_values` (n, 3, height, width) -> `embedding` (n, dim), pooled inside the graph."""

    def __init__(self, directory: Path, *, threads: int = 0, prepack: bool = True) -> None:
        """Open `directory`'s `encoder.onnx` and `preprocess.json`; `threads` 0 means one per physical core.

        Without `prepack` the runtime computes on the weights as they lie in the file, mapped where they have a file of
        their own: it opens ten times as fast, and a picture takes about a tenth longer.
        """
        import onnxruntime as ort

        self.spec = EncoderSpec.read(directory / SPEC_FILE)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        if not prepack:
            options.add_session_config_entry("session.disable_prepacking", "1")
        path = directory / ENCODER_FILE
        try:
            self._session: Any = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions share no narrower base
            raise BundleCorrupt(f"{path} does not open as an ONNX model: {error}") from error
        names = [node.name for node in self._session.get_inputs()], [node.name for node in self._session.get_outputs()]
        if names != ([INPUT_NAME], [OUTPUT_NAME]):
            raise BundleCorrupt(
                f"{path} maps {names[0]} to {names[1]}; an encoder maps ['{INPUT_NAME}'] to ['{OUTPUT_NAME}'].",
                remedy="Write it with `vitrine export`.",
            )

    def encode(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 (n, 3, height, width) -> float32 (n, dim), each row of length 1.

        Raises ValueError for another shape, BundleCorrupt if an embedding is zero or not finite.
        """
        expected = (3, *self.spec.preprocessing.input_size)
        if pixels.ndim != 4 or pixels.shape[1:] != expected:
            raise ValueError(f"pixels have shape {pixels.shape}; this encoder expects (n, *{expected})")
        # int8 graphs compute each activation's range over the whole batch, so a photo's vector would depend on the
        # other photos (as much as on quantization itself). One at a time is deterministic and as fast per photo.
        step = 1 if self.spec.precision == "int8" else max(len(pixels), 1)
        batches = [pixels[start : start + step] for start in range(0, len(pixels), step)] or [pixels]
        raw = [self._session.run([OUTPUT_NAME], {INPUT_NAME: batch})[0] for batch in batches]
        embeddings = np.concatenate(raw).astype(np.float32, copy=False)
        norms = np.linalg.norm(embeddings, axis=1, keepdims=True)
        if embeddings.shape != (len(pixels), self.spec.dim) or not np.isfinite(norms).all() or (norms == 0).any():
            raise BundleCorrupt(
                f"The encoder returned {embeddings.shape} with norms {norms.ravel()[:3]}...; "
                f"({len(pixels)}, {self.spec.dim}) with finite norms above zero was expected.",
                remedy="Export the model again.",
            )
        unit: NDArray[np.float32] = embeddings / norms
        return unit
