"""Encodes pixels as unit vectors, with the runtime that the encoder was exported for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handler.errors import BundleCorrupt
from handler.model_files import ENCODER_FILE as ENCODER_FILE
from handler.model_files import OPENVINO_FILE as OPENVINO_FILE
from handler.model_files import OPENVINO_WEIGHTS_FILE as OPENVINO_WEIGHTS_FILE
from handler.model_files import SPEC_FILE as SPEC_FILE
from handler.model_files import WEIGHTS_FILE as WEIGHTS_FILE
from handler.photos.images import Preprocessing
from handler.photos.onnx_session import open_onnx
from handler.photos.openvino_session import TOGETHER, OpenVinoSession
from handler.photos.tensor_names import INPUT_NAME as INPUT_NAME
from handler.photos.tensor_names import OUTPUT_NAME as OUTPUT_NAME

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

Runtime = Literal["onnxruntime", "openvino"]


class Part(BaseModel):
    """One encoder of several that were joined: a range of the embedding, in the order of the parts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    dim: int = Field(gt=0, description="length of this part of the embedding")
    weight: float = Field(gt=0, description="length of this part's vectors; only ratios between parts matter")
    whitening: float = Field(ge=0, le=0.5, description="see EncoderSpec")


class EncoderSpec(BaseModel):
    """`preprocess.json`: everything about an encoder that its graph does not contain."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    source: str = Field(description="Hugging Face id or the name of the checkpoint directory")
    architecture: str = Field(description="transformers model type, e.g. vit, dinov2, clip_vision_model")
    pooling: Literal["cls", "mean", "pooler", "projection", "joined"] = Field(
        description="how tokens become one vector; part of the graph"
    )
    precision: Literal["fp32", "fp16", "w8", "int8"]
    runtime: Runtime = Field(default="onnxruntime", description="the library that runs the graph")
    bfloat16: bool = Field(default=False, description="whether OpenVINO may compute in bfloat16 where the CPU can")
    layers: int | None = Field(default=None, gt=0, description="transformer blocks kept; None: all of the checkpoint's")
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

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the encoder's files; a large ONNX graph has WEIGHTS_FILE as well."""
        graph = (OPENVINO_FILE, OPENVINO_WEIGHTS_FILE) if self.runtime == "openvino" else (ENCODER_FILE,)
        return (SPEC_FILE, *graph)

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
    """An image encoder: `pixel_values` (n, 3, height, width) -> `embedding` (n, dim), pooled inside the graph."""

    def __init__(self, directory: Path, *, threads: int = 0, prepack: bool = True) -> None:
        """Open the encoder that `directory`'s `preprocess.json` describes; `threads` 0 means one per physical core.

        Without `prepack` onnxruntime computes on the weights as they lie in the file, mapped where they have a file of
        their own: it opens ten times as fast, and a picture takes about a tenth longer. Raises BundleCorrupt for files
        that are no encoder, ConfigurationError if the runtime that they need is not installed.
        """
        self.spec = EncoderSpec.read(directory / SPEC_FILE)
        if self.spec.runtime == "openvino":
            self._run: Callable[[NDArray[np.float32]], NDArray[np.float32]] = OpenVinoSession(
                directory / OPENVINO_FILE,
                self.spec.preprocessing.input_size,
                threads=threads,
                bfloat16=self.spec.bfloat16,
            )
        else:
            self._run = open_onnx(directory / ENCODER_FILE, threads=threads, prepack=prepack)

    @property
    def together(self) -> int:
        """How many photos are best encoded at once."""
        return TOGETHER if self.spec.runtime == "openvino" else 1

    def encode(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 (n, 3, height, width) -> float32 (n, dim), each row of length 1.

        Raises ValueError for another shape, BundleCorrupt if an embedding is zero or not finite.
        """
        expected = (3, *self.spec.preprocessing.input_size)
        if pixels.ndim != 4 or pixels.shape[1:] != expected:
            raise ValueError(f"pixels have shape {pixels.shape}; this encoder expects (n, *{expected})")
        # int8 in onnxruntime computes each activation's range over the whole batch, so a photo's vector would depend on
        # the other photos (as much as on quantization itself). One at a time is deterministic and as fast per photo.
        alone = self.spec.precision == "int8" and self.spec.runtime == "onnxruntime"
        step = 1 if alone else max(len(pixels), 1)
        batches = [self._run(pixels[start : start + step]) for start in range(0, len(pixels), step)]
        embeddings = np.concatenate(batches) if batches else np.zeros((0, self.spec.dim), dtype=np.float32)
        norms = np.linalg.norm(embeddings, axis=1, keepdims=True)
        if embeddings.shape != (len(pixels), self.spec.dim) or not np.isfinite(norms).all() or (norms == 0).any():
            raise BundleCorrupt(
                f"The encoder returned {embeddings.shape} with norms {norms.ravel()[:3]}...; "
                f"({len(pixels)}, {self.spec.dim}) with finite norms above zero was expected.",
                remedy="Export the model again.",
            )
        unit: NDArray[np.float32] = embeddings / norms
        return unit
