"""Where a checkpoint's files are: a directory of your own, or a download from the Hugging Face hub."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path

from handler.errors import ModelUnavailable

HUB_TIMEOUT = 10.0
"""Seconds without an answer after which the hub counts as unreachable. It is asked once, not retried."""

_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
_SMALL_FILES = ["config.json", "preprocessor_config.json", "README.md"]
_WEIGHTS = (
    ["model*.safetensors", "model.safetensors.index.json"],
    ["pytorch_model*.bin", "pytorch_model.bin.index.json"],
)


def checkpoint_directory(model: str) -> Path:
    """The local directory with the files of `model`, downloaded if it is a hub id and not yet in the hub's cache.

    Raises ModelUnavailable, in one sentence with a way out, for a path that is not there, an id that the hub does not
    know or does not show us, and a hub that does not answer within HUB_TIMEOUT.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    if path.exists() or not _ID.fullmatch(model) or model.startswith("."):
        raise ModelUnavailable(
            f"{model!r} is neither a directory nor a Hugging Face model id.",
            field="model",
            value=model,
            remedy="Pass a directory with config.json, weights and preprocessor_config.json, or an id like org/name.",
        )
    return _download(model)


def _download(model: str) -> Path:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        siblings = HfApi().model_info(model, timeout=HUB_TIMEOUT).siblings or []
        names = [sibling.rfilename for sibling in siblings]
        # Many repositories hold the same weights in four formats; the first of ours is enough.
        weights = next((patterns for patterns in _WEIGHTS if fnmatch.filter(names, patterns[0])), _WEIGHTS[0])
        return Path(snapshot_download(model, allow_patterns=[*_SMALL_FILES, *weights], etag_timeout=HUB_TIMEOUT))
    except GatedRepoError as error:
        raise ModelUnavailable(
            f"{model} asks for an agreement before it can be downloaded.",
            field="model",
            value=model,
            remedy="Accept its terms on its page of the Hugging Face hub and log in with `hf auth login`.",
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelUnavailable(
            f"The Hugging Face hub knows no model {model!r}, or it is private.",
            field="model",
            value=model,
            remedy="Check the id, or pass the directory of a checkpoint that you have.",
        ) from error
    # Offline mode, DNS, proxies, timeouts and HTTP errors each have a tree of their own, and all mean the same here.
    except Exception as error:  # noqa: BLE001
        try:
            return Path(snapshot_download(model, local_files_only=True))
        except LocalEntryNotFoundError:
            raise ModelUnavailable(
                f"{model} is no directory here, and the Hugging Face hub cannot be reached ({type(error).__name__}).",
                field="model",
                value=model,
                limit=f"{HUB_TIMEOUT:.0f} s",
                remedy="Connect to the internet, or pass the directory of a checkpoint that you have.",
            ) from error
