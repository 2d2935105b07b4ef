"""Photos a second of `vitrine index`, beside what decoding alone and encoding alone reach in the same run.

    python -m export.bench.indexing PHOTOS --count 200 --repeats 3

Three steps take turns, so that other work on the machine slows them alike: decode and preprocess the photos on every
core; encode pixels that are in memory, one single-threaded inference per core; and index, from files to vectors in a
fresh cache. Indexing does the work of the other two, so with every core busy it reaches 1 / (1 / decode + 1 / encode):
the ratio to the slower of the two tells what is left to gain, the ratio to that sum what is lost between the two.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from export.bench.results import DEFAULT_OUT, INK, MUTED, OURS, write_json
from export.embedded import EMBEDDED_ENCODER
from export.photos.embed_catalog import embed_catalog
from export.photos.embedding_cache import EmbeddingCache
from export.photos.read_catalog import CatalogSource, read_catalog
from handler.photos.cores import available_cores
from handler.photos.encoder import Encoder
from handler.photos.images import MAX_PIXELS, decode, preprocess

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

STEPS = ("decode", "encode", "index")


class Bench:
    """The three steps over the same photos with the same encoder."""

    def __init__(self, source: CatalogSource, model: Path) -> None:
        self.source = source
        self.encoder = Encoder(model, threads=1)
        self.pixels: list[NDArray[np.float32]] = []
        self.decode()

    def decode(self) -> None:
        with ThreadPoolExecutor(available_cores()) as pool:
            self.pixels = list(pool.map(self._load, map(self.source.path_of, self.source.rows)))

    def encode(self) -> None:
        with ThreadPoolExecutor(available_cores()) as pool:
            list(pool.map(lambda pixels: self.encoder.encode(pixels[None]), self.pixels))

    def index(self) -> None:
        with tempfile.TemporaryDirectory() as work, EmbeddingCache(Path(work) / "cache.sqlite") as cache:
            catalog = embed_catalog(self.source, "bench", lambda: self.encoder, cache, Progress(disable=True))
        assert catalog.embedded == len(self.source.rows), catalog.skipped  # noqa: S101

    def _load(self, path: Path) -> NDArray[np.float32]:
        return preprocess(decode(path.read_bytes(), max_pixels=MAX_PIXELS), self.encoder.spec.preprocessing)


def measure(bench: Bench, repeats: int) -> dict[str, Any]:
    """Photos a second and busy cores of each step, and the ratios: medians over `repeats` turns."""
    rates: dict[str, list[float]] = {step: [] for step in STEPS}
    busy: dict[str, list[float]] = {step: [] for step in STEPS}
    for _ in range(repeats):
        for step in STEPS:
            seconds, cpu = _timed(getattr(bench, step))
            rates[step].append(len(bench.source.rows) / seconds)
            busy[step].append(cpu / seconds)
    turns = list(zip(*(rates[step] for step in STEPS), strict=True))
    return {
        "photos": len(bench.source.rows),
        "cores": available_cores(),
        "photos_per_second": {step: round(statistics.median(rates[step]), 1) for step in STEPS},
        "busy_cores": {step: round(statistics.median(busy[step]), 2) for step in STEPS},
        "of_the_slower": round(statistics.median(index / min(decode, encode) for decode, encode, index in turns), 3),
        "of_their_sum": round(
            statistics.median(index * (1 / decode + 1 / encode) for decode, encode, index in turns), 3
        ),
        "turns": rates,
    }


def _timed(step: Callable[[], None]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    step()
    return time.perf_counter() - wall, time.process_time() - cpu


def plot(results: dict[str, Any], out: Path) -> Path:
    """A bar for each step: photos a second, with a dot for every turn."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 2.4), layout="constrained")
    medians = [results["photos_per_second"][step] for step in STEPS]
    axes.barh(STEPS, medians, color=[MUTED, MUTED, OURS])
    for place, step in enumerate(STEPS):
        axes.plot(results["turns"][step], [place] * len(results["turns"][step]), "o", color=INK, markersize=3)
    axes.set(xlabel="photos a second", title=f"Indexing reaches {results['of_the_slower']:.2f} of the slower step")
    axes.set_xscale("log")
    axes.invert_yaxis()
    path = out / "indexing.png"
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="directory of photos or product table")
    parser.add_argument("--count", type=int, default=200, help="number of photos, evenly spaced in the catalog")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--model", type=Path, default=EMBEDDED_ENCODER)
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT)
    arguments = parser.parse_args()
    source = read_catalog(arguments.photos)
    rows = source.rows[:: max(1, len(source.rows) // arguments.count)][: arguments.count]
    results = measure(Bench(CatalogSource(source.root, rows), arguments.model), arguments.repeats)
    table = Table("step", "photos/s", "busy cores")
    for step in STEPS:
        table.add_row(step, f"{results['photos_per_second'][step]:,}", f"{results['busy_cores'][step]:.2f}")
    console = Console(width=100)
    console.print(table)
    console.print(f"index: {results['of_the_slower']} of the slower step, {results['of_their_sum']} of both in turn")
    path = write_json(arguments.out, "indexing", results)
    console.print(f"Written: {path}, {plot(results, arguments.out)}")


if __name__ == "__main__":
    main()
