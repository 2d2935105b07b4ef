"""Memory that building a bundle takes, measured in a process of its own for each size.

    python -m export.bench.build_memory 100000 300000

The vectors are clustered like a shop's and lie in a file; see `export.bench.build_store`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from export.bench.build_store import build_store

LIMIT = 3_600
"""Bytes a product, of the peak above what the process had with its libraries loaded."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("products", type=int, nargs="+")
    parser.add_argument("--out", type=Path, help="Write the results here as JSON.")
    arguments = parser.parse_args()
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
        built = build_store(Path(work) / "store", count)
    baseline, peak = built["baseline_bytes"], built["build_peak_bytes"]
    return {
        "products": count,
        "baseline_megabytes": round(baseline / 1e6),
        "peak_megabytes": round(peak / 1e6),
        "bytes_a_product": round((peak - baseline) / count),
        "bytes_a_product_in_all": round(peak / count),
        "seconds": round(built["build_s"]),
        "recall": built["recall"],
    }


if __name__ == "__main__":
    main()
