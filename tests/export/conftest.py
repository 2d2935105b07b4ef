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
