"""What each operation of the engines' contract takes, by engine: hnswlib with SQLite, Milvus Lite, a Milvus server.

All hold the same made-up products. Rows that a Milvus engine has read are forgotten before each call, so that it asks.
Medians of wall-clock milliseconds; engines take turns. As root, with a server of the benchmark's own:

    scripts/check-milvus .venv/bin/python -m export.bench.serving.engines
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from rich.progress import Progress

from export.bench.results import DEFAULT_OUT, write_json
from export.bench.serving import charts, published
from export.store.collections import Collections
from handler.open_bundle import OpenBundle
from handler.stores.store import DirectoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Operation = Callable[["Engine", int], object]


class Engine(NamedTuple):
    bundle: OpenBundle
    queries: NDArray[np.float32]
    """Means of two products, as a session's preference may be."""
    ids: list[str]


def main() -> None:
    options = _parse_options()
    with tempfile.TemporaryDirectory() as folder:
        engines = {
            "hnswlib": _open(published.published_bundle(options.work, options.products)),
            "Milvus Lite": _in_milvus(Path(folder) / "lite", options.products, f"milvus+file:{folder}/lite.db"),
            "Milvus server": _in_milvus(Path(folder) / "server", options.products, options.server),
        }
        measured = _measure(engines, _operations(options.products), options.repeat)
    path = write_json(options.out, "engines", {"products": options.products, "median_ms": measured})
    rows = [(name, *(f"{taken[engine]:.2f}" for engine in engines)) for name, taken in measured.items()]
    charts.print_table((f"{options.products:,} products, ms", *engines), rows)
    print(f"\nWritten: {path}")


def _operations(count: int) -> Mapping[str, Operation]:
    """Labels are 0 to `count` - 1 here."""

    def labels(turn: int, size: int) -> list[int]:
        return random.Random(turn).sample(range(count), size)

    def nearest(engine: Engine, turn: int, excluded: int = 0, *, dresses: bool = False) -> object:
        bundle, query = engine.bundle, engine.queries[turn % len(engine.queries)]
        allowed = bundle.catalog.passing({"category": "dress"}) if dresses else None
        return bundle.index.nearest(query, 10, excluded=set(labels(turn, excluded)), allowed=allowed)

    def draw(engine: Engine, turn: int) -> object:
        return engine.bundle.index.everything.draw(10, set(labels(turn, 100)), random.Random(turn))

    return {
        "10 nearest": nearest,
        "10 nearest, 100 excluded": partial(nearest, excluded=100),
        "10 nearest, 5,000 excluded": partial(nearest, excluded=5_000),
        "10 nearest of those that pass a filter": partial(nearest, dresses=True),
        "10 random, 100 excluded": draw,
        "how many of 100 are held": lambda engine, turn: engine.bundle.index.everything.among(labels(turn, 100)),
        "10 products by label": lambda engine, turn: engine.bundle.catalog.by_labels(labels(turn, 10)),
        "100 vectors by label": lambda engine, turn: engine.bundle.index.vectors(labels(turn, 100)),
        "a product by id": lambda engine, turn: engine.bundle.catalog.by_id(engine.ids[turn % len(engine.ids)]),
    }


def _measure(
    engines: Mapping[str, Engine], operations: Mapping[str, Operation], repeat: int
) -> dict[str, dict[str, float]]:
    measured: dict[str, dict[str, float]] = {}
    for name, operation in operations.items():
        seconds: dict[str, list[float]] = {kind: [] for kind in engines}
        for turn in range(repeat + 1):
            for kind, engine in engines.items():
                _forget(engine.bundle)
                started = time.perf_counter()
                operation(engine, turn)
                seconds[kind].append(time.perf_counter() - started)
        # The first call may load what later ones need not.
        measured[name] = {kind: round(float(np.median(taken[1:])) * 1000, 3) for kind, taken in seconds.items()}
    return measured


def _forget(bundle: OpenBundle) -> None:
    rows: Any = getattr(bundle.index, "_rows", None)
    if rows is not None:
        rows.forget()


def _in_milvus(folder: Path, count: int, address: str) -> Engine:
    collections = Collections.at(address, str(folder))
    published.publish_made_up(folder, count, Progress(disable=True), collections)
    return _open(folder, collections)


def _open(folder: Path, collections: Collections | None = None) -> Engine:
    store = DirectoryStore(folder)
    bundle = OpenBundle(store, store.current().version, None, collections.milvus if collections else None)
    _, vectors = bundle.index.vectors(list(range(200)))
    products = bundle.catalog.by_labels(list(range(100)))
    return Engine(
        bundle, np.float32(0.5) * (vectors[::2] + vectors[1::2]), [product.id for product in products.values()]
    )


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    server = os.environ.get("MILVUS_FOR_TESTS")
    add("--server", default=server, required=not server, metavar="milvus+http://HOST:PORT", help="the server")
    add("--products", type=int, default=20_000, metavar="N", help="size of the catalog (default: 20000)")
    add("--repeat", type=int, default=60, metavar="T", help="calls of each operation (default: 60)")
    add("--out", type=Path, default=DEFAULT_OUT, help="folder for the JSON (default: %(default)s)")
    add("--work", type=Path, default=published.DEFAULT_WORK, help="where catalogs are kept (default: %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
