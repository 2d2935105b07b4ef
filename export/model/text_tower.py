"""The text tower of a CLIP or SigLIP checkpoint: loaded, and written as ONNX beside its image tower."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from export.model.checkpoint import load_weights
from export.model.checkpoint_files import read_config
from export.model.fuse_attention import fuse_attention
from export.model.hub import checkpoint_directory
from export.model.pool_graph import fold_constants
from export.model.quantize import quantize
from export.model.quiet import quiet
from export.model.trace import OPSET
from export.model.trial_texts import TRIAL_TEXTS
from handler.errors import ModelUnsupported
from handler.model_files import TEXT_ENCODER_FILE, TEXT_SPEC_FILE, TOKENIZER_FILE
from handler.words.text_encoder import INPUT_NAME, OUTPUT_NAME, TextSpec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from export.model.checkpoint import Checkpoint
    from export.model.quantize import Precision

TEMPLATE = "a photo of {}"
"""A. Radford et al., "Learning transferable visual models from natural language supervision", ICML 2021: CLIP has read
captions, so a sentence says more to it than a word."""
_BATCH = 32


@dataclass(frozen=True)
class TextFamily:
    """How one kind of checkpoint reads texts."""

    model: str
    """transformers class."""
    onnx_config: str
    """Class in optimum.exporters.onnx.model_configs."""
    output: str
    """Of the model: what lives in the photos' space."""
    pooling: str
    """Of the image tower: what lives there, too."""


TEXT_FAMILIES = {
    "clip": TextFamily("CLIPTextModelWithProjection", "CLIPTextWithProjectionOnnxConfig", "text_embeds", "projection"),
    "siglip": TextFamily("SiglipTextModel", "SiglipTextOnnxConfig", "pooler_output", "pooler"),
}
"""By `model_type` of a checkpoint that has both towers."""


@dataclass(frozen=True)
class TextTower:
    """Everything that the export of a text tower and its PyTorch reference share."""

    model: Any
    """transformers PreTrainedModel, float32, in eval mode."""
    tokenizer: Any
    """The checkpoint's own, a PreTrainedTokenizerFast."""
    family: TextFamily

    @property
    def tokens(self) -> int:
        """The number that every text is cut or padded to, as in training."""
        return int(self.model.config.max_position_embeddings)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """What PyTorch says about texts in TEMPLATE: float32 (n, dim), of length 1."""
        import torch

        sentences = [TEMPLATE.format(text) for text in texts]
        found = []
        for start in range(0, len(sentences), _BATCH):
            read = self.tokenizer(
                sentences[start : start + _BATCH],
                padding="max_length",
                max_length=self.tokens,
                truncation=True,
                return_tensors="pt",
            )
            with torch.no_grad():
                embeddings = getattr(self.model(input_ids=read["input_ids"]), self.family.output)
            found.append(torch.nn.functional.normalize(embeddings, dim=-1).numpy())
        return np.concatenate(found)


def load_text_tower(model: str, checkpoint: Checkpoint) -> TextTower:
    """Load the text tower of `model`, whose image tower is `checkpoint`.

    Raises ModelUnsupported for a checkpoint without one, for a pooling that leaves the shared space and for a tokenizer
    that cannot be written to one file; ModelUnavailable for damaged weights.
    """
    directory = checkpoint_directory(model)
    kind = read_config(directory, model).get("model_type")
    family = TEXT_FAMILIES.get(str(kind))
    if family is None:
        raise ModelUnsupported(
            f"{checkpoint.source} is a {kind}, which has no text tower.",
            field="text",
            value=kind,
            limit=tuple(TEXT_FAMILIES),
            remedy="Choose a whole CLIP or SigLIP checkpoint, or omit --text.",
        )
    if checkpoint.pooling != family.pooling:
        raise ModelUnsupported(
            f"With {checkpoint.pooling!r} pooling photos and texts share no space.",
            field="pooling",
            value=checkpoint.pooling,
            limit=family.pooling,
            remedy=f"Use --pooling {family.pooling}, or omit --text.",
        )
    with quiet():
        return TextTower(_load_model(directory, family), _load_tokenizer(directory), family)


def write_text_tower(tower: TextTower, directory: Path, precision: Precision) -> int:
    """Write TEXT_FILES to `directory` and return the bytes of the graph."""
    file = directory / TEXT_ENCODER_FILE
    _trace(tower, file)
    _name_output(file, tower.family.output)
    fold_constants(file, INPUT_NAME)
    fuse_attention(file, int(tower.model.config.num_attention_heads))
    quantize(file, precision)
    _write_tokenizer(tower, directory / TOKENIZER_FILE)
    center = tower.embed(TRIAL_TEXTS).mean(axis=0)
    spec = TextSpec(template=TEMPLATE, center=tuple(round(float(value), 7) for value in center))
    (directory / TEXT_SPEC_FILE).write_text(spec.model_dump_json() + "\n", encoding="utf-8")
    return file.stat().st_size


def _load_model(directory: Path, family: TextFamily) -> Any:
    model, absent = load_weights(directory, family.model, "The text tower's weights")
    if absent:
        raise ModelUnsupported(
            f"The checkpoint has no weights for {len(absent)} tensors of its text tower, such as {absent[0]}.",
            field="text",
            remedy="Save the whole model, or omit --text.",
        )
    return model.eval()


def _load_tokenizer(directory: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(directory, use_fast=True, local_files_only=True)
    except Exception as error:  # transformers raises OSError, ValueError, KeyError and ImportError for the same lack
        raise _no_tokenizer(f"cannot be loaded ({type(error).__name__})") from error
    if not tokenizer.is_fast or tokenizer.pad_token_id is None:
        raise _no_tokenizer("has no form that the package `tokenizers` reads, or no padding token")
    return tokenizer


def _no_tokenizer(why: str) -> ModelUnsupported:
    return ModelUnsupported(
        f"The checkpoint's tokenizer {why}.",
        field="tokenizer.json",
        remedy="Save a fast tokenizer beside the weights with `AutoTokenizer...save_pretrained(DIR)`, or omit --text.",
    )


def _trace(tower: TextTower, path: Path) -> None:
    """`input_ids` (batch, tokens) -> the family's output; only the batch stays dynamic."""
    import torch
    from optimum.exporters.onnx import export, model_configs

    base: Any = getattr(model_configs, tower.family.onnx_config)

    class OneOutput(base):  # type: ignore[misc]  # the base is only known at run time
        inputs = {INPUT_NAME: {0: "batch"}}  # noqa: RUF012  read-only properties in optimum's classes
        outputs = {tower.family.output: {0: "batch"}}  # noqa: RUF012

        def generate_dummy_inputs(self, *_arguments: object, **_options: object) -> dict[str, Any]:
            sentences = ["a photo", "a photo of a dress"]
            read = tower.tokenizer(
                sentences, padding="max_length", max_length=tower.tokens, truncation=True, return_tensors="pt"
            )
            return {INPUT_NAME: read["input_ids"].to(torch.int64)}

    with quiet():
        export(
            tower.model,
            OneOutput(tower.model.config, task="feature-extraction"),
            path,
            opset=OPSET,
            disable_dynamic_axes_fix=True,
        )


def _name_output(path: Path, output: str) -> None:
    import onnx
    from onnx import helper

    model = onnx.load(str(path))
    graph = model.graph
    graph.node.append(helper.make_node("Identity", [output], [OUTPUT_NAME]))
    shape = next(value for value in graph.output if value.name == output).type.tensor_type.shape
    dims = [dim.dim_param or dim.dim_value for dim in shape.dim]
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(OUTPUT_NAME, onnx.TensorProto.FLOAT, dims))
    onnx.save(model, str(path))


def _write_tokenizer(tower: TextTower, path: Path) -> None:
    """One file for the package `tokenizers`, padding and truncation included."""
    content = json.loads(tower.tokenizer.backend_tokenizer.to_str())
    content["truncation"] = {"direction": "Right", "max_length": tower.tokens, "strategy": "LongestFirst", "stride": 0}
    content["padding"] = {
        "strategy": {"Fixed": tower.tokens},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": tower.tokenizer.pad_token_id,
        "pad_type_id": 0,
        "pad_token": tower.tokenizer.pad_token,
    }
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
