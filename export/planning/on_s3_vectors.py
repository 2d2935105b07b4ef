"""S3 Vectors, on paper: Vitrine has no code for it, and no emulator answers its queries."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from export.planning import limits
from export.planning.cost import Assumptions, s3_vectors, vitrine
from export.planning.deployment import Deployment, embedding_hours
from export.planning.figures import measured, prices
from export.planning.limits import Limit
from export.planning.month import DAYS_A_MONTH, Month
from export.planning.on_lambda import common, round_ms, traffic

if TYPE_CHECKING:
    from export.planning.deployment import Workload


def on_s3_vectors(work: Workload) -> Deployment:
    """One index that holds the whole catalog, asked once a round."""
    m, price = measured(), prices()
    ms = round_ms(1) + m["s3_vectors_ms"]
    assumptions = replace(
        common(work),
        warm_ms=Assumptions.warm_ms + m["s3_vectors_ms"],
        cold_ms=m["cold_seconds"] * 1_000,
        bundle_bytes=m["catalog_bytes"],
    )
    vectors = s3_vectors(work.rounds, work.products, work.dim, price)
    written = DAYS_A_MONTH * work.changed_a_day * 4 * work.dim / 1024**3 * price["vectors_put"]
    seconds = work.products / m["s3_vectors_puts"]
    return Deployment(
        key="s3-vectors",
        name="S3 Vectors, on paper",
        tried="not tried: Vitrine has no code for it",
        memory_gb=None,
        cold_seconds=m["cold_seconds"],
        round_ms=ms,
        index_hours=embedding_hours(work.products) + seconds / 3_600,
        month=Month({**vectors, "writing vectors": written, **vitrine(work.rounds, assumptions, price).lines}),
        limits=(
            Limit("vectors of an index", work.products, limits.S3_VECTORS_AN_INDEX, "vectors", "several indexes"),
            Limit("queries at the peak", work.peak_rate, m["s3_vectors_qps"], "a second", "several indexes"),
            *traffic(work, ms),
        ),
        remarks=(
            "A query returns at most 100 products and cannot leave out the thousands that a session has seen.",
            "Every query is billed for the whole index, so a round's price grows with the catalog.",
        ),
        suggestible=False,
    )
