"""The index file is read where it lies, so whatever its header claims is checked before it is believed."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from handler.errors import BundleCorrupt, ConfigurationError
from handler.products import hnsw_file
from handler.products.check_graph import check_graph
from handler.products.hnsw_file import HnswFile, check_layout
from handler.products.neighbors import HnswIndex
from tests.handler.support import Vectors, clustered, index_info, open_index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handler.manifest import IndexInfo

COUNT, DIM = 60, 12
INFO = index_info(COUNT, DIM, ef_construction=160)
HEADER = struct.Struct("<6QiI3QdQ")
FIELDS = (
    "offset0",
    "capacity",
    "count",
    "record",
    "label_offset",
    "data_offset",
    "level",
    "entry",
    "m_max",
    "m_max0",
    "m",
)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Vectors]:
    path = tmp_path_factory.mktemp("file") / "index.hnsw"
    vectors = clustered(COUNT, DIM, 5)
    open_index(path, vectors, [7 * row for row in range(COUNT)])
    return path.read_bytes(), vectors


def test_rows_and_labels_are_those_that_were_indexed(original: tuple[bytes, Vectors], tmp_path: Path) -> None:
    path = tmp_path / "index.hnsw"
    path.write_bytes(original[0])
    file = HnswFile(path, INFO)
    np.testing.assert_array_equal(file.rows[np.argsort(file.labels)], original[1])
    assert sorted(file.labels.tolist()) == [7 * row for row in range(COUNT)]


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="Only Linux tells which pages are resident.")
def test_opening_a_file_and_checking_it_keep_few_of_its_pages(tmp_path: Path) -> None:
    path = tmp_path / "index.hnsw"
    count, dim = 5_000, 256
    open_index(path, clustered(count, dim, 5), list(range(count)))
    file = HnswFile(path, index_info(count, dim, ef_construction=160))
    opened = resident_kilobytes(path)
    check_graph(file)
    block = hnsw_file.BLOCK * file.header.size_data_per_element / 1024
    assert max(opened, resident_kilobytes(path)) < block / 2


def resident_kilobytes(path: Path) -> int:
    """Pages of a file that are mapped into this process and resident."""
    lines = iter(Path("/proc/self/smaps").read_text().splitlines())
    return sum(
        next(int(line.split()[1]) for line in lines if line.startswith("Rss:"))
        for line in lines
        if line.endswith(str(path))
    )


@pytest.mark.parametrize("info", [index_info(COUNT + 1, DIM), index_info(COUNT, DIM + 1), index_info(COUNT, DIM, m=8)])
def test_a_file_that_is_not_the_manifests_is_refused(
    original: tuple[bytes, Vectors], tmp_path: Path, info: IndexInfo
) -> None:
    path = tmp_path / "index.hnsw"
    path.write_bytes(original[0])
    with pytest.raises(BundleCorrupt, match="manifest says"):
        HnswFile(path, info)


@pytest.mark.parametrize("name", ["count", "record", "label_offset", "data_offset", "m_max0", "m"])
@pytest.mark.parametrize("value", [0, 1, 2**31, 2**63])
def test_an_inconsistent_header_is_refused(
    original: tuple[bytes, Vectors], tmp_path: Path, name: str, value: int
) -> None:
    fields = list(HEADER.unpack_from(original[0]))
    fields[FIELDS.index(name)] = value
    path = tmp_path / "index.hnsw"
    path.write_bytes(HEADER.pack(*fields) + original[0][HEADER.size :])
    with pytest.raises(BundleCorrupt):
        HnswFile(path, INFO)


@examples(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_truncated_file_is_refused(
    original: tuple[bytes, Vectors], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    records = HEADER.unpack_from(original[0])[3] * COUNT
    path = tmp_path_factory.getbasetemp() / "truncated.hnsw"
    path.write_bytes(original[0][: data.draw(st.integers(0, HEADER.size + records - 1))])
    with pytest.raises(BundleCorrupt, match="ends"):
        HnswFile(path, INFO)


@pytest.fixture
def fresh_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget that this process checked the layout already."""
    check_layout.cache_clear()
    yield
    monkeypatch.undo()
    check_layout.cache_clear()


def shift_the_header(path: Path, content: bytes) -> None:
    path.write_bytes(b"\0" * 8 + content)


def append_to_each_record(path: Path, content: bytes) -> None:
    """As a later hnswlib might: another 8 bytes per element, and sizes in the header that say so."""
    fields = list(HEADER.unpack_from(content))
    count, record = fields[2], fields[3]
    fields[3] += 8
    records = [content[HEADER.size + n * record : HEADER.size + (n + 1) * record] + b"\0" * 8 for n in range(count)]
    path.write_bytes(HEADER.pack(*fields) + b"".join(records))


def pad_the_header(path: Path, content: bytes) -> None:
    """A field after the ones we know: every size still agrees, and every vector is read from the wrong place."""
    path.write_bytes(content[: HEADER.size] + b"\1" * 8 + content[HEADER.size :])


@pytest.mark.usefixtures("fresh_process")
@pytest.mark.parametrize("change", [shift_the_header, append_to_each_record, pad_the_header])
def test_an_hnswlib_that_saves_another_layout_is_refused(
    original: tuple[bytes, Vectors],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path, bytes], None],
) -> None:
    path = tmp_path / "index.hnsw"
    path.write_bytes(original[0])

    class LaterIndex(hnsw_file.hnswlib.Index):  # type: ignore[misc]
        def save_index(self, target: str) -> None:
            super().save_index(target)
            change(Path(target), Path(target).read_bytes())

    monkeypatch.setattr(hnsw_file.hnswlib, "Index", LaterIndex)
    with pytest.raises(ConfigurationError, match=r"layout .*hnswlib>=0\.8,<0\.9"):
        HnswIndex(path, INFO)


@pytest.mark.usefixtures("fresh_process")
def test_the_installed_hnswlib_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    check_layout()
    monkeypatch.setattr(hnsw_file, "HnswFile", None)
    check_layout()
