"""What a month of Vitrine costs, line by line, in US dollars.

    python infra/cost.py                                      0, 1 million and 100 million rounds
    python infra/cost.py --rounds 5e6 --products 100000 --snapstart on

Prices come from infra/prices.toml. Only CloudFront's permanent allowance is deducted (`--allowance off` leaves it out);
no other free tier is. The options are what was measured or assumed; infra/README.md says which is which.
"""

from __future__ import annotations

import argparse
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PRICES = Path(__file__).with_name("prices.toml")
SECONDS_A_MONTH = 730 * 3600
DEFAULT_ROUNDS = (0, 1_000_000, 100_000_000)
REFRESH_SECONDS, KEYS_SECONDS = 30, 60
INDEX_DIM = 256
"""What a catalog keeps of the embedded encoder's 1,664 dimensions."""
BUNDLE_BYTES = 1_600
"""A product at INDEX_DIM: 1,172 in the index, 347 in the catalog, and its words."""
VECTOR_BYTES = 6_800
"""A photo in the state: the embedded encoder's 1,664 numbers, its name, ETag and content hash."""
PHOTOS_A_PART = 500
PRUNE_MEMORY_MB = 512
TRANSITIONS_A_LOOK, TRANSITIONS_A_PUBLISH, TRANSITIONS_A_PART = 4, 4, 3
RECOMMENDER_FREE = 10_000


@dataclass(frozen=True)
class Month:
    """Dollars by what they pay for."""

    lines: dict[str, float]

    @property
    def total(self) -> float:
        return sum(self.lines.values())


def read_prices(path: Path = PRICES) -> dict[str, float]:
    """Dollars, or the free quantity, by name."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: float(entry.get("dollars", entry.get("quantity"))) for name, entry in entries.items()}


def vitrine(rounds: float, o: argparse.Namespace, price: dict[str, float]) -> Month:
    """A month with that many rounds. Each shows ten new photos, which a browser cannot have cached."""
    processes = rounds * o.processes_a_million / 1e6
    lines = {
        "gateway": rounds / 1e6 * price["gateway"],
        "CloudFront": cloudfront(rounds, o, price),
        "function": function(rounds, o, price),
        "SnapStart": snapstart(rounds, o, price) if o.snapstart == "on" else 0.0,
        "reading keys": processes * SECONDS_A_MONTH / KEYS_SECONDS / 1e4 * price["kms"],
        "looking for new bundles": processes * SECONDS_A_MONTH / REFRESH_SECONDS / 1e3 * price["s3_get"],
        "looking for changes": looks(o, price),
        "embedding, building, pruning": publishes(o, price),
        "storage": storage_gb(o) * price["s3_storage"],
        "alarms": o.alarms * price["alarm"],
        "dashboard": price["dashboard"] if o.dashboard == "on" else 0.0,
        "logs": (rounds * o.log_kb + o.looks * 4) / 1024**2 * price["logs"],
        "traces": traces(rounds) / 1e6 * price["traces"] if o.tracing == "on" else 0.0,
    }
    return Month(lines)


def cloudfront(rounds: float, o: argparse.Namespace, price: dict[str, float]) -> float:
    """The API's answers and the photos."""
    requests = rounds * (1 + o.photos_a_round)
    gigabytes = rounds * (o.answer_kb + o.photos_a_round * o.photo_kb) / 1024**2
    if o.allowance == "on":
        requests = max(0.0, requests - price["cloudfront_free_requests"])
        gigabytes = max(0.0, gigabytes - price["cloudfront_free_gb"])
    return requests / 1e4 * price["cloudfront_requests"] + gigabytes * price["cloudfront_data"]


def function(rounds: float, o: argparse.Namespace, price: dict[str, float]) -> float:
    cold = rounds * o.cold_share
    start_ms = o.warm_ms if o.snapstart == "on" else o.cold_ms  # a start from a snapshot is billed as a restore
    seconds = ((rounds - cold) * o.warm_ms + cold * start_ms) / 1000
    return rounds / 1e6 * price["lambda_requests"] + seconds * o.memory_mb / 1024 * price["lambda_duration"]


def snapstart(rounds: float, o: argparse.Namespace, price: dict[str, float]) -> float:
    """One version: the stack deletes old ones."""
    gigabytes = o.memory_mb / 1024
    return gigabytes * (SECONDS_A_MONTH * price["snapshot"] + rounds * o.cold_share * price["restore"])


def looks(o: argparse.Namespace, price: dict[str, float]) -> float:
    """Every look lists the catalog and reads two small objects: Plan, the choice after it, the end, and the start."""
    seconds = o.looks * o.look_seconds * o.plan_memory_mb / 1024
    requests = o.looks * ((1 + o.products / 1000) * price["s3_put"] + 2 * price["s3_get"]) / 1e3
    return seconds * price["lambda_duration"] + requests + o.looks * TRANSITIONS_A_LOOK / 1e3 * price["transitions"]


def publishes(o: argparse.Namespace, price: dict[str, float]) -> float:
    """A look that finds a change embeds the changed parts, builds and prunes. Each part is its own child execution."""
    parts = o.products / PHOTOS_A_PART
    changed = max(1.0, min(o.changed_photos, parts))  # photos of a change lie in as many parts as there are
    photos = o.changed_photos * o.photo_seconds + changed * o.part_seconds
    megabyte_seconds = (
        photos * o.embed_memory_mb + o.build_seconds * o.build_memory_mb + o.prune_seconds * PRUNE_MEMORY_MB
    )
    transitions = TRANSITIONS_A_PUBLISH + changed * TRANSITIONS_A_PART
    requests = (3 * changed + 20) * price["s3_put"] + (parts + o.changed_photos) * 2 * price["s3_get"]
    each = (
        megabyte_seconds / 1024 * price["lambda_duration"] + transitions / 1e3 * price["transitions"] + requests / 1e3
    )
    return float(o.publishes * each)


def storage_gb(o: argparse.Namespace) -> float:
    """Photos, their vectors, five bundles, and those deleted less than a month ago, which versioning keeps."""
    bundles = (5 + o.publishes) * o.products * BUNDLE_BYTES
    return float(o.products * (o.photo_kb * 1024 + VECTOR_BYTES) + bundles) / 1024**3


def traces(rounds: float) -> float:
    """X-Ray records one request a second and 5 % of the others: nearly all of them, if they come evenly."""
    reservoir = min(rounds, SECONDS_A_MONTH)
    return reservoir + 0.05 * (rounds - reservoir)


def vector_database(o: argparse.Namespace, price: dict[str, float]) -> float:
    """OpenSearch Serverless at its floor, whether anybody searches or not."""
    return float(o.ocus) * price["opensearch_ocu"] * 730


def s3_vectors(rounds: float, o: argparse.Namespace, price: dict[str, float]) -> float:
    """One query a round. Sessions, exploration, the API and the pictures would come on top, at Vitrine's own prices."""
    gigabytes = o.products * 4 * INDEX_DIM / 1024**3
    queries = rounds / 1e6 * price["vectors_queries"] + rounds * gigabytes / 1024 * price["vectors_data"]
    return float(gigabytes * price["vectors_storage"] + queries)


def recommender(rounds: float, price: dict[str, float]) -> float:
    return max(0.0, rounds - RECOMMENDER_FREE) / 1000 * price["recommender"]


def table(o: argparse.Namespace, price: dict[str, float]) -> str:
    """Markdown."""
    months = {rounds: vitrine(rounds, o, price) for rounds in o.rounds}
    rows = [["rounds a month", *(f"{rounds:,.0f}" for rounds in months)], ["---", *("---:" for _ in months)]]
    rows += [[name, *(f"{month.lines[name]:,.2f}" for month in months.values())] for name in vitrine(0, o, price).lines]
    rows.append(["**Vitrine**", *(f"**{month.total:,.2f}**" for month in months.values())])
    rows.append(["S3 Vectors, its queries alone", *(f"{s3_vectors(rounds, o, price):,.2f}" for rounds in months)])
    rows.append(["always-on vector database, its floor", *(f"{vector_database(o, price):,.2f}" for _ in months)])
    rows.append(["managed recommender, list price", *(f"{recommender(rounds, price):,.2f}" for rounds in months)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=float, nargs="+", default=DEFAULT_ROUNDS)
    for name, default in (("snapstart", "off"), ("dashboard", "off"), ("tracing", "off"), ("allowance", "on")):
        parser.add_argument(f"--{name}", choices=("on", "off"), default=default, help="default %(default)s")
    measured, assumed = parser.add_argument_group("measured"), parser.add_argument_group("assumed")
    groups: tuple[tuple[Any, str, float], ...] = (
        (measured, "warm-ms", 4.0),
        (measured, "cold-ms", 1340.0),
        (measured, "answer-kb", 3.4),
        (measured, "log-kb", 1.6),
        (measured, "alarms", 8.0),
        (assumed, "products", 10_000.0),
        (assumed, "photo-kb", 30.0),
        (assumed, "photos-a-round", 10.0),
        (assumed, "memory-mb", 1769.0),
        (assumed, "cold-share", 0.01),
        (assumed, "processes-a-million", 2.0),
        (assumed, "looks", 730.0),
        (assumed, "look-seconds", 1.5),
        (assumed, "plan-memory-mb", 1024.0),
        (assumed, "publishes", 4.0),
        (assumed, "changed-photos", 100.0),
        (assumed, "photo-seconds", 0.1),
        (assumed, "part-seconds", 3.0),
        (assumed, "embed-memory-mb", 3008.0),
        (assumed, "build-seconds", 15.0),
        (assumed, "build-memory-mb", 3008.0),
        (assumed, "prune-seconds", 3.0),
        (assumed, "ocus", 2.0),
    )
    for group, name, default in groups:
        group.add_argument(f"--{name}", type=float, default=default, help=f"default {default:.10g}")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    print(table(options(), read_prices()))
