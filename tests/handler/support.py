"""What several of these tests share: gateway events in, answers out; indexes over vectors made to order."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from export.bundle.build_index import IndexParameters, build_index
from handler import lambda_entry
from handler.manifest import IndexInfo, Recall
from handler.products.neighbors import HnswIndex

EVENTS = Path(__file__).parents[1] / "events"
VECTOR_SPACE = "0123456789abcdef0123456789abcdef"
Vectors = NDArray[np.float32]


def event(name: str, body: object = None) -> dict[str, Any]:
    """The API Gateway v2 event of that name, with a JSON body of the test's where one is given."""
    loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    if body is not None:
        loaded |= {"body": json.dumps(body), "isBase64Encoded": False}
    return loaded


def get(path: str) -> dict[str, Any]:
    """An event for a GET of any path and query, percent-encoded as it comes in."""
    loaded = event("health")
    loaded["rawPath"], _, loaded["rawQueryString"] = path.partition("?")
    loaded["requestContext"]["http"]["path"] = loaded["rawPath"]
    return loaded


@dataclass(frozen=True)
class Answer:
    """What the gateway would send to the client."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def ids(self) -> list[str]:
        return [item["id"] for item in self.json["items"]]


def send(gateway_event: dict[str, Any]) -> Answer:
    """Through the real entry point."""
    raw = lambda_entry.handler(gateway_event, None)  # type: ignore[arg-type]
    body = raw.get("body", "")
    content = base64.b64decode(body) if raw.get("isBase64Encoded") else body.encode()
    return Answer(raw["statusCode"], raw.get("headers", {}), content)


def unit(vectors: NDArray[Any]) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def clustered(count: int, dim: int, clusters: int, *, outliers: int = 0, seed: int = 0, spread: float = 0.7) -> Vectors:
    """Unit vectors around `clusters` centers. `outliers` dimensions are large in all, as transformers have them."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(clusters, dim))
    vectors = centers[rng.integers(clusters, size=count)] + spread * rng.normal(size=(count, dim))
    vectors[:, :outliers] *= 8
    return unit(vectors)


def index_info(count: int, dim: int, ef: int = 64, m: int = 16, ef_construction: int = 200) -> IndexInfo:
    return IndexInfo(
        dim=dim, count=count, m=m, ef_construction=ef_construction, ef=ef, recall=Recall(k=10, queries=1, value=1)
    )


def open_index(path: Path, vectors: Vectors, labels: list[int], m: int = 16) -> HnswIndex:
    """Build and open; returns the index that a request would search. One thread: the same graph every time."""
    build_index(vectors, labels, IndexParameters(m=m, ef_construction=10 * m), path, Progress(disable=True), threads=1)
    return HnswIndex(path, index_info(*vectors.shape, m=m, ef_construction=10 * m))


def nearest_by_hand(query: Vectors, vectors: Vectors, labels: list[int], candidates: set[int], count: int) -> list[int]:
    """Brute force, written apart from the code it judges."""
    scores = {label: float(vector @ query) for label, vector in zip(labels, vectors, strict=True)}
    return sorted(candidates, key=lambda label: -scores[label])[:count]
