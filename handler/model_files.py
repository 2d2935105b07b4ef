"""The files of a model, and what a manifest says of it.

models/<fingerprint>/preprocess.json  encoder.onnx  encoder.onnx.data if large
                     or, for OpenVINO, encoder.xml  encoder.bin
                     and, if the model reads texts, text_encoder.onnx  tokenizer.json  text.json
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field, StringConstraints

from handler.file_ref import Contract, FileRef, Name, files_digest

if TYPE_CHECKING:
    from collections.abc import Mapping

ENCODER_FILE = "encoder.onnx"
SPEC_FILE = "preprocess.json"
WEIGHTS_FILE = "encoder.onnx.data"
"""The weights of a large encoder; a smaller one has them inside ENCODER_FILE."""
OPENVINO_FILE = "encoder.xml"
OPENVINO_WEIGHTS_FILE = "encoder.bin"
MODEL_LAYOUTS: Final = (
    frozenset({SPEC_FILE, ENCODER_FILE}),
    frozenset({SPEC_FILE, ENCODER_FILE, WEIGHTS_FILE}),
    frozenset({SPEC_FILE, OPENVINO_FILE, OPENVINO_WEIGHTS_FILE}),
)
"""The sets of files that an encoder may consist of."""
MODEL_FILES: Final = frozenset().union(*MODEL_LAYOUTS)
TEXT_ENCODER_FILE = "text_encoder.onnx"
TOKENIZER_FILE = "tokenizer.json"
TEXT_SPEC_FILE = "text.json"
TEXT_FILES: Final = frozenset({TEXT_ENCODER_FILE, TOKENIZER_FILE, TEXT_SPEC_FILE})
"""The text tower of a model that has one: all of them or none."""

Fingerprint = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class ModelRef(Contract):
    """The encoder that the index's vectors come from."""

    fingerprint: Fingerprint
    source: str
    pooling: str
    precision: str
    dim: int = Field(gt=0)
    files: dict[Name, FileRef]

    def model_post_init(self, _context: Any) -> None:
        if self.files.keys() - TEXT_FILES not in MODEL_LAYOUTS:
            known = "; or ".join(", ".join(sorted(layout)) for layout in MODEL_LAYOUTS)
            raise ValueError(f"files lists {', '.join(sorted(self.files)) or 'nothing'}; an encoder is {known}")
        if self.reads_texts and (missing := TEXT_FILES - self.files.keys()):
            raise ValueError(f"files must list {', '.join(sorted(missing))}, too, or no file of a text tower")
        if self.fingerprint != model_fingerprint(self.files):
            raise ValueError(
                f"fingerprint {self.fingerprint} is not that of its files, {model_fingerprint(self.files)}"
            )

    @property
    def reads_texts(self) -> bool:
        """Whether the model has a text tower beside its image tower."""
        return bool(TEXT_FILES & self.files.keys())


def model_key(fingerprint: str, name: str) -> str:
    return f"models/{fingerprint}/{name}"


def model_fingerprint(files: Mapping[str, FileRef]) -> str:
    """The identity of an encoder, 32 hex digits."""
    return files_digest(files)
