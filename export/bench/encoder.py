"""What each precision of an encoder costs and keeps, beside PyTorch and, if asked, OpenVINO's NNCF int8.

    scripts/setup export bench openvino
    python -m export.bench.encoder vit-base --openvino
    python -m export.bench.encoder CHECKPOINT --photos PHOTOS --openvino
    python -m export.bench.encoder --encoders FP32 INT8 --photos PHOTOS --openvino

`int8, openvino` is `vitrine export --runtime openvino`; the peer is the graph as PyTorch computes it, quantized by
NNCF's own defaults. `vit-base` is ViT-Base/16 with random weights: its speed is that of trained ones, its neighbors
mean nothing. `--encoders` measures directories of one encoder, for instance a joined one. The first is in fp32: the
others' vectors are compared with its own, and the peer is quantized from its graph.

All sides run in turns on one thread; times are CPU time of this process, because a busy machine stretches the clock's,
and ratios are medians over pairs from the same turn.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import Progress

from export.bench.encoder_directories import open_directories
from export.bench.encoder_plot import plot_encoder
from export.bench.encoder_sides import (
    PEER,
    Side,
    Subject,
    gemm_multiplications,
    gemm_sides,
    make_sides,
    multiplications,
)
from export.bench.results import DEFAULT_OUT, write_json
from export.bench.serving.charts import print_table
from export.model.check_parity import measure_parity
from export.model.checkpoint import load_checkpoint
from export.model.parity_trial import preprocessed
from export.model.quiet import quiet
from export.model.trial_photos import photos_to_judge_by

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from export.model.checkpoint import Checkpoint

TARGET = 0.95
"""Of the peer's time, for the faster int8."""
_BATCHES = (1, 8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", nargs="?", help="A checkpoint directory, a hub id, or vit-base")
    parser.add_argument("--encoders", type=Path, nargs="+", metavar="DIRECTORY", help="Exported encoders, fp32 first")
    parser.add_argument("--photos", type=Path, help="Folder to measure neighbors on; none: no neighbors")
    parser.add_argument("--pooling", default="auto")
    parser.add_argument("--layers", type=int)
    parser.add_argument("--sample", type=int, default=600)
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--openvino", action="store_true", help="Measure OpenVINO, too: ours, and the peer")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT)
    parser.add_argument("--name", default="encoder")
    arguments = parser.parse_args()
    if (arguments.checkpoint is None) == (arguments.encoders is None):
        parser.error("Pass either a checkpoint or --encoders.")
    with (
        tempfile.TemporaryDirectory(prefix="vitrine-encoder-") as work,
        photos_to_judge_by(arguments.photos, arguments.sample, Progress(disable=True)) as photos,
    ):
        subject, sides = _sides(arguments, photos, Path(work))
        results = _measure(subject, sides, arguments.turns)
        if arguments.photos:
            _add_parity(results, sides, subject, photos)
    path = write_json(arguments.out, arguments.name, results)
    _print(results)
    Console(highlight=False).print(f"Written: {path}, {plot_encoder(results, arguments.out, arguments.name)}")


def _sides(arguments: argparse.Namespace, photos: Sequence[Path], work: Path) -> tuple[Subject, list[Side]]:
    if arguments.encoders is not None:
        return open_directories(arguments.encoders, photos, work, peer=arguments.openvino)
    checkpoint = _checkpoint(arguments, work)
    subject = Subject(checkpoint.source, checkpoint.pooling, checkpoint.preprocessing, multiplications(checkpoint))
    return subject, make_sides(checkpoint, photos, work, peer=arguments.openvino)


def _checkpoint(arguments: argparse.Namespace, work: Path) -> Checkpoint:
    if arguments.checkpoint != "vit-base":
        return load_checkpoint(arguments.checkpoint, pooling=arguments.pooling, layers=arguments.layers)
    import torch
    import transformers

    directory = work / "vit-base"
    with quiet():
        torch.manual_seed(0)
        transformers.ViTModel(transformers.ViTConfig(), add_pooling_layer=False).save_pretrained(directory)
        transformers.ViTImageProcessor().save_pretrained(directory)
    return load_checkpoint(str(directory), pooling=arguments.pooling, layers=arguments.layers)


def _measure(subject: Subject, sides: Sequence[Side], turns: int) -> dict[str, Any]:
    size = subject.preprocessing.input_size
    random = np.random.default_rng(0)
    seconds: dict[tuple[str, int], list[float]] = {}
    for batch in _BATCHES:
        pixels = random.standard_normal((batch, 3, *size), dtype=np.float32)
        running = {side.name: _bind(side, pixels) for side in sides}
        if batch == 1:
            running |= {f"GEMM {name}": _bind(side, pixels) for name, side in gemm_sides().items()}
        # A batch of eight takes eight times as long; as many pictures are enough.
        for name, times in _in_turns(running, max(3, turns // batch)).items():
            seconds[name, batch] = times
    peaks = {name: gemm_multiplications() / min(seconds[f"GEMM {name}", 1]) for name in ("fp32", "int8")}
    rows = {side.name: _row(side, seconds, peaks, subject.multiplications) for side in sides}
    return {
        "encoder": subject.source,
        "pooling": subject.pooling,
        "multiplications": subject.multiplications,
        "peak_gflops": {name: round(2 * peak / 1e9) for name, peak in peaks.items()},
        "target": TARGET,
        "sides": rows,
    }


def _row(
    side: Side, seconds: dict[tuple[str, int], list[float]], peaks: dict[str, float], work: float
) -> dict[str, Any]:
    latency = {batch: statistics.median(seconds[side.name, batch]) / batch for batch in _BATCHES}
    peak = peaks["int8" if "int8" in side.name else "fp32"]
    row: dict[str, Any] = {
        "megabytes": round(side.megabytes, 1),
        "import_ms": round(side.import_ms, 1),
        "open_ms": round(side.open_ms, 1),
        "first_ms": round(side.first_ms, 1),
        "latency_ms": {batch: round(1000 * value, 2) for batch, value in latency.items()},
        "images_per_core_second": round(1 / min(latency.values()), 2),
        "peak_share": round(work / latency[1] / peak, 3),
    }
    if (PEER, 1) in seconds:
        row["to_peer"] = {
            batch: round(
                statistics.median(
                    own / peer for own, peer in zip(seconds[side.name, batch], seconds[PEER, batch], strict=True)
                ),
                3,
            )
            for batch in _BATCHES
        }
    return row


def _bind(side: Side, pixels: NDArray[np.float32]) -> Callable[[], object]:
    return lambda: side.run(pixels)


def _in_turns(running: dict[str, Callable[[], object]], turns: int) -> dict[str, list[float]]:
    """CPU seconds of each side in each turn, after one that does not count; every other turn goes backwards."""
    times: dict[str, list[float]] = {name: [] for name in running}
    for turn in range(turns + 1):
        for name, run in list(running.items())[:: 1 if turn % 2 else -1]:
            started = time.process_time()
            run()
            if turn:
                times[name].append(time.process_time() - started)
    return times


def _add_parity(results: dict[str, Any], sides: Sequence[Side], subject: Subject, photos: Sequence[Path]) -> None:
    embedded: dict[str, list[NDArray[np.float32]]] = {side.name: [] for side in sides}
    for pixels in preprocessed(photos, subject.preprocessing):
        for side in sides:
            vector = side.run(pixels)
            embedded[side.name].append(vector / np.linalg.norm(vector, axis=1, keepdims=True))
    vectors = {name: np.concatenate(parts).astype(np.float32) for name, parts in embedded.items()}
    for side in sides[1:]:
        parity = measure_parity(vectors[sides[0].name], vectors[side.name])
        results["photos"] = parity.photos
        results["sides"][side.name] |= {
            "cosine": round(parity.cosine_mean, 5),
            "neighbors_kept": round(parity.neighbors_kept, 4),
        }


def _print(results: dict[str, Any]) -> None:
    header: tuple[str, ...] = (
        "",
        "MB",
        "import ms",
        "open ms",
        "first ms",
        "1 picture ms",
        "of 8 ms",
        "images/s a core",
    )
    header += ("of GEMM peak", "to the peer: 1", "8", "cosine", "neighbors kept")
    rows = []
    for name, side in results["sides"].items():
        latency, ratio = side["latency_ms"], side.get("to_peer", {})
        cells = [side["megabytes"], side["import_ms"], side["open_ms"], side["first_ms"], latency[1], latency[8]]
        cells += [side["images_per_core_second"], side["peak_share"], ratio.get(1), ratio.get(8)]
        cells += [side.get("cosine"), side.get("neighbors_kept")]
        rows.append((name, *("" if cell in (None, 0) else str(cell) for cell in cells)))
    print_table(header, rows)


if __name__ == "__main__":
    main()
