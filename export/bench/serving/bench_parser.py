"""The options that the benchmarks of serving share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from export.bench.results import DEFAULT_OUT
from export.bench.serving import published

if TYPE_CHECKING:
    from collections.abc import Sequence


def new_parser(description: str | None, sizes: Sequence[int]) -> argparse.ArgumentParser:
    """Sizes of catalog, where results go and where catalogs are kept; a benchmark adds its own."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--products", type=int, nargs="+", default=sizes, metavar="N", help="sizes of catalog (default: %(default)s)")
    add("--out", type=Path, default=DEFAULT_OUT, help="folder for the JSON and the plot (default: %(default)s)")
    add(
        "--work",
        type=Path,
        default=published.DEFAULT_WORK,
        help="where catalogs are kept; 100,000 products take two minutes to build (default: %(default)s)",
    )
    return parser
