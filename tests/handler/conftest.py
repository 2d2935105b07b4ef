"""Fixtures of the serving side: the Lambda's entry point over the small bundle, and indexes built to order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rich.progress import Progress

from export.bundle.build_index import IndexParameters, build_index
from export.bundle.measure_index import measure_index
from handler import lambda_entry
from handler.products.neighbors import HnswIndex
from tests.conftest import KEY, MILVUS
from tests.handler.support import Vectors, clustered, open_index

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from handler.manifest import IndexInfo


@pytest.fixture(scope="module")
def gateway(bundles: Path) -> Iterator[None]:
    """The real entry point, configured as a deployment is: by its environment alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VITRINE_BUNDLES", str(bundles))
        patch.setenv("VITRINE_SIGNING_KEYS", KEY)
        if MILVUS:
            patch.setenv("VITRINE_INDEX", MILVUS)
        patch.setenv("VITRINE_IMAGE_BASE_URL", "https://images.example/shop/")
        lambda_entry._adapter.cache_clear()
        yield
    lambda_entry._adapter.cache_clear()


@pytest.fixture(scope="session")
def few_vectors() -> Vectors:
    """300 vectors, few enough for every search to be exact."""
    return clustered(300, 24, clusters=12, seed=1)


@pytest.fixture(scope="session")
def few(few_vectors: Vectors, tmp_path_factory: pytest.TempPathFactory) -> HnswIndex:
    """An index over `few_vectors`; the label of row n is n."""
    path = tmp_path_factory.mktemp("few") / "index.hnsw"
    return open_index(path, few_vectors, list(range(len(few_vectors))))


@pytest.fixture(scope="session")
def many_vectors() -> Vectors:
    """12,000 vectors: enough that the graph answers, and that a filter can let more than 2,000 pass."""
    return clustered(12_000, 32, clusters=60, seed=2)


@pytest.fixture(scope="session")
def many_file(many_vectors: Vectors, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, IndexInfo]:
    """The index over `many_vectors`, checked as `vitrine index` does; row n has label 3n, so labels have gaps."""
    path = tmp_path_factory.mktemp("many") / "index.hnsw"
    labels = list(range(0, 3 * len(many_vectors), 3))
    build_index(many_vectors, labels, IndexParameters(), path, Progress(disable=True))
    return path, measure_index(path, many_vectors, IndexParameters())


@pytest.fixture(scope="session")
def many(many_file: tuple[Path, IndexInfo]) -> HnswIndex:
    return HnswIndex(*many_file)
