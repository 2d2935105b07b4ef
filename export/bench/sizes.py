"""What a catalog's size costs: bytes a product, the build, the cold start and a warm round, up to a million products.

    python -m export.bench.sizes 10000 100000 1000000

For each size a process of its own builds a bundle of made-up products with `--dim` of the vectors' 384 dimensions, as
`vitrine index --dim 128` does after embedding. The other figures are those of `export.bench.serving.cold_start` and
`export.bench.serving.warm_round` on that bundle. Reach at a million products: a cold start below 3 s, a warm round of
at most 2.5 times its null, and less memory than a Lambda of 3,008 MB has.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.bench.build_store import build_store
from export.bench.results import write_json
from export.bench.serving import charts, published
from export.bench.sizes_plot import plot_sizes
from handler.manifest import CATALOG_FILE, INDEX_FILE, MANIFEST_FILE, Manifest, bundle_key
from handler.stores.store import DirectoryStore

if TYPE_CHECKING:
    from collections.abc import Sequence

MEMORY_BYTES = 3_008_000_000
COLD_SECONDS = 3.0
WARM_RATIO = 2.5
_BUILD_FILE = "build.json"


def main() -> None:
    options = _parse_options()
    work = options.work / f"sizes-{options.dim}"
    measured = [_measure(work, count, options.dim) for count in options.products]
    path = write_json(options.out, "sizes", {"sizes": measured})
    _print(measured)
    print(f"\nWritten: {path}, {plot_sizes(options.out, measured)}")


def _measure(work: Path, count: int, dim: int) -> dict[str, Any]:
    built = _built(published.store_path(work, count), count, dim)
    cold = _bench("cold_start", work, count, "--repeat", "3")
    warm = _bench("round", work, count, "--repeat", "100", module="warm_round")
    store = DirectoryStore(published.store_path(work, count))
    version = store.current().version
    files = Manifest.parse(store.read(bundle_key(version, MANIFEST_FILE)), version).files
    return {
        **built,
        "index_bytes": files[INDEX_FILE].size,
        "catalog_bytes": files[CATALOG_FILE].size,
        "bytes_a_product": round(sum(file.size for file in files.values()) / count),
        "cold_ms": cold["wall"]["page"]["median_ms"],
        "cold_cpu_ms": cold["page"]["median_ms"],
        "cold_null_cpu_ms": cold["null"]["median_ms"],
        "cold_next_ms": cold["wall"]["next"]["median_ms"],
        "cold_peak_rss": cold["memory"]["page"]["peak"],
        "serving_peak_rss": cold["memory"]["next"]["peak"],
        "serving_anonymous": cold["memory"]["next"]["anonymous"],
        "serving_mapped": cold["memory"]["next"]["mapped"],
        "warm_ms": warm["round"]["median_ms"],
        "null_ms": warm["null"]["median_ms"],
        "warm_to_null": warm["to_null"],
    }


def _built(store: Path, count: int, dim: int) -> dict[str, Any]:
    """What building `store` took. Built once and kept: a million products take an hour."""
    kept = store / _BUILD_FILE
    if not kept.exists():
        kept.write_text(json.dumps(build_store(store, count, dim)))
    built: dict[str, Any] = json.loads(kept.read_text())
    return built


def _bench(name: str, work: Path, count: int, *options: str, module: str | None = None) -> dict[str, Any]:
    """The figures of another benchmark, run in a process of its own on the bundle in `work`."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", f"export.bench.serving.{module or name}", *options]
        command += ["--products", str(count), "--work", str(work), "--out", out]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        figures: dict[str, Any] = json.loads((Path(out) / f"{name}.json").read_text())["sizes"][str(count)]
    return figures


def _print(measured: Sequence[dict[str, Any]]) -> None:
    rows = [
        (
            f"{one['products']:,}",
            f"{one['bytes_a_product']:,}",
            f"{one['build_s']:,.0f}",
            _megabytes(one["build_peak_bytes"]),
            f"{one['recall']:.3f} (ef {one['ef']})",
            f"{one['cold_ms'] / 1000:.2f}",
            f"{one['cold_next_ms'] / 1000:.2f}",
            f"{_megabytes(one['serving_peak_rss'])} ({_megabytes(one['serving_mapped'])})",
            f"{one['warm_ms']:.2f}",
            f"{one['warm_to_null']['ratio']:.2f}",
        )
        for one in measured
    ]
    header = (
        "products",
        "bytes a product",
        "build s",
        "build peak MB",
        "recall",
        "first page s",
        "and the next s",
        "serving peak MB (mapped)",
        "round ms",
        "to null",
    )
    charts.print_table(header, rows)


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.0f}"


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("products", type=int, nargs="+", metavar="N")
    add("--dim", type=int, default=128, help="dimensions to keep (default: %(default)s)")
    add("--out", type=Path, default=Path("bench-results"), help="folder for the JSON and the plot")
    add("--work", type=Path, default=published.DEFAULT_WORK, help="where catalogs are kept (default: %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
