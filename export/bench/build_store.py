"""A store of made-up products, built in a process of its own, whose memory is that of `vitrine index` after embedding.

    python -m export.bench.build_store 100000 STORE --dim 256

The vectors are clustered like a shop's, and the products have the fields of an ordinary one. The vectors are in a file
before the measurement starts, as `vitrine index` leaves them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from export.bench.serving.published import product_rows
from export.bench.synthetic import DIM, clustered_latent, linear_view, stand_in_encoder
from export.bundle.build_index import IndexParameters
from export.bundle.content import BuildOptions
from export.bundle.peak_memory import peak_memory
from export.bundle.update_bundle import read_base, update_bundle
from export.bundle.write_bundle import describe_model
from export.terminal import progress_bar
from handler.stores.store import DirectoryStore

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from export.photos.read_catalog import CatalogRow

_BLOCK = 50_000
NOISE = 0.02
"""With more, the projection, which stretches weak directions, leaves clusters that no index of this size finds."""


@dataclass(frozen=True)
class _Products:
    rows: list[CatalogRow]
    digests: list[str]
    vectors: NDArray[np.float32]


def build_store(store: Path, count: int, dim: int | None = None) -> dict[str, float]:
    """Publish `count` products in `store` from another process, and return what that process measured of itself."""
    store.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store.parent, prefix=".building-") as work:
        vectors = Path(work) / "vectors"
        _write_vectors(vectors, count)
        command = [sys.executable, "-m", "export.bench.build_store", str(count), str(store), "--vectors", str(vectors)]
        if dim is not None:
            command += ["--dim", str(dim)]
        answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": work})
    measured: dict[str, float] = json.loads(answer.stdout)
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("products", type=int)
    add("store", type=Path)
    add("--dim", type=int, help="dimensions to keep of the vectors' 384 (default: all)")
    add("--vectors", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.vectors:
        measured = _build(arguments.store, arguments.products, arguments.dim, arguments.vectors)
    else:
        measured = build_store(arguments.store, arguments.products, arguments.dim)
    print(json.dumps(measured))


def _write_vectors(path: Path, count: int) -> None:
    latent = clustered_latent(count, np.random.default_rng(0))
    with path.open("wb") as file:
        for start in range(0, count, _BLOCK):  # the same seed, so that all blocks come from one map
            linear_view(latent[start : start + _BLOCK], DIM, np.random.default_rng(1), NOISE).tofile(file)


def _build(store: Path, count: int, dim: int | None, path: Path) -> dict[str, float]:
    baseline = peak_memory()
    vectors = np.memmap(path, dtype=np.float32, mode="r+", shape=(count, DIM))
    rows = product_rows(count)
    products = _Products(rows, [hashlib.sha256(row.id.encode()).hexdigest() for row in rows], vectors)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as work, progress_bar(Console(stderr=True)) as progress:
        model = stand_in_encoder(Path(work) / "encoder")
        options = BuildOptions(describe_model(model), model, IndexParameters(), progress, dim=dim)
        outcome = update_bundle(products, DirectoryStore(store), read_base(DirectoryStore(store)), options)
    index = outcome.manifest.index
    return {
        "products": count,
        "dim": index.dim,
        "baseline_bytes": baseline,
        "build_peak_bytes": peak_memory(),
        "build_s": round(time.monotonic() - started, 1),
        "ef": index.ef,
        "recall": round(index.recall.value, 4),
    }


if __name__ == "__main__":
    main()
