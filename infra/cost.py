"""What a month of Vitrine costs, in US dollars; every price and every measured duration is an option.

    python infra/cost.py                      0, 1 million and 100 million rounds
    python infra/cost.py --rounds 5e6 --memory-mb 1024 --snapstart off

Prices are list prices of us-east-1 without free tiers; infra/README.md names the source of each. No network is used.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

SECONDS_A_MONTH = 730 * 3600
DEFAULT_ROUNDS = (0, 1_000_000, 100_000_000)
ALWAYS_ON_OCU_HOUR = 0.24
RECOMMENDER_A_THOUSAND = 0.60
RECOMMENDER_FREE = 10_000


@dataclass(frozen=True)
class Month:
    """Dollars by what they are paid for."""

    lines: dict[str, float]

    @property
    def total(self) -> float:
        return sum(self.lines.values())


def vitrine(rounds: float, o: argparse.Namespace) -> Month:
    gigabytes = o.memory_mb / 1024
    cold = rounds * o.cold_share
    warm = rounds - cold
    # With SnapStart a start is a restore; without, it is billed like any other duration.
    start_ms = o.warm_ms if o.snapstart == "on" else o.cold_ms
    lambda_seconds = (warm * o.warm_ms + cold * start_ms) / 1000
    cached = o.snapshots * gigabytes * SECONDS_A_MONTH * o.price_snapshot_gb_second
    restored = cold * gigabytes * o.price_restore_gb
    return Month(
        {
            "gateway": rounds / 1e6 * o.price_gateway_million,
            "function": rounds / 1e6 * o.price_requests_million + lambda_seconds * gigabytes * o.price_gb_second,
            "SnapStart": cached + restored if o.snapstart == "on" else 0.0,
            "data out": rounds * o.answer_kb / 1024**2 * o.price_out_gb,
            "re-index": o.reindex_runs * o.reindex_seconds * o.reindex_memory_mb / 1024 * o.price_gb_second,
            "S3": o.bucket_gb * o.price_s3_gb,
            "secret": o.price_secret,
            "alarms, dashboard": o.alarms * o.price_alarm + o.price_dashboard,
            "traces": rounds * o.traced_share / 1e6 * o.price_traces_million,
            "logs": rounds * o.log_kb / 1024**2 * o.price_log_gb,
        }
    )


def vector_database(o: argparse.Namespace) -> float:
    """Its floor: what it costs with nobody asking. Rounds come on top only where they need more than the floor."""
    return float(o.ocus * ALWAYS_ON_OCU_HOUR * 730)


def recommender(rounds: float) -> float:
    return max(0.0, rounds - RECOMMENDER_FREE) / 1000 * RECOMMENDER_A_THOUSAND


def table(o: argparse.Namespace) -> str:
    months = {rounds: vitrine(rounds, o) for rounds in o.rounds}
    rows = [["rounds a month", *(f"{rounds:,.0f}" for rounds in months)], ["---", *("---:" for _ in months)]]
    rows += [[name, *(f"{month.lines[name]:,.2f}" for month in months.values())] for name in vitrine(0, o).lines]
    rows.append(["**Vitrine**", *(f"**{month.total:,.2f}**" for month in months.values())])
    rows.append(["always-on vector database, its floor", *(f"{vector_database(o):,.2f}" for _ in months)])
    rows.append(["managed recommender, list price", *(f"{recommender(rounds):,.2f}" for rounds in months)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=float, nargs="+", default=DEFAULT_ROUNDS)
    parser.add_argument("--snapstart", choices=("on", "off"), default="on")
    measured = parser.add_argument_group("measured (infra/README.md says how)")
    assumed = parser.add_argument_group("assumed")
    prices = parser.add_argument_group("prices")
    for group, name, default in (
        (measured, "warm-ms", 4.0),
        (measured, "cold-ms", 1340.0),
        (measured, "answer-kb", 3.4),
        (assumed, "memory-mb", 1769.0),
        (assumed, "cold-share", 0.01),
        (assumed, "snapshots", 1.0),
        (assumed, "reindex-runs", 730.0),
        (assumed, "reindex-seconds", 3.0),
        (assumed, "reindex-memory-mb", 3008.0),
        (assumed, "bucket-gb", 2.0),
        (assumed, "log-kb", 0.5),
        (assumed, "alarms", 8.0),
        (assumed, "traced-share", 0.05),
        (assumed, "ocus", 2.0),
        (prices, "price-gateway-million", 1.00),
        (prices, "price-requests-million", 0.20),
        (prices, "price-gb-second", 0.0000166667),
        (prices, "price-snapshot-gb-second", 0.0000015046),
        (prices, "price-restore-gb", 0.0001397998),
        (prices, "price-out-gb", 0.09),
        (prices, "price-s3-gb", 0.023),
        (prices, "price-secret", 0.40),
        (prices, "price-alarm", 0.10),
        (prices, "price-dashboard", 3.00),
        (prices, "price-traces-million", 5.00),
        (prices, "price-log-gb", 0.50),
    ):
        group.add_argument(f"--{name}", type=float, default=default, help=f"default {default:.10g}")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    print(table(options()))
