"""The small files of a checkpoint, read as they are: config.json, and the model card for its licence."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from handler.errors import ModelUnavailable

if TYPE_CHECKING:
    from pathlib import Path


def read_config(directory: Path, model: str) -> dict[str, Any]:
    """config.json of the checkpoint in `directory`; ModelUnavailable, naming `model` as it was asked for, if none."""
    try:
        config = json.loads((directory / "config.json").read_bytes())
    except FileNotFoundError:
        config = None
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"{directory / 'config.json'} cannot be read: {error}.", value=model) from error
    if not isinstance(config, dict):
        raise ModelUnavailable(
            f"{model} is not a checkpoint: it has no config.json that describes a model.",
            field="model",
            value=model,
            remedy="Pass a directory written by `save_pretrained` (config.json, model.safetensors, "
            "preprocessor_config.json) or a Hugging Face model id.",
        )
    return config


def card_licence(directory: Path) -> str | None:
    """`license:` of the model card's front matter (README.md), the only place where checkpoints state it."""
    try:
        card = (directory / "README.md").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    front = re.match(r"---\s*\n(.*?)\n---", card, re.DOTALL)
    stated = re.search(r"^license:\s*([^#\n]+)", front[1], re.MULTILINE) if front else None
    return stated[1].strip().strip("'\"") or None if stated else None
