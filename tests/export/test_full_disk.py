"""A disk that is full: each step names the file that could not be written, and the next run succeeds."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import sqlite3
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from rich.progress import Progress

from export.bundle.build_index import IndexParameters, build_index
from export.cli.main import explain
from export.photos.embedding_cache import Embedded, EmbeddingCache
from export.photos.vector_blocks import new_vectors
from handler.errors import ConfigurationError, VitrineError
from tests.conftest import run_index
from tests.export.support import draw_all, write

if TYPE_CHECKING:
    from collections.abc import Iterator

FULL = Path("/dev/full")
"""Linux: every write to it fails as on a full disk."""


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Every file ends at `size` bytes: writing beyond fails, as on a full disk but with EFBIG."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("kilobytes", [0, 8, 40, 64, 96])
def test_a_run_on_a_full_disk_names_a_file_and_the_next_run_succeeds(
    tmp_path: Path, encoder_directory: Path, kilobytes: int
) -> None:
    draw_all(tmp_path / "photos", range(40))
    with files_of_at_most(1_000 * kilobytes), pytest.raises((OSError, VitrineError)) as caught:
        run_index(tmp_path / "photos", tmp_path / "bundles", encoder_directory)
    said = explain(caught.value) if isinstance(caught.value, OSError) else str(caught.value)
    assert "/" in said
    assert str(tmp_path / "photos") not in said
    report = run_index(tmp_path / "photos", tmp_path / "bundles", encoder_directory)
    assert (report.products, report.published) == (40, True)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[EmbeddingCache]:
    with EmbeddingCache(tmp_path / "cache.sqlite") as cache:
        yield cache


VECTOR = Embedded(np.ones(384, dtype=np.float32))


def test_a_full_cache_keeps_what_it_has_and_asks_for_space(cache: EmbeddingCache) -> None:
    cache.put("model", [("first", VECTOR)])
    cache._db.execute("PRAGMA max_page_count=8")
    with pytest.raises(ConfigurationError, match=r"cache\.sqlite .* is full\. Free some space .* are kept"):
        cache.put("model", [(str(number), VECTOR) for number in range(1_000)])
    found = cache.get("first", "model")
    assert found is not None
    assert cache.get("0", "model") is None


def test_a_full_cache_makes_no_photo_unreadable(cache: EmbeddingCache, tmp_path: Path) -> None:
    """`hash_photos` skips photos that raise OSError: the shop would lose all of its products."""
    cache._db.execute("PRAGMA max_page_count=8")
    photos = (write(tmp_path / ("x" * 200) / f"{number}.jpg", str(number)) for number in range(1_000))
    with pytest.raises(ConfigurationError, match="Free some space"):
        sum(len(cache.content_hash(photo)) for photo in photos)


def test_a_cache_that_cannot_be_written_asks_for_permission(cache: EmbeddingCache) -> None:
    cache._db.execute("PRAGMA query_only=ON")
    with pytest.raises(ConfigurationError, match=r"readonly database.* Make the file and its directory writable"):
        cache.put("model", [("a", VECTOR)])


def test_a_cache_in_use_asks_for_patience(cache: EmbeddingCache, tmp_path: Path) -> None:
    cache._db.execute("PRAGMA busy_timeout=0")
    other = sqlite3.connect(tmp_path / "cache.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(ConfigurationError, match=r"is locked\. Wait until the other run"):
        cache.put("model", [("a", VECTOR)])
    other.close()


def test_a_damaged_cache_may_be_deleted(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    names = [str(number) for number in range(100)]
    with EmbeddingCache(path) as cache:
        cache.put("model", [(name, VECTOR) for name in names])
    damaged = bytearray(path.read_bytes())
    damaged[20_000:100_000] = b"\xff" * 80_000
    path.write_bytes(damaged)
    with EmbeddingCache(path) as cache, pytest.raises(ConfigurationError, match=r"malformed\. Delete it; its photos"):
        list(map(cache.get, names, ["model"] * 100))


def test_room_for_all_vectors_is_reserved_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A write to a mapped page that the disk has no room for kills the process with SIGBUS."""
    handles: list[int] = []
    create = tempfile.TemporaryFile

    def keep(*, prefix: str) -> object:
        file = create(prefix=prefix)
        handles.append(os.dup(file.fileno()))
        return file

    monkeypatch.setattr(tempfile, "TemporaryFile", keep)
    vectors = new_vectors(10_000, 64)
    status = os.fstat(handles[0])
    os.close(handles[0])
    assert status.st_blocks * 512 >= vectors.nbytes == status.st_size


def test_without_room_for_the_vectors_the_temporary_directory_is_named() -> None:
    with files_of_at_most(1_000), pytest.raises(OSError, match=tempfile.gettempdir()):
        new_vectors(10_000, 64)


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full on this system")
def test_an_index_that_was_not_saved_whole_is_an_error() -> None:
    vectors = np.eye(64, dtype=np.float32)
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        build_index(vectors, range(64), IndexParameters(), FULL, Progress(disable=True))


def test_a_copy_names_the_target_and_not_the_source(tmp_path: Path) -> None:
    source = write(tmp_path / "source", "x" * 100_000)
    with files_of_at_most(1_000), pytest.raises(OSError, match="File too large") as caught:
        shutil.copyfile(source, tmp_path / "target")
    assert explain(caught.value) == f"{tmp_path / 'target'}: File too large."


def test_a_full_disk_has_a_remedy() -> None:
    assert explain(OSError(errno.ENOSPC, "No space left on device", "/data/a")) == (
        "/data/a: No space left on device. Free some space and run again; large temporary files go to TMPDIR."
    )
    assert explain(OSError("no number, no path")) == "no number, no path."
