"""One round on a Milvus server beside one on hnswlib and SQLite in the process, and where the server's time goes.

A round is what Lambda sees (see warm_round.py). Shoppers are --rounds pages into their sessions at first and go on from
there, since a page shown before is remembered. Sides take turns, in wall-clock time: a process that waits
for another uses no CPU. Run it on a machine that does nothing else.

hnswlib  index and catalog in this process
milvus   the same products on the server, by a process that showed the session's earlier pages
passed   as milvus, by a process that never saw the session before, as when a load balancer picks another

Where a request's time goes: `pymilvus` is its Python, `gRPC` a call that asks the server for nothing but its version,
and `server` the rest. Sizes, seconds to index and load, the server's memory and disk, and a fresh process's first page
go to `scale`. A server of the benchmark's own, as root (it is empty at first, and the folder of its data is known):

    scripts/check-milvus .venv/bin/python -m export.bench.serving.milvus
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
from rich.console import Console
from rich.progress import Progress

from export.bench.results import write_json
from export.bench.serving import charts, published
from export.bench.serving.bench_parser import new_parser
from export.bench.serving.gateway_events import next_event, play
from export.bench.serving.request_times import RequestTimes
from export.bench.serving.timing import ratio_of_medians, summary
from export.bench.synthetic import DIM
from export.store.collections import Collections
from handler import lambda_entry
from handler.milvus.collection import MilvusAddress

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from export.bench.serving.gateway_events import Handler

SIZES = (10_000, 100_000, 300_000)
TARGETS = {100_000: 3.0}
SIDES = ("hnswlib", "milvus", "passed")
PAGES_SPLIT = 4
"""Pages of each shopper over which the parts of requests are measured, apart from the rounds' own times."""
_FIRST_PAGE = str(Path(__file__).with_name("first_page.py"))
_METRICS_PORT = 9091


def main() -> None:
    options = _parse_options()
    logging.disable(logging.WARNING)
    measured = {count: _measure(options, count) for count in options.products}
    results = {"targets": TARGETS, "rounds": options.rounds, "sizes": measured}
    path = write_json(options.out, "milvus", results)
    _print(measured)
    print(f"\nWritten: {path}, {_plot(options.out, measured, options.rounds)}")


class _Shop:
    """One side, with shoppers who are --rounds pages into their sessions and go on from there."""

    def __init__(self, handler: Handler, options: argparse.Namespace) -> None:
        self.index: Any = handler.app.state.runtime.bundle().index  # type: ignore[attr-defined]
        self._handler = handler
        self._events = [play(handler, f"shopper {number}", options.rounds) for number in range(options.shoppers)]

    def play(self, turn: int, *, forget: bool) -> float:
        """Seconds that the next page of the shopper whose turn it is takes; `forget` what this process has read."""
        place = turn % len(self._events)
        if forget:
            self.index._rows.forget()
        started = time.perf_counter()
        answered = self._handler(self._events[place], None)
        seconds = time.perf_counter() - started
        self._events[place] = next_event(json.loads(answered["body"]))
        return seconds


def _measure(options: argparse.Namespace, count: int) -> dict[str, Any]:
    files = _environment(published.published_bundle(options.work, count))
    store, scale = _in_milvus(options, count)
    server = {**_environment(store), "VITRINE_INDEX": options.server}
    handlers = {"hnswlib": _handler(files), "milvus": _handler(server), "passed": _handler(server)}
    shops = {side: _Shop(handler, options) for side, handler in handlers.items()}
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}
    for turn in range(options.repeat):
        for side in (*SIDES[turn % len(SIDES) :], *SIDES[: turn % len(SIDES)]):
            seconds[side].append(shops[side].play(turn, forget=side == "passed"))
    steps = {}
    for side in SIDES[1:]:
        with RequestTimes(shops[side].index._milvus) as times:
            for turn in range(options.shoppers * PAGES_SPLIT):
                shops[side].play(turn, forget=side == "passed")
        steps[side] = times.a_round(options.shoppers * PAGES_SPLIT)
    taken = {side: np.asarray(one) for side, one in seconds.items()}
    scale |= {
        "cold_ms": _cold_ms(server, options.cold),
        "cold_in_files_ms": _cold_ms(files, options.cold),
        "round_ms": summary(taken["milvus"])["median_ms"],
    }
    return {
        **{side: summary(one) for side, one in taken.items()},
        **{f"{side}_to_hnswlib": ratio_of_medians(taken[side], taken["hnswlib"]) for side in SIDES[1:]},
        "requests": steps,
        "scale": scale,
    }


def _in_milvus(options: argparse.Namespace, count: int) -> tuple[Path, dict[str, Any]]:
    """Publish the same products to the server, unless that was done before; the store, and what it took."""
    store = options.work / f"{count}-milvus-{urlsplit(options.server).port}-{os.stat(options.data).st_ino}"
    if (store / "current.json").exists():
        return store, {"products": count, "dim": DIM}
    before = _disk_bytes(options.data)
    progress = Progress(console=Console(quiet=True))  # a disabled one takes no times
    published.publish_made_up(store, count, progress, Collections.at(options.server, str(store)))
    taken = {task.description: task.finished_time or 0.0 for task in progress.tasks}
    return store, {
        "products": count,
        "dim": DIM,
        "write_s": round(taken["Writing to Milvus"], 1),
        "index_s": round(taken["Indexing in Milvus"], 1),
        "load_s": round(taken["Loading in Milvus"], 1),
        "disk_bytes": _disk_bytes(options.data) - before,
        "memory_bytes": _memory_bytes(options.server),
    }


def _environment(store: Path) -> dict[str, str]:
    return {"VITRINE_BUNDLES": str(store), "VITRINE_SIGNING_KEYS": "k" * 32, "VITRINE_EVENTS": "off"}


def _handler(environment: Mapping[str, str]) -> Handler:
    """An entry point of its own, as a new process would have it, configured by its environment."""
    for name in ("VITRINE_INDEX", *environment):
        os.environ.pop(name, None)
    os.environ.update(environment)
    lambda_entry._adapter.cache_clear()
    handler: Handler = lambda_entry._adapter()
    return handler


def _cold_ms(environment: Mapping[str, str], repeat: int) -> float:
    """The median of fresh processes, from their start to their first page."""
    taken = []
    for _ in range(repeat + 1):
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, _FIRST_PAGE, "page"], env={**os.environ, **environment}, check=True, capture_output=True
        )
        taken.append(time.perf_counter() - started)
    return round(float(np.median(taken[1:])) * 1000, 1)


def _disk_bytes(folder: Path) -> int:
    return sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file())


def _memory_bytes(server: str) -> int:
    """The server's resident memory, as its metrics say."""
    address = f"http://{urlsplit(MilvusAddress.parse(server).uri).hostname}:{_METRICS_PORT}/metrics"
    with urllib.request.urlopen(address, timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return int(float(next(line.split()[1] for line in lines if line.startswith("process_resident_memory_bytes "))))


def _print(measured: dict[int, dict[str, Any]]) -> None:
    rows = []
    for count, one in measured.items():
        ratios = [one[f"{side}_to_hnswlib"] for side in SIDES[1:]]
        rows.append(
            (
                f"{count:,}",
                *(f"{one[side]['median_ms']:.2f} ({one[side]['p90_ms']:.2f})" for side in SIDES),
                *(f"{ratio['ratio']:.2f} [{ratio['low']:.2f}, {ratio['high']:.2f}]" for ratio in ratios),
                charts.verdict(ratios[0], TARGETS.get(count)),
            )
        )
    sides = tuple(f"{side} ms (p90)" for side in SIDES)
    charts.print_table(("products", *sides, "milvus/hnswlib [95 %]", "passed/hnswlib [95 %]", "reach"), rows)
    print("\nRequests of a round, and where the median milliseconds of each go:")
    parts = ("ms", "pymilvus_ms", "grpc_ms", "server_ms")
    steps = [
        (f"{count:,}", side, kind, f"{taken['a_round']:.2f}", *(f"{taken[part]:.2f}" for part in parts))
        for count, one in measured.items()
        for side, kinds in one["requests"].items()
        for kind, taken in kinds.items()
    ]
    charts.print_table(("products", "side", "request", "a round", "ms", "pymilvus", "gRPC", "server"), steps)
    print("\nWhat a size takes:")
    names = list(dict.fromkeys(name for one in measured.values() for name in one["scale"]))
    charts.print_table(
        tuple(names), [tuple(f"{one['scale'].get(name, '')}" for name in names) for one in measured.values()]
    )


def _plot(out: Path, measured: dict[int, dict[str, Any]], rounds: int) -> Path:
    return charts.write_bars(
        out,
        "milvus",
        f"One round, {rounds} rounds into a session: a Milvus server beside hnswlib in the process",
        "ms",
        {
            side: {f"{n:,}": (one[side]["median_ms"], one[side]["p90_ms"]) for n, one in measured.items()}
            for side in SIDES
        },
        {f"{n:,} products": one["milvus_to_hnswlib"] for n, one in measured.items()},
        {f"{count:,} products": TARGETS[count] for count in measured if count in TARGETS},
    )


def _parse_options() -> argparse.Namespace:
    parser = new_parser(__doc__, SIZES)
    add = parser.add_argument
    server, data = os.environ.get("MILVUS_FOR_TESTS"), os.environ.get("MILVUS_DATA_FOR_TESTS")
    add("--server", default=server, required=not server, metavar="milvus+http://HOST:PORT", help="the server")
    add("--data", type=Path, default=data, required=not data, help="the folder that the server writes to")
    add("--rounds", type=int, default=10, metavar="R", help="pages answered before the one measured (default: 10)")
    add("--shoppers", type=int, default=20, metavar="S", help="sessions that take turns (default: 20)")
    add("--repeat", type=int, default=400, metavar="T", help="turns that each side gets (default: 400)")
    add("--cold", type=int, default=5, metavar="C", help="fresh processes on each side (default: 5)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
