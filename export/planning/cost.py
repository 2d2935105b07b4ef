"""What a month of the stack costs, line by line, in US dollars.

Only CloudFront's permanent allowance is deducted (`allowance=False` leaves it out); no other free tier is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from export.planning.month import HOURS_A_MONTH, SECONDS_A_MONTH, Month

if TYPE_CHECKING:
    from collections.abc import Mapping

REFRESH_SECONDS, KEYS_SECONDS, METRICS_SECONDS = 30, 60, 60
METRICS = 5
"""Custom metrics that every hour with rounds has: the rounds of one strategy, three stages, the bundle's age."""
METRICS_LINE_KB = 0.7
PHOTOS_A_PART = 500
PRUNE_MEMORY_MB = 512
TRANSITIONS_A_LOOK, TRANSITIONS_A_PUBLISH, TRANSITIONS_A_PART = 4, 4, 3
RECOMMENDER_FREE = 10_000
TIER_1, TIER_2 = 100_000, 10_000_000
"""Vectors of an S3 Vectors index after which reading one in a query becomes cheaper."""


def _measured(value: float) -> float:
    found: float = field(default=value, metadata={"group": "measured"})
    return found


def _assumed(value: float) -> float:
    found: float = field(default=value, metadata={"group": "assumed"})
    return found


@dataclass(frozen=True)
class Assumptions:
    """What decides a month's cost besides the rounds. infra/README.md says where each figure is from."""

    snapstart: bool = False
    dashboard: bool = False
    tracing: bool = False
    allowance: bool = True
    warm_ms: float = _measured(4.0)
    cold_ms: float = _measured(1340.0)
    answer_kb: float = _measured(3.4)
    log_kb: float = _measured(1.6)
    alarms: float = _measured(8.0)
    bundle_bytes: float = _measured(1_600.0)
    """A product at 256 dimensions: 1,172 in the index, 347 in the catalog, and its words."""
    vector_bytes: float = _measured(6_800.0)
    """A photo in the state: the embedded encoder's 1,664 numbers, its name, ETag and content hash."""
    products: float = _assumed(10_000.0)
    photo_kb: float = _assumed(30.0)
    photos_a_round: float = _assumed(10.0)
    memory_mb: float = _assumed(1769.0)
    cold_share: float = _assumed(0.01)
    processes_a_million: float = _assumed(2.0)
    looks: float = _assumed(730.0)
    look_seconds: float = _assumed(1.5)
    plan_memory_mb: float = _assumed(1024.0)
    publishes: float = _assumed(4.0)
    changed_photos: float = _assumed(100.0)
    photo_seconds: float = _assumed(0.1)
    part_seconds: float = _assumed(3.0)
    embed_memory_mb: float = _assumed(3008.0)
    build_seconds: float = _assumed(15.0)
    build_memory_mb: float = _assumed(3008.0)
    prune_seconds: float = _assumed(3.0)
    ocus: float = _assumed(2.0)


def vitrine(rounds: float, a: Assumptions, price: Mapping[str, float]) -> Month:
    """A month with that many rounds. Each shows ten new photos, which a browser cannot have cached."""
    processes = rounds * a.processes_a_million / 1e6
    return Month(
        {
            "gateway": rounds / 1e6 * price["gateway"],
            "CloudFront": cloudfront(rounds, a, price),
            "function": function(rounds, a, price),
            "SnapStart": snapstart(rounds, a, price) if a.snapstart else 0.0,
            "reading keys": processes * SECONDS_A_MONTH / KEYS_SECONDS / 1e4 * price["kms"],
            "looking for new bundles": processes * SECONDS_A_MONTH / REFRESH_SECONDS / 1e3 * price["s3_get"],
            "looking for changes": looks(a, price),
            "embedding, building, pruning": publishes(a, price),
            "storage": storage_gb(a) * price["s3_storage"],
            "alarms": a.alarms * price["alarm"],
            "metrics": metrics(rounds, price),
            "dashboard": price["dashboard"] if a.dashboard else 0.0,
            "logs": logs_gb(rounds, a) * price["logs"],
            "traces": traces(rounds) / 1e6 * price["traces"] if a.tracing else 0.0,
        }
    )


def cloudfront(rounds: float, a: Assumptions, price: Mapping[str, float]) -> float:
    """The API's answers and the photos."""
    requests = rounds * (1 + a.photos_a_round)
    gigabytes = rounds * (a.answer_kb + a.photos_a_round * a.photo_kb) / 1024**2
    if a.allowance:
        requests = max(0.0, requests - price["cloudfront_free_requests"])
        gigabytes = max(0.0, gigabytes - price["cloudfront_free_gb"])
    return requests / 1e4 * price["cloudfront_requests"] + gigabytes * price["cloudfront_data"]


def function(rounds: float, a: Assumptions, price: Mapping[str, float]) -> float:
    cold = rounds * a.cold_share
    start_ms = a.warm_ms if a.snapstart else a.cold_ms  # a start from a snapshot is billed as a restore
    seconds = ((rounds - cold) * a.warm_ms + cold * start_ms) / 1000
    return rounds / 1e6 * price["lambda_requests"] + seconds * a.memory_mb / 1024 * price["lambda_duration"]


def snapstart(rounds: float, a: Assumptions, price: Mapping[str, float]) -> float:
    """One version: the stack deletes old ones."""
    gigabytes = a.memory_mb / 1024
    return gigabytes * (SECONDS_A_MONTH * price["snapshot"] + rounds * a.cold_share * price["restore"])


def looks(a: Assumptions, price: Mapping[str, float]) -> float:
    """Every look lists the catalog and reads two small objects: Plan, the choice after it, the end, and the start."""
    seconds = a.looks * a.look_seconds * a.plan_memory_mb / 1024
    requests = a.looks * ((1 + a.products / 1000) * price["s3_put"] + 2 * price["s3_get"]) / 1e3
    return seconds * price["lambda_duration"] + requests + a.looks * TRANSITIONS_A_LOOK / 1e3 * price["transitions"]


def publishes(a: Assumptions, price: Mapping[str, float]) -> float:
    """A look that finds a change embeds the changed parts, builds and prunes. Each part is its own child execution."""
    parts = a.products / PHOTOS_A_PART
    changed = max(1.0, min(a.changed_photos, parts))  # photos of a change lie in as many parts as there are
    photos = a.changed_photos * a.photo_seconds + changed * a.part_seconds
    megabyte_seconds = (
        photos * a.embed_memory_mb + a.build_seconds * a.build_memory_mb + a.prune_seconds * PRUNE_MEMORY_MB
    )
    transitions = TRANSITIONS_A_PUBLISH + changed * TRANSITIONS_A_PART
    requests = (3 * changed + 20) * price["s3_put"] + (parts + a.changed_photos) * 2 * price["s3_get"]
    each = (
        megabyte_seconds / 1024 * price["lambda_duration"] + transitions / 1e3 * price["transitions"] + requests / 1e3
    )
    return a.publishes * each


def storage_gb(a: Assumptions) -> float:
    """Photos, their vectors, five bundles, and those deleted less than a month ago, which versioning keeps."""
    bundles = (5 + a.publishes) * a.products * a.bundle_bytes
    return (a.products * (a.photo_kb * 1024 + a.vector_bytes) + bundles) / 1024**3


def metrics(rounds: float, price: Mapping[str, float]) -> float:
    """CloudWatch bills a custom metric for each hour in which it got a value; rounds are taken to come at random."""
    hours = HOURS_A_MONTH * -math.expm1(-rounds / HOURS_A_MONTH)
    return METRICS * hours / HOURS_A_MONTH * price["metric"]


def logs_gb(rounds: float, a: Assumptions) -> float:
    """The lines of rounds and looks, and the metrics of each process: one line a minute, or fewer if rounds are."""
    minutes = rounds * a.processes_a_million / 1e6 * SECONDS_A_MONTH / METRICS_SECONDS
    return (rounds * a.log_kb + a.looks * 4 + min(rounds, minutes) * METRICS_LINE_KB) / 1024**2


def traces(rounds: float) -> float:
    """X-Ray records one request a second and 5% of the others: nearly all of them, if they come evenly."""
    reservoir = min(rounds, SECONDS_A_MONTH)
    return reservoir + 0.05 * (rounds - reservoir)


def vector_database(a: Assumptions, price: Mapping[str, float]) -> float:
    """OpenSearch Serverless at its floor, whether anybody searches or not."""
    return a.ocus * price["opensearch_ocu"] * HOURS_A_MONTH


def s3_vectors(rounds: float, products: float, dim: int, price: Mapping[str, float]) -> dict[str, float]:
    """Storage and one query a round. Sessions, exploration, the API and the pictures would come on top.

    A query is billed for every vector of the index, the first 100,000 at one price, those beyond 10 million at a third.
    """
    tiers = (
        (min(products, TIER_1), "vectors_data"),
        (min(max(products - TIER_1, 0), TIER_2 - TIER_1), "vectors_data_large"),
        (max(products - TIER_2, 0), "vectors_data_huge"),
    )
    a_query = sum(vectors * 4 * dim / 1024**4 * price[name] for vectors, name in tiers)
    return {
        "vectors": products * 4 * dim / 1024**3 * price["vectors_storage"],
        "queries": rounds / 1e6 * price["vectors_queries"] + rounds * a_query,
    }


def recommender(rounds: float, price: Mapping[str, float]) -> float:
    return max(0.0, rounds - RECOMMENDER_FREE) / 1000 * price["recommender"]
