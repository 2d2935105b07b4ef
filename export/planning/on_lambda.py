"""One Lambda function that holds the whole index: with all dimensions, or on a diet."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from export.planning import limits
from export.planning.cost import Assumptions, vitrine
from export.planning.deployment import Deployment, embedding_hours
from export.planning.figures import measured, prices
from export.planning.limits import Limit
from export.planning.month import DAYS_A_MONTH

if TYPE_CHECKING:
    from export.planning.deployment import Workload

MB = 1e6
DIETS = (192, 128, 96, 64)
SPARE = 1.25
"""Memory of the function to what the process needs."""


def one_lambda(work: Workload, dim: int | None = None) -> Deployment:
    """`dim` None keeps the workload's own; fewer are a diet."""
    kept = dim or work.dim
    m, n = measured(), work.products
    bundle_mb = n * (m["bundle_bytes"] + 4 * kept) / MB
    process_mb = m["process_mb"] + n * (m["resident_bytes"] + 4 * kept) / MB
    memory_mb = max(limits.LAMBDA_MIN_MEMORY_MB, math.ceil(process_mb * SPARE))
    cold = m["cold_seconds"] + n / 1e6 * m["cold_seconds_a_million"] + bundle_mb / m["download_mb_a_second"]
    ms = round_ms(n)
    assumptions = replace(
        common(work),
        memory_mb=memory_mb,
        warm_ms=Assumptions.warm_ms + ms - round_ms(1),
        cold_ms=cold * 1_000,
        bundle_bytes=m["bundle_bytes"] + 4 * kept,
        build_seconds=build_seconds(n),
        looks=730,
    )
    return Deployment(
        key="lambda" if dim is None else "lambda-diet",
        name="one Lambda" if dim is None else f"one Lambda, {kept} dimensions",
        tried="in an emulator and in sam local, up to 100,000 products; not on AWS",
        memory_gb=memory_mb / 1_024,
        cold_seconds=cold,
        round_ms=ms,
        index_hours=embedding_hours(n) + build_seconds(n) / 3_600,
        month=vitrine(work.rounds, assumptions, prices()),
        limits=(
            Limit("memory", memory_mb, limits.LAMBDA_MEMORY_MB, "MB", "fewer dimensions, or a Milvus server"),
            Limit(
                "two bundles and the encoder in /tmp",
                2 * bundle_mb + m["encoder_mb"],
                limits.LAMBDA_STORAGE_MB,
                "MB",
                "fewer dimensions, or a Milvus server",
            ),
            Limit(
                "cold start", cold, limits.GATEWAY_SECONDS, "s, the gateway's", "fewer dimensions, or a Milvus server"
            ),
            Limit("artifact", m["api_artifact_mb"], limits.LAMBDA_ARTIFACT_MB, "MB", "a container image"),
            *traffic(work, ms),
        ),
        remarks=(*_diet_remarks(dim), *_build_remarks(n, kept), *throttling(work)),
    )


def diet(work: Workload) -> Deployment | None:
    """One Lambda with the most dimensions below the workload's with which it fits, or else the fewest."""
    diets = [one_lambda(work, dim) for dim in DIETS if dim < work.dim]
    return next((one for one in diets if one.fits), diets[-1] if diets else None)


def common(work: Workload) -> Assumptions:
    """What the cost model takes from the workload, wherever its vectors are."""
    publishes = work.publishes
    changed = work.changed_a_day * DAYS_A_MONTH / publishes if publishes else 0.0
    return Assumptions(products=work.products, publishes=publishes, changed_photos=changed)


def traffic(work: Workload, ms: float) -> tuple[Limit, ...]:
    """Limits of an account that every deployment behind the gateway shares."""
    processes = math.ceil(work.peak_rate * ms / 1e3)
    return (
        Limit("requests at the peak", work.peak_rate, limits.GATEWAY_RATE, "a second", "the quota of the account"),
        Limit("processes at the peak", processes, limits.LAMBDA_CONCURRENCY, "at once", "the quota of the account"),
    )


def throttling(work: Workload) -> tuple[str, ...]:
    """What the stack's own throttle has to be, where its default is too low."""
    if work.peak_rate <= limits.THROTTLING_RATE:
        return ()
    return (
        f"Raise ThrottlingRate, {limits.THROTTLING_RATE} requests a second, above the peak of {work.peak_rate:,.0f}.",
    )


def round_ms(products: float) -> float:
    """A warm round grows with the logarithm of the products, as the search of a graph does."""
    m = measured()
    return m["round_ms"] + m["round_ms_a_decade"] * math.log10(max(products, 500) / 1e5)


def build_seconds(products: float) -> float:
    """Starting, and the index on two cores."""
    return 10 + products / 1e6 * measured()["build_seconds_a_million"]


def build_limits(products: int, dim: int) -> tuple[Limit, ...]:
    """What the scheduled re-index's build needs. A bundle that it cannot build is built elsewhere."""
    m, elsewhere = measured(), "vitrine index --shard and --merge"
    memory_mb = m["build_mb"] + products * (m["build_bytes"] + 4 * dim) / MB
    a_product = m["raw_bytes"] + 8 * dim + m["bundle_bytes"] + 2 * m["catalog_bytes"]
    storage_mb = m["encoder_mb"] + products * a_product / MB
    return (
        Limit("memory", memory_mb, limits.LAMBDA_MEMORY_MB, "MB", elsewhere),
        Limit("storage", storage_mb, limits.LAMBDA_STORAGE_MB, "MB", elsewhere),
        Limit("time", build_seconds(products), limits.LAMBDA_SECONDS, "s", elsewhere),
    )


def _build_remarks(products: int, dim: int) -> tuple[str, ...]:
    needed = build_limits(products, dim)
    broken = [str(limit) for limit in needed if not limit.holds]
    if not broken:
        return ()
    return (
        f"The scheduled re-index cannot build this bundle ({'; '.join(broken)}): build it on a machine with "
        f"{needed[0].needs / 1_000:,.0f} GB, by vitrine index --shard and --merge into the bucket.",
    )


def _diet_remarks(dim: int | None) -> tuple[str, ...]:
    if dim is None:
        return ()
    return (f"Fewer dimensions find other neighbors: compare vitrine index --dim auto with --dim {dim} before.",)
