"""Load from a separate process while the bundle switches, on `vitrine serve` or on the built function.

    scripts/load-test                                   # 40 shoppers, 30 seconds pages alone, 30 with photos
    scripts/load-test --shoppers 100 --seconds 300 --out bench-results
    scripts/load-test --rie --rounds 10000              # the built function under the Runtime Interface Emulator

Everything stays on 127.0.0.1. The emulator answers one invocation at a time, so shoppers take turns there. Times on a
shared machine are ratios at best: compare the two phases of one run. A failed request, a product that comes twice, or
descriptors and temporary files that are not given back fail the run.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.bench.results import DEFAULT_OUT, write_json
from handler.stores.store import DirectoryStore
from tests.load import under_rie
from tests.load.switching import switching, two_bundles
from tests.load.usage import Usage, usage

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTLE_SECONDS = 3
SPARE_DESCRIPTORS = 24
"""Kept connections and open database files come and go; a leak would add one for each request or switch."""


class Server:
    """A `vitrine serve` with a temporary directory of its own."""

    def __init__(self, process: subprocess.Popen[str], url: str, temporary: Path) -> None:
        self.url = url
        self._process = process
        self._temporary = temporary

    def usage(self) -> Usage:
        return usage(self._process.pid, self._temporary)


@contextmanager
def serve(bundles: Path, temporary: Path) -> Iterator[Server]:
    temporary.mkdir()
    command = [str(Path(sys.executable).with_name("vitrine")), "serve", str(bundles), "--port", "0"]
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "COLUMNS": "200"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        try:
            assert process.stdout
            url = next(word for line in process.stdout for word in line.split() if word.startswith("http://"))
            yield Server(process, url.rstrip("/."), temporary)
        finally:
            process.terminate()


def load(url: str, classes: list[str], shoppers: int, seconds: int, folder: Path) -> dict[str, dict[str, float]]:
    """By kind of request: its number, failures, requests a second, and percentiles in milliseconds."""
    prefix = folder / "-".join(classes)
    shopper = Path(__file__).with_name("shopper.py")
    command = [sys.executable, "-m", "locust", "-f", str(shopper), "--headless", "--only-summary", "--host", url]
    command += ["-u", str(shoppers), "-r", str(shoppers), "-t", f"{seconds}s", "--csv", str(prefix), *classes]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(done.stdout[-3_000:] + done.stderr[-3_000:])
    with Path(f"{prefix}_stats.csv").open(newline="") as file:
        return {
            row["Name"]: {
                "requests": int(row["Request Count"]),
                "failures": int(row["Failure Count"]),
                "per_second": round(float(row["Requests/s"]), 1),
                "p50_ms": float(row["50%"]),
                "p99_ms": float(row["99%"]),
            }
            for row in csv.DictReader(file)
            if row["Name"] != "Aggregated"
        }


def run(shoppers: int, seconds: int) -> dict[str, Any]:
    """Both phases. Raises AssertionError where something failed or was not given back."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundles, versions = two_bundles(folder)
        with serve(bundles, folder / "temporary") as server:
            load(server.url, ["Shopper", "Photographer"], shoppers, 3, folder)  # loads the encoder, fills pools
            time.sleep(SETTLE_SECONDS)
            held = {"before": server.usage()}
            with switching(DirectoryStore(bundles), versions) as switched:
                phases = {"pages": load(server.url, ["Shopper"], shoppers, seconds, folder)}
                time.sleep(SETTLE_SECONDS)
                held["after pages"] = server.usage()
                both = load(server.url, ["Shopper", "Photographer"], shoppers, seconds, folder)
                phases["pages and photos"] = both
            time.sleep(SETTLE_SECONDS)
            held["after photos"] = server.usage()
            with urllib.request.urlopen(f"{server.url}/v1/health") as health:  # noqa: S310  our own server
                assert health.status == 200
    assert not any(kind["failures"] for phase in phases.values() for kind in phase.values()), phases
    assert held["after photos"].descriptors <= held["before"].descriptors + SPARE_DESCRIPTORS, held
    assert held["after photos"].temporary_files <= held["before"].temporary_files, held
    return {
        "phases": phases,
        "page_p99_with_photos_to_without": round(both["page"]["p99_ms"] / phases["pages"]["page"]["p99_ms"], 2),
        "bundle_switches": len(switched),
        "usage": {when: one._asdict() for when, one in held.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shoppers", type=int, default=40)
    parser.add_argument("--seconds", type=int, default=30, help="of each phase (default: %(default)s)")
    parser.add_argument("--rie", action="store_true", help="load the built function; needs root")
    parser.add_argument("--rounds", type=int, default=10_000, help="with --rie, at most (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT)
    options = parser.parse_args()
    if options.rie:
        results = under_rie.run(options.rounds, 2 * options.seconds, options.shoppers)
    else:
        results = run(options.shoppers, options.seconds)
    for phase, kinds in results["phases"].items():
        for kind, measured in kinds.items():
            print(f"{phase:17} {kind:14} " + "  ".join(f"{name} {value:,}" for name, value in measured.items()))
    for when, one in results["usage"].items():
        print(f"{when:17} {Usage(**one)}")
    print(f"{results['bundle_switches']} bundle switches, 0 failures")
    if not options.rie:
        print(f"Page p99 with photos to without: {results['page_p99_with_photos_to_without']}")
    print(f"Written: {write_json(options.out, 'load-rie' if options.rie else 'load', results)}")


if __name__ == "__main__":
    main()
