"""Waiting for Milvus: it says how far the server is, and it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from rich.progress import Progress

from export.bundle import settle_collection
from export.bundle.build_index import IndexParameters
from export.bundle.collection_rows import collection_rows
from export.bundle.fill_collection import measure_collection
from export.bundle.settle_collection import settle_collections
from export.bundle.write_collection import write_collection
from handler.errors import IndexUnavailable
from handler.milvus.client import Milvus
from tests.handler.products.engines import DIM, FIELDS, KNOWN, ROWS, VECTORS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COUNT = 200


@pytest.fixture(scope="module")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Milvus:
    """Milvus Lite with the collection `products` of COUNT rows."""
    milvus = Milvus(f"milvus+file:{tmp_path_factory.mktemp('lite')}/lite.db", request_seconds=60)
    rows = collection_rows(ROWS[:COUNT], VECTORS[:COUNT], KNOWN, FIELDS)
    write_collection(milvus, "products", rows, DIM, IndexParameters(), Progress(disable=True))
    return milvus


def test_a_wait_shows_how_far_the_server_is(milvus: Milvus) -> None:
    progress = Progress(disable=True)
    settle_collections(milvus, {"products": COUNT}, progress)
    assert [(task.description, task.completed, task.total) for task in progress.tasks] == [
        ("Indexing in Milvus", COUNT, COUNT),
        ("Loading in Milvus", COUNT, COUNT),
    ]


def test_a_server_that_gets_no_further_is_an_error(milvus: Milvus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settle_collection, "STALLED_SECONDS", 0.3)
    with pytest.raises(IndexUnavailable, match=r"stands at 200 of 201 rows of products for") as caught:
        settle_collections(milvus, {"products": COUNT + 1}, Progress(disable=True))
    assert (caught.value.value, caught.value.limit) == (COUNT, COUNT + 1)


def test_recall_is_measured_in_few_requests(milvus: Milvus, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand queries, fifty a request."""
    asked: list[int] = []
    search = milvus.client.search

    def counted(collection: str, vectors: NDArray[np.float32], **more: Any) -> Any:
        asked.append(len(vectors))
        return search(collection, vectors, **more)

    monkeypatch.setattr(milvus.client, "search", counted)
    info = measure_collection(milvus, "products", VECTORS[:COUNT], IndexParameters())
    assert info.recall.value == 1
    assert asked == [50] * 20
