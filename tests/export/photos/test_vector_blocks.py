"""A catalog's vectors in a file: written and read in blocks, without keeping them in memory."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.bundle.fit_projection import fit_projection, project
from export.photos import vector_blocks
from export.photos.vector_blocks import BLOCK, blocks, new_vectors, release
from tests.handler.support import clustered

if TYPE_CHECKING:
    import pytest


def resident_file_kilobytes() -> int:
    """Resident pages of files mapped into this process; a TemporaryFile on tmpfs counts as shared memory."""
    status = Path("/proc/self/status").read_text()
    return sum(int(re.search(rf"{name}:\s+(\d+)", status)[1]) for name in ("RssFile", "RssShmem"))  # type: ignore[index]


def test_blocks_release_their_pages_and_keep_their_content() -> None:
    vectors = new_vectors(5 * BLOCK, 384)  # 31 MB
    before = resident_file_kilobytes()
    highest = 0
    for number, (_, block) in enumerate(blocks(vectors)):
        block[:] = number
        highest = max(highest, resident_file_kilobytes())
    assert highest - before < 2 * BLOCK * 384 * 4 / 1024
    assert [float(block.mean()) for _, block in blocks(vectors)] == [0, 1, 2, 3, 4]


def test_releasing_a_private_map_keeps_its_changes(tmp_path: Path) -> None:
    np.zeros((10, 4), np.float32).tofile(tmp_path / "v")
    private = np.memmap(tmp_path / "v", dtype=np.float32, mode="c", shape=(10, 4))
    private[3] = 1
    release(private[2:])
    release(np.asarray(private)[2:])
    assert private[3].tolist() == [1, 1, 1, 1]


def test_no_vectors_at_all() -> None:
    assert new_vectors(0, 8).shape == (0, 8)
    assert list(blocks(new_vectors(0, 8))) == []


def test_projecting_in_blocks_equals_projecting_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_blocks, "BLOCK", 64)
    vectors = clustered(1_000, 32, 20)
    projection = fit_projection(vectors)
    assert projection is not None
    moved = vectors - vectors.mean(axis=0, dtype=np.float64)
    variances, directions = np.linalg.eigh(moved.T @ moved / len(vectors))
    scales = (variances + 0.1 * variances.mean()) ** -0.25
    np.testing.assert_allclose(projection.matrix, (directions * scales) @ directions.T, atol=1e-4)
    mapped = new_vectors(*vectors.shape)
    mapped[:] = vectors
    assert project(mapped, projection) is mapped
    np.testing.assert_array_equal(
        mapped, np.vstack([projection.apply(part) for part in np.split(vectors, range(64, 1_000, 64))])
    )
