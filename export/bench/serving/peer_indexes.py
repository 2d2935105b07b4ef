"""The libraries that `peers` compares: each takes vectors with the labels 0 to n-1 and gives a function for a round."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from export.bench.serving.peers import Session
    from handler.manifest import IndexInfo

    Round = Callable[[Session], list[int]]
    Peer = Callable[[NDArray[np.float32], IndexInfo, Path], Round]

SIMILAR = 5
RANDOM = 5
_BATCH = 1_000


def _article(vectors: NDArray[np.float32], _info: IndexInfo, _folder: Path) -> Round:
    from datasets import Dataset, disable_progress_bars

    disable_progress_bars()
    products = Dataset.from_dict({"label": np.arange(len(vectors)), "embeddings": vectors})

    def answer(session: Session) -> list[int]:
        preference = vectors[session.state.liked[0]]
        for label in (*session.state.liked[1:], *session.liked):
            preference = (preference + vectors[label]) / 2
        left = products.select(np.setdiff1d(np.arange(len(vectors)), list(session.seen)))
        left.add_faiss_index("embeddings")
        _, near = left.get_nearest_examples("embeddings", preference, SIMILAR)
        similar: list[int] = near["label"]
        unseen = [label for label in left["label"] if label not in similar]
        return similar + random.sample(unseen, RANDOM)

    return answer


def _numpy(vectors: NDArray[np.float32], _info: IndexInfo, _folder: Path) -> Round:
    def answer(session: Session) -> list[int]:
        scores = vectors @ _preference(vectors, session)
        scores[list(session.seen)] = -np.inf
        best = np.argpartition(-scores, SIMILAR)[:SIMILAR]
        return _with_random(best[np.argsort(-scores[best])].tolist(), session, len(vectors))

    return answer


def _faiss(vectors: NDArray[np.float32], info: IndexInfo, _folder: Path) -> Round:
    import faiss

    index = faiss.IndexHNSWFlat(info.dim, info.m, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = info.ef_construction
    index.add(vectors)
    faiss.omp_set_num_threads(1)

    def answer(session: Session) -> list[int]:
        seen = faiss.IDSelectorBatch(np.fromiter(session.seen, np.int64, len(session.seen)))
        unseen = faiss.SearchParametersHNSW(sel=faiss.IDSelectorNot(seen), efSearch=info.ef)
        _, labels = index.search(_preference(vectors, session)[None], SIMILAR, params=unseen)
        return _with_random(labels[0].tolist(), session, len(vectors))

    return answer


def _usearch(vectors: NDArray[np.float32], info: IndexInfo, _folder: Path) -> Round:
    from usearch.index import Index

    index = Index(
        ndim=info.dim,
        metric="ip",
        dtype="f32",
        connectivity=info.m,
        expansion_add=info.ef_construction,
        expansion_search=info.ef,
    )
    index.add(np.arange(len(vectors)), vectors)

    def answer(session: Session) -> list[int]:
        ask = 2 * SIMILAR + len(session.seen) // 2
        found = index.search(_preference(vectors, session), ask, threads=1).keys.tolist()
        return _with_random([label for label in found if label not in session.seen][:SIMILAR], session, len(vectors))

    return answer


def _qdrant(vectors: NDArray[np.float32], info: IndexInfo, _folder: Path) -> Round:
    import warnings

    from qdrant_client import QdrantClient, models

    client = QdrantClient(":memory:")
    client.create_collection("products", models.VectorParams(size=info.dim, distance=models.Distance.DOT))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # local mode advises a server from 20,000 points on
        client.upload_collection("products", vectors, ids=range(len(vectors)), batch_size=_BATCH)

    def answer(session: Session) -> list[int]:
        unseen = models.Filter(must_not=[models.HasIdCondition(has_id=list(session.seen))])
        found = client.query_points(
            "products", _preference(vectors, session).tolist(), query_filter=unseen, limit=SIMILAR, with_payload=False
        )
        return _with_random([int(point.id) for point in found.points], session, len(vectors))

    return answer


def _milvus(vectors: NDArray[np.float32], info: IndexInfo, folder: Path) -> Round:
    from pymilvus import DataType, MilvusClient

    client = MilvusClient(str(folder / f"{len(vectors)}.db"))
    schema = client.create_schema()
    schema.add_field("label", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=info.dim)
    flat = client.prepare_index_params()
    flat.add_index("vector", index_type="FLAT", metric_type="IP")
    client.create_collection("products", schema=schema, index_params=flat)
    for start in range(0, len(vectors), _BATCH):
        block = vectors[start : start + _BATCH]
        client.insert("products", [{"label": start + row, "vector": vector} for row, vector in enumerate(block)])
    client.load_collection("products")

    def answer(session: Session) -> list[int]:
        found: list[list[Any]] = client.search(
            "products",
            [_preference(vectors, session)],
            filter=f"label not in {list(session.seen)}",
            limit=SIMILAR,
        )
        return _with_random([int(hit["label"]) for hit in found[0]], session, len(vectors))

    return answer


PEERS: Mapping[str, Peer] = {
    "article": _article,
    "numpy": _numpy,
    "faiss": _faiss,
    "usearch": _usearch,
    "qdrant": _qdrant,
    "milvus": _milvus,
}


def _preference(vectors: NDArray[np.float32], session: Session) -> NDArray[np.float32]:
    mean: NDArray[np.float32] = vectors[[*session.state.liked, *session.liked]].mean(axis=0)
    return mean


def _with_random(similar: list[int], session: Session, size: int) -> list[int]:
    """`similar`, and products drawn among those neither seen nor similar."""
    page = list(similar)
    while len(page) < len(similar) + RANDOM:
        label = random.randrange(size)
        if label not in session.seen and label not in page:
            page.append(label)
    return page
