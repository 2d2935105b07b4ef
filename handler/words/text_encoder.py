"""Encodes a text in the space of the photos' vectors: the text tower of CLIP or SigLIP, where a model has one.

`tokenizers` and onnxruntime are imported with the first text that is searched for, never on the path to a page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handler.errors import BundleCorrupt, ConfigurationError
from handler.model_files import TEXT_ENCODER_FILE, TEXT_FILES, TEXT_SPEC_FILE, TOKENIZER_FILE, model_key

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from handler.model_files import ModelRef
    from handler.stores.store import BundleStore

INPUT_NAME = "input_ids"
OUTPUT_NAME = "embedding"
MAX_CHARACTERS = 200
"""Of a text; handler/words/text_index.py bounds a search to the same."""


class TextSpec(BaseModel):
    """`text.json`: what the graph of a text tower and its tokenizer do not contain."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    template: str = Field(pattern=r"^[^{}]*\{\}[^{}]*$", description="the sentence that a text is put into, at {}")
    center: tuple[float, ...] = Field(description="mean vector of the texts of a shop; see TextEncoder.center")

    @classmethod
    def read(cls, path: Path) -> TextSpec:
        """Raises BundleCorrupt if the file is missing or violates the schema."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise BundleCorrupt(f"{path} cannot be read: {error.strerror}.") from error
        except ValidationError as error:
            raise BundleCorrupt(f"{path} is not valid: {error}") from error


class TextEncoder:
    """A tokenizer and an ONNX text tower: a text -> a unit vector (dim,)."""

    def __init__(self, directory: Path, *, threads: int = 0) -> None:
        """Open the files TEXT_FILES in `directory`.

        Raises ConfigurationError if `tokenizers` is not installed, BundleCorrupt for files that do not open.
        """
        tokenizers = _import_tokenizers()
        import onnxruntime as ort

        spec = TextSpec.read(directory / TEXT_SPEC_FILE)
        self._template = spec.template
        self.center: NDArray[np.float32] = np.asarray(spec.center, dtype=np.float32)
        """(dim,): to be subtracted in place of the photos' mean. CLIP's texts and photos lie in two clouds far apart
        (W. Liang et al., "Mind the gap", NeurIPS 2022), and the way from one to the other says nothing about a text."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        path = directory / TEXT_ENCODER_FILE
        try:
            self._tokenizer: Any = tokenizers.Tokenizer.from_file(str(directory / TOKENIZER_FILE))
            self._session: Any = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # neither library's exceptions share a narrower base
            raise BundleCorrupt(f"The text tower in {directory} does not open: {error}") from error
        names = [node.name for node in self._session.get_inputs()], [node.name for node in self._session.get_outputs()]
        if names != ([INPUT_NAME], [OUTPUT_NAME]):
            raise BundleCorrupt(
                f"{path} maps {names[0]} to {names[1]}; a text tower maps ['{INPUT_NAME}'] to ['{OUTPUT_NAME}'].",
                remedy="Write it with `vitrine export --text`.",
            )

    @property
    def dim(self) -> int:
        return len(self.center)

    def encode(self, text: str) -> NDArray[np.float32]:
        """float32 (dim,) of length 1. Text beyond MAX_CHARACTERS, or beyond the model's tokens, does not count.

        Raises BundleCorrupt if the embedding is zero, not finite or of another length.
        """
        tokens = self._tokenizer.encode(self._template.format(text[:MAX_CHARACTERS])).ids
        (embeddings,) = self._session.run([OUTPUT_NAME], {INPUT_NAME: np.asarray([tokens], dtype=np.int64)})
        length = float(np.linalg.norm(embeddings))
        if embeddings.shape != (1, self.dim) or not np.isfinite(length) or length == 0:
            raise BundleCorrupt(
                f"The text tower returned {embeddings.shape} with norm {length}; (1, {self.dim}) with a finite norm "
                "above zero was expected.",
                remedy="Export the model again.",
            )
        unit: NDArray[np.float32] = (embeddings[0] / length).astype(np.float32)
        return unit


def fetch_text_encoder(store: BundleStore, model: ModelRef, threads: int) -> TextEncoder:
    """The text tower of `model`, fetched and verified. Raises ConfigurationError (see TextEncoder) and BundleError."""
    paths = [store.fetch(model_key(model.fingerprint, name), model.files[name]) for name in sorted(TEXT_FILES)]
    encoder = TextEncoder(paths[0].parent, threads=threads)
    if encoder.dim != model.dim:
        raise BundleCorrupt(f"The text tower has {encoder.dim} dimensions, the manifest says {model.dim}.")
    return encoder


def _import_tokenizers() -> Any:
    try:
        import tokenizers
    except ImportError as error:
        raise ConfigurationError(
            "This shop's model reads texts with the package `tokenizers`, which is not installed.",
            field="text",
            remedy="Install it with: scripts/setup text, or build the function with it.",
        ) from error
    return tokenizers
