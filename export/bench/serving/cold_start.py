"""From nothing to the first page, against importing the same libraries and reading the same files and nothing more.

All sides are fresh Python processes, started in turns. What counts is their CPU time, from the start of the process
until the line that it prints when it is done, so starting the interpreter counts on all sides. The time on the clock is
what a shopper waits; it is in the JSON and the last column, and other work on the machine lengthens it.

page   imports handler.lambda_entry and answers one POST /v1/sessions: reads the settings, verifies and opens the
       bundle, builds the application and writes the page. It leaves the index alone, because a first page is random.
null   imports the same libraries and reads the same files. "The same libraries" is every module, third-party and
       standard, that `page` had loaded when its page was out, in the order in which it loaded them, but none of
       Vitrine's own. "The same files" are current.json and the bundle's manifest, index and catalog, every byte once.
lean   as null, but imports only the packages themselves (`import fastapi`), not each module that `page` had loaded
       of them: a stricter measure, given for comparison.
next   as page, and then answers the page with a like: fetches, verifies and loads the index, too.

With `--from s3` the bundle is in a real S3 server on this machine (SeaweedFS; `scripts/setup aws test` installs it) and
each process starts with an empty cache. Then null makes a client of botocore and reads the objects that `page` asks
for, by one request each: current.json, the manifest and the catalog, not the index.

With `--from rie` every process is the function that `scripts/build-lambda` builds, with Lambda's runtime client under a
Runtime Interface Emulator of its own (as root; `scripts/sam --version` installs it). Its bundle is in S3 as above; null
and lean are functions in the same artifact. The runtime client counts on all sides, and the time on the clock goes from
the emulator's start to its answer.

Files and bytecode are warm in the page cache on all sides: what is compared is work, not a disk. Reach: page at most
1.15 x null at 459 and 10,000 products and 1.25 x at 100,000, with onnxruntime and Pillow not imported at all.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from export.bench.results import write_json
from export.bench.serving import charts, in_emulator, published
from export.bench.serving.bench_parser import new_parser
from export.bench.serving.fresh_processes import alternate, run
from export.bench.serving.timing import ratio_of_medians, summary
from handler.manifest import CATALOG_FILE, CURRENT_KEY, INDEX_FILE, MANIFEST_FILE, bundle_key
from handler.stores.store import DirectoryStore

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from export.bench.serving.fresh_processes import Start

SIZES = (459, 10_000, 100_000)
TARGETS = {459: 1.15, 10_000: 1.15, 100_000: 1.25}
_MEMORY = ("peak", "anonymous", "mapped")
NOT_NEEDED = ("onnxruntime", "PIL")
_SIDES = ("page", "null", "lean", "next")


def main() -> None:
    options = _parse_options()
    name = "cold_start" if options.source == "folder" else f"cold_start_{options.source}"
    place = _in_folder if options.source == "folder" else _in_s3
    measured: dict[int, dict[str, Any]] = {}
    with in_emulator.function() if options.source == "rie" else nullcontext(run) as start:
        for count in options.products:
            with place(published.published_bundle(options.work, count)) as source:
                measured[count] = _measure(source, options.repeat, start)
    path = write_json(options.out, name, {"targets": TARGETS, "from": options.source, "sizes": measured})
    _print(measured)
    print(f"\nWritten: {path}, {_plot(options.out, name, measured)}")


class _Source(NamedTuple):
    """Where processes find the bundle."""

    variables: dict[str, str]
    reads: list[str]
    """The lines of a plan that make `null` read the same files."""
    file_bytes: int
    prepare: Callable[[], None] | None = None


@contextmanager
def _in_folder(store: Path) -> Iterator[_Source]:
    files = [store / key for key in _keys(store, MANIFEST_FILE, INDEX_FILE, CATALOG_FILE)]
    yield _Source({"VITRINE_BUNDLES": str(store)}, [f"read {file}" for file in files], _bytes(files))


@contextmanager
def _in_s3(store: Path) -> Iterator[_Source]:
    from export.bench.serving.s3_server import bucket_with, environment, seaweed

    keys = _keys(store, MANIFEST_FILE, CATALOG_FILE)
    with tempfile.TemporaryDirectory() as folder, seaweed(Path(folder)) as endpoint:
        bucket = bucket_with(store, [*keys, *_keys(store, INDEX_FILE)], endpoint)
        cache = Path(folder) / "cache"
        yield _Source(
            {**environment(endpoint), "VITRINE_BUNDLES": f"s3://{bucket}", "VITRINE_CACHE": str(cache)},
            [f"object {bucket}/{key}" for key in keys],
            _bytes([store / key for key in keys]),
            lambda: shutil.rmtree(cache, ignore_errors=True),
        )


def _measure(source: _Source, repeat: int, start: Start) -> dict[str, Any]:
    environment = {
        # Without bytecode of Vitrine's modules the page would compile them each time; a function's artifact has it.
        **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        **source.variables,
        "VITRINE_SIGNING_KEYS": "k" * 32,
        "VITRINE_EVENTS": "off",
    }
    loaded = start(["modules"], environment)[0].split()
    libraries = [name for name in loaded if name.partition(".")[0] != "handler"]
    with tempfile.TemporaryDirectory() as folder:
        plans = {
            "null": _write_plan(Path(folder) / "null", libraries, source.reads),
            "lean": _write_plan(Path(folder) / "lean", [name for name in libraries if "." not in name], source.reads),
        }
        commands = {
            "page": ["page"],
            "null": ["null", plans["null"]],
            "lean": ["null", plans["lean"]],
            "next": ["next"],
        }
        taken = alternate(commands, environment, repeat, prepare=source.prepare, start=start)
    return {
        "libraries": len(libraries),
        "file_bytes": source.file_bytes,
        "not_imported": {name: name not in loaded for name in NOT_NEEDED},
        **{side: summary(taken[side].cpu) for side in _SIDES},
        "wall": {side: summary(taken[side].wall) for side in _SIDES},
        "memory": {side: {name: int(np.median(taken[side]._asdict()[name])) for name in _MEMORY} for side in _SIDES},
        "to_null": ratio_of_medians(taken["page"].cpu, taken["null"].cpu),
        "to_null_without_interpreter": ratio_of_medians(taken["page"].own_cpu, taken["null"].own_cpu),
        "to_null_in_wall_time": ratio_of_medians(taken["page"].wall, taken["null"].wall),
        "to_lean": ratio_of_medians(taken["page"].cpu, taken["lean"].cpu),
    }


def _keys(store: Path, *names: str) -> list[str]:
    """The keys of the pointer and of the current bundle's files `names`."""
    version = DirectoryStore(store).current().version
    return [CURRENT_KEY, *(bundle_key(version, name) for name in names)]


def _bytes(files: list[Path]) -> int:
    return sum(path.stat().st_size for path in files)


def _write_plan(path: Path, modules: list[str], reads: list[str]) -> str:
    path.write_text("\n".join([*(f"import {name}" for name in modules), *reads]))
    return str(path)


def _print(measured: dict[int, dict[str, Any]]) -> None:
    rows = []
    for count, one in measured.items():
        ratio = one["to_null"]
        rows.append(
            (
                f"{count:,}",
                *(f"{one[side]['median_ms']:.0f} ({one[side]['p90_ms']:.0f})" for side in _SIDES),
                f"{ratio['ratio']:.3f} [{ratio['low']:.2f}, {ratio['high']:.2f}]",
                f"{one['to_null_without_interpreter']['ratio']:.3f}",
                f"{one['to_lean']['ratio']:.3f}",
                f"{one['to_null_in_wall_time']['ratio']:.3f}",
                charts.verdict(ratio, TARGETS.get(count)),
            )
        )
    sides = tuple(f"{side} ms (p90)" for side in _SIDES)
    header = ("products", *sides, "page/null [95 %]", "less interpreter", "page/lean", "on the clock", "reach")
    charts.print_table(header, rows)
    loaded = {name for one in measured.values() for name, absent in one["not_imported"].items() if not absent}
    print(f"\nOf {', '.join(NOT_NEEDED)}, imported on this path: {', '.join(sorted(loaded)) or 'none'}")


def _plot(out: Path, name: str, measured: dict[int, dict[str, Any]]) -> Path:
    sides = {"first page": "page", "same imports and files": "null", "first page and the next": "next"}
    return charts.write_bars(
        out,
        name,
        "Fresh process to first page, against the same imports and file reads alone",
        "ms",
        {
            label: {f"{n:,}": (one[side]["median_ms"], one[side]["p90_ms"]) for n, one in measured.items()}
            for label, side in sides.items()
        },
        {f"{n:,} products": one["to_null"] for n, one in measured.items()},
        {f"{count:,} products": TARGETS[count] for count in measured if count in TARGETS},
    )


def _parse_options() -> argparse.Namespace:
    parser = new_parser(__doc__, SIZES)
    add = parser.add_argument
    add("--repeat", type=int, default=30, metavar="T", help="processes that each side gets (default: 30)")
    add("--from", dest="source", choices=("folder", "s3", "rie"), default="folder", help="where the bundle is")
    return parser.parse_args()


if __name__ == "__main__":
    main()
