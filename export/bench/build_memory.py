"""Memory that building a bundle takes, measured in a process of its own for each size.

    python -m export.bench.build_memory 100000 300000

The vectors are clustered like a shop's, and the products have the fields of an ordinary one. Both are made before the
measurement starts; the vectors are in a file, as `vitrine index` leaves them.
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
from rich.progress import Progress
from rich.table import Table

from export.bench.serving.published import product_rows
from export.bench.synthetic import DIM, clustered_latent, linear_view, stand_in_encoder
from export.bundle.build_index import IndexParameters
from export.bundle.content import BuildOptions
from export.bundle.update_bundle import read_base, update_bundle
from export.bundle.write_bundle import describe_model
from handler.stores.store import DirectoryStore

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from export.photos.read_catalog import CatalogRow

LIMIT = 3_600
"""Bytes a product, of the peak above what the process had with its libraries loaded."""
_BLOCK = 50_000
NOISE = 0.02
"""With more, the projection, which stretches weak directions, leaves clusters that no index of this size finds."""


@dataclass(frozen=True)
class _Products:
    rows: list[CatalogRow]
    digests: list[str]
    vectors: NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("products", type=int, nargs="+")
    parser.add_argument("--out", type=Path, help="Write the results here as JSON.")
    parser.add_argument("--vectors", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.vectors:
        print(json.dumps(_build(arguments.products[0], arguments.vectors)))  # noqa: T201
        return
    results = [_measure(count) for count in arguments.products]
    if arguments.out:
        arguments.out.write_text(json.dumps(results, indent=1))
    table = Table("products", "baseline MB", "peak MB", "bytes a product above baseline", "in all", "seconds", "recall")
    for one in results:
        table.add_row(*(f"{value:,}" for value in one.values()))
    Console(width=120).print(table)
    if any(one["bytes_a_product"] > LIMIT for one in results):
        sys.exit(f"More than {LIMIT:,} bytes a product.")


def _measure(count: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as work:
        vectors = Path(work) / "vectors"
        with vectors.open("wb") as file:
            latent = clustered_latent(count, np.random.default_rng(0))
            for start in range(0, count, _BLOCK):  # the same seed, so that all blocks come from one map
                block = latent[start : start + _BLOCK]
                linear_view(block, DIM, np.random.default_rng(1), NOISE).tofile(file)
        command = [sys.executable, "-m", "export.bench.build_memory", str(count), "--vectors", str(vectors)]
        answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": work})
    result: dict[str, float] = json.loads(answer.stdout)
    return result


def _build(count: int, path: Path) -> dict[str, float]:
    baseline = _peak()
    vectors = np.memmap(path, dtype=np.float32, mode="r+", shape=(count, DIM))
    rows = product_rows(count)
    products = _Products(rows, [hashlib.sha256(row.id.encode()).hexdigest() for row in rows], vectors)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as work:
        model = stand_in_encoder(Path(work) / "encoder")
        store = DirectoryStore(Path(work) / "bundles")
        options = BuildOptions(describe_model(model), model, IndexParameters(), Progress(disable=True))
        outcome = update_bundle(products, store, read_base(store), options)
    peak = _peak()
    return {
        "products": count,
        "baseline_megabytes": round(baseline / 1e6),
        "peak_megabytes": round(peak / 1e6),
        "bytes_a_product": round((peak - baseline) / count),
        "bytes_a_product_in_all": round(peak / count),
        "seconds": round(time.monotonic() - started),
        "recall": round(outcome.manifest.index.recall.value, 4),
    }


def _peak() -> int:
    """The largest resident set of this process so far, in bytes."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1_024


if __name__ == "__main__":
    main()
