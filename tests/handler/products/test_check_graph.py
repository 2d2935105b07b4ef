"""A graph that hnswlib did not save is refused before native code reads it, with its reason."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from handler.errors import BundleCorrupt
from handler.products.check_graph import check_graph
from handler.products.hnsw_file import Header, HnswFile
from handler.products.neighbors import HnswIndex
from tests.handler.graph_file import CRAFTED, GraphFile
from tests.handler.support import Vectors, clustered, index_info, open_index

if TYPE_CHECKING:
    from pathlib import Path

COUNT, DIM, M = 3_000, 8, 4
INFO = index_info(COUNT, DIM, m=M, ef_construction=10 * M)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Vectors]:
    path = tmp_path_factory.mktemp("graph") / "index.hnsw"
    vectors = clustered(COUNT, DIM, 50)
    open_index(path, vectors, [7 * row for row in range(COUNT)], m=M)
    return path.read_bytes(), vectors


def test_the_graph_has_several_layers(original: tuple[bytes, Vectors]) -> None:
    """Or else the tests below would check nothing there."""
    graph = GraphFile(original[0])
    assert graph.get("maxlevel") >= 3
    assert len(graph.upper_lists(layer=2)) > 20


@pytest.mark.parametrize("name", CRAFTED)
def test_a_crafted_graph_is_refused(original: tuple[bytes, Vectors], tmp_path: Path, name: str) -> None:
    graph = GraphFile(original[0])
    reason = CRAFTED[name](graph)
    path = tmp_path / "index.hnsw"
    path.write_bytes(graph.content)
    with pytest.raises(BundleCorrupt, match=reason):
        HnswIndex(path, INFO)


@pytest.mark.parametrize("field", Header._fields)
@pytest.mark.parametrize("place", range(8))
def test_a_changed_byte_in_any_place_of_the_header_is_refused(
    original: tuple[bytes, Vectors], tmp_path: Path, field: str, place: int
) -> None:
    graph = GraphFile(original[0])
    offset, size = graph.header_place(field)
    if field == "mult" and place < 3:
        pytest.skip("the last digits of a number that only building uses")
    if place >= size:
        pytest.skip("the field is shorter")
    graph.content[offset + place] ^= 0x40
    path = tmp_path / "index.hnsw"
    path.write_bytes(graph.content)
    with pytest.raises(BundleCorrupt):
        HnswIndex(path, INFO)


@examples(deadline=None, max_examples=300)
@given(data=st.data())
def test_what_passes_with_a_changed_word_still_answers_every_query(
    original: tuple[bytes, Vectors], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Any word outside the vectors: a link may become another valid one, and the search survives it."""
    content, vectors = original
    graph = GraphFile(content)
    start, record = graph.records_start, graph.get("size_data_per_element")
    area = data.draw(st.sampled_from(("layer 0", "upper layers", "header")))
    if area == "layer 0":
        row, word = data.draw(st.integers(0, COUNT - 1)), data.draw(st.integers(0, 2 * M))
        place = start + row * record + 4 * word
    elif area == "upper layers":
        end = start + COUNT * record
        place = end + 4 * data.draw(st.integers(0, (len(content) - end) // 4 - 1))
    else:
        place = 4 * data.draw(st.integers(0, start // 4 - 1))
    value = data.draw(st.integers(0, COUNT + 1) | st.integers(0, 2**32 - 1))
    struct.pack_into("<I", graph.content, place, value)
    path = tmp_path_factory.getbasetemp() / "changed.hnsw"
    path.write_bytes(graph.content)
    try:
        index = HnswIndex(path, INFO)
    except BundleCorrupt:
        return
    index.load()
    for query in vectors[:: COUNT // 20]:
        labels, scores = index.search_graph(query, 5)
        assert len(labels) == 5
        assert np.isfinite(scores).all()


@examples(deadline=None, max_examples=30)
@given(count=st.integers(1, 300), m=st.integers(2, 20), seed=st.integers(0, 5))
def test_every_graph_that_hnswlib_saves_passes(
    tmp_path_factory: pytest.TempPathFactory, count: int, m: int, seed: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "sound.hnsw"
    open_index(path, clustered(count, 6, 3, seed=seed), list(range(count)), m=m)
    check_graph(HnswFile(path, index_info(count, 6, m=m, ef_construction=10 * m)))
