"""A checkpoint of the ViT family, loaded: the PyTorch model, its image processor, and what we need to know of both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.model.checkpoint_files import card_licence, read_config
from export.model.families import Family, Pooling, family_of
from export.model.hub import checkpoint_directory
from export.model.image_processor import preprocessing_of
from export.model.quiet import quiet
from handler.errors import ExportError, ModelUnavailable, ModelUnsupported

if TYPE_CHECKING:
    from handler.photos.images import Preprocessing

_MAX_BYTES = 1_900_000_000
"""Of float32 weights: one ONNX file is one protobuf message, which ends at 2 GiB."""


@dataclass(frozen=True)
class Checkpoint:
    """Everything that the export and its PyTorch reference share."""

    model: Any
    """transformers PreTrainedModel, float32, in eval mode, with the blocks that are kept."""
    processor: Any
    """The checkpoint's own image processor in its slow, Pillow-based form: the reference for preprocessing."""
    preprocessing: Preprocessing
    family: Family
    pooling: Pooling
    source: str
    licence: str | None

    @property
    def prefix_tokens(self) -> int:
        """Tokens of the last hidden state that stand for no patch: CLS, distillation, registers."""
        return self.family.prefix_tokens + int(getattr(self.model.config, "num_register_tokens", 0))

    @property
    def heads(self) -> int:
        """Heads of each attention."""
        return int(self.model.config.num_attention_heads)

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        config = self.model.config
        return int(config.projection_dim if self.pooling == "projection" else config.hidden_size)

    @property
    def forward_options(self) -> dict[str, bool]:
        """Keyword arguments of `forward`: position embeddings follow if pictures are not of the size trained on.

        DINOv2 does it unasked and does not know the keyword.
        """
        trained = self.model.config.image_size
        trained = (trained, trained) if isinstance(trained, int) else tuple(trained)
        if trained == self.preprocessing.input_size or self.family.model_type.startswith("dinov2"):
            return {}
        return {"interpolate_pos_encoding": True}


def load_checkpoint(
    model: str, *, pooling: str = "auto", layers: int | None = None, licence: str | None = None, name: str | None = None
) -> Checkpoint:
    """Load `model` (hub id or directory) for `pooling`, keeping its first `layers` blocks (None: all).

    Raises ModelUnavailable if there is no such checkpoint or its files are damaged, ModelUnsupported if it is of
    another architecture, has no weights for this pooling, or wants preprocessing we do not have.
    """
    directory = checkpoint_directory(model)
    source = name or (directory.resolve().name if Path(model).expanduser().is_dir() else model)
    config = read_config(directory, model)
    family = family_of(config.get("model_type"), source)
    chosen = family.resolve(pooling)
    with quiet():
        processor = _load_processor(directory, source)
        loaded = _load_model(directory, family, chosen, source)
    if layers is not None:
        _keep_first(loaded, family, layers)
    size = sum(parameter.numel() * 4 for parameter in loaded.parameters())
    if size > _MAX_BYTES:
        raise ModelUnsupported(
            f"{source} has {size:,} bytes of weights, more than one ONNX file holds.",
            value=size,
            limit=_MAX_BYTES,
            remedy="Keep fewer blocks with --layers, or choose a smaller model.",
        )
    return Checkpoint(
        loaded, processor, preprocessing_of(processor), family, chosen, source, licence or card_licence(directory)
    )


def _load_processor(directory: Path, source: str) -> Any:
    from transformers import AutoImageProcessor

    try:
        return AutoImageProcessor.from_pretrained(directory, use_fast=False)
    except Exception as error:  # transformers raises OSError, ValueError, KeyError and ImportError for the same lack
        raise ModelUnsupported(
            f"{source} has no image processor that can be loaded ({type(error).__name__}).",
            field="preprocessor_config.json",
            remedy="Save one beside the weights with `AutoImageProcessor...save_pretrained(DIR)`.",
        ) from error


def load_weights(directory: Path, model_class: str, what: str, **options: bool) -> tuple[Any, list[str]]:
    """Load the transformers class `model_class` in float32, and the names of tensors that the checkpoint lacks.

    transformers fills such tensors with random numbers. `what` names the weights in the error. Raises ModelUnavailable
    for damaged ones.
    """
    import torch
    import transformers

    loader = getattr(transformers, model_class)
    try:
        model, info = loader.from_pretrained(
            directory, dtype=torch.float32, local_files_only=True, output_loading_info=True, **options
        )
    except Exception as error:  # torch, safetensors, pickle and transformers each have their own for broken weights
        raise ModelUnavailable(
            f"{what} cannot be loaded ({type(error).__name__}: {str(error).splitlines()[0][:200]}).",
            remedy="Download or save the checkpoint again.",
        ) from error
    return model, sorted(info["missing_keys"]) + [str(key) for key, *_ in info["mismatched_keys"]]


def _load_model(directory: Path, family: Family, pooling: Pooling, source: str) -> Any:
    options = {"add_pooling_layer": pooling == "pooler"} if family.optional_pooler else {}
    model, absent = load_weights(directory, family.poolings[pooling], f"The weights of {source}", **options)
    if absent:
        # transformers would fill them with random numbers, and every vector would be noise.
        raise ModelUnsupported(
            f"{source} has no weights for {len(absent)} tensors that {pooling!r} pooling needs, such as {absent[0]}.",
            field="pooling",
            value=pooling,
            limit=tuple(family.poolings),
            remedy=f"Try --pooling {' or '.join(p for p in family.poolings if p != pooling)}.",
        )
    return model.eval()


def _keep_first(model: Any, family: Family, layers: int) -> None:
    *path, last = family.blocks.split(".")
    owner = model.get_submodule(".".join(path))
    blocks = getattr(owner, last)
    if not 1 <= layers <= len(blocks):
        raise ExportError(
            f"--layers {layers} cannot be kept of {len(blocks)} blocks.",
            field="layers",
            value=layers,
            limit=len(blocks),
            remedy=f"Choose 1 to {len(blocks)}.",
        )
    setattr(owner, last, blocks[:layers])
