"""A checkpoint's network in two: blocks that stay as they are, and the last ones, which are trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from export.model.reference import pool
from handler.errors import ModelUnsupported

if TYPE_CHECKING:
    from export.model.checkpoint import Checkpoint

TRAINED_BLOCKS = 2


class SplitModel:
    """Runs either half with the model's own forward, so that every family of checkpoints works alike.

    The frozen half ends where the first trained block begins: a hook takes that block's input and stops. The trained
    half is the model without its frozen blocks: a hook replaces what arrives at the first trained one.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        """Raises ModelUnsupported for a model that has no blocks to freeze."""
        self._checkpoint = checkpoint
        *path, self._name = checkpoint.family.blocks.split(".")
        self._owner = checkpoint.model.get_submodule(".".join(path))
        self._blocks = getattr(self._owner, self._name)
        if len(self._blocks) <= TRAINED_BLOCKS:
            raise ModelUnsupported(
                f"{checkpoint.source} has {len(self._blocks)} blocks; fine-tuning trains the last {TRAINED_BLOCKS} and "
                "needs at least one before them.",
                field="layers",
                value=len(self._blocks),
                limit=TRAINED_BLOCKS + 1,
                remedy="Keep more blocks with --layers, or choose another checkpoint.",
            )
        checkpoint.model.requires_grad_(requires_grad=False)
        for block in self._blocks[-TRAINED_BLOCKS:]:
            block.requires_grad_(requires_grad=True)

    @property
    def trained(self) -> Any:
        """The trained blocks, an nn.ModuleList."""
        return self._blocks[-TRAINED_BLOCKS:]

    def freeze(self, pixels: Any) -> Any:
        """Preprocessed pixels (n, 3, height, width) -> what the trained blocks start from: (n, tokens, hidden)."""
        import torch

        def take(_block: Any, arguments: tuple[Any, ...]) -> None:
            raise _Taken(arguments[0])

        hook = self._blocks[-TRAINED_BLOCKS].register_forward_pre_hook(take)
        try:
            with torch.no_grad(), reduced_precision():
                self._run(pixels)
        except _Taken as taken:
            return taken.tokens.float()
        finally:
            hook.remove()
        raise AssertionError("the model did not reach its last blocks")

    def embed(self, tokens: Any) -> Any:
        """What `freeze` returned -> pooled embeddings (n, dim), with gradients for the trained blocks."""
        import torch

        def replace(_block: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
            return (tokens, *arguments[1:])

        hook = self._blocks[-TRAINED_BLOCKS].register_forward_pre_hook(replace)
        setattr(self._owner, self._name, self._blocks[-TRAINED_BLOCKS:])
        try:
            blank = torch.zeros(1, 3, *self._checkpoint.preprocessing.input_size)
            with reduced_precision():
                return pool(self._checkpoint, self._run(blank)).float()
        finally:
            setattr(self._owner, self._name, self._blocks)
            hook.remove()

    def _run(self, pixels: Any) -> Any:
        return self._checkpoint.model(pixel_values=pixels, **self._checkpoint.forward_options)


def reduced_precision() -> Any:
    """A context in which products are computed in bfloat16, if this processor does so in hardware (twice as fast)."""
    import torch

    able = torch.cpu.get_capabilities()
    fast = able.get("avx512_bf16", False) or able.get("amx_bf16", False)
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=fast)


class _Taken(Exception):
    def __init__(self, tokens: Any) -> None:
        super().__init__()
        self.tokens = tokens
