"""Tiny checkpoints and photos for the export tests, made once a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def tiny_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.export.model.tiny_models import write_photos

    return write_photos(tmp_path_factory.mktemp("tiny-photos") / "folder")


@pytest.fixture(scope="session")
def tiny_checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Checkpoint directory by family."""
    from tests.export.model.tiny_models import FAMILIES, write_checkpoint

    root = tmp_path_factory.mktemp("tiny-checkpoints")
    return {family: write_checkpoint(family, root / family) for family in FAMILIES}


@pytest.fixture(scope="session")
def tiny_clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Directories of trained checkpoints: "clip", "siglip", and "gap", a CLIP whose texts lie far from its photos."""
    from tests.export.model.tiny_clip import move_texts_away, write_clip

    root = tmp_path_factory.mktemp("tiny-clips")
    clips = {kind: write_clip(kind, root / kind) for kind in ("clip", "siglip")}
    return clips | {"gap": move_texts_away(clips["clip"], root / "gap")}


@pytest.fixture(scope="session")
def colored_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 photos of the colors that the tiny CLIPs have learned. Read only."""
    from tests.export.model.tiny_clip import write_colored_photos

    return write_colored_photos(tmp_path_factory.mktemp("colored") / "photos", 80)
