"""At how many products each limit ends a deployment, by the model of `vitrine plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from export.planning.deployment import Workload
from export.planning.on_lambda import build_limits, one_lambda
from export.planning.on_milvus import managed, on_a_cluster, on_a_node
from handler.manifest import MAX_LABELS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from export.planning.limits import Limit

DIMS = (384, 256, 128, 64)
ROUNDS = 1e6

_GROW_ON: tuple[tuple[str, Callable[[Workload], Sequence[Limit]], str], ...] = (
    ("one Lambda", lambda work: one_lambda(work).limits, "fewer dimensions, then a Milvus server"),
    (
        "the scheduled re-index's build",
        lambda work: build_limits(work.products, work.dim),
        "`vitrine index --shard` and `--merge` on a larger machine",
    ),
    ("Milvus on a node", lambda work: on_a_node(work).limits, "fewer dimensions, fewer bundles kept, then a cluster"),
    ("a Milvus cluster", lambda work: on_a_cluster(work).limits, "larger nodes"),
    ("Zilliz Cloud", lambda work: managed(work).limits, "a larger quota"),
)


def last(limits: Callable[[Workload], Sequence[Limit]], name: str, dim: int) -> int:
    """The most products at which the limit `name` holds; MAX_LABELS if it always does."""
    low, high = 0, MAX_LABELS + 1  # it holds at low, and not at high
    while high - low > 1:
        middle = (low + high) // 2
        holds = all(limit.holds for limit in limits(Workload(middle, ROUNDS, dim)) if limit.name == name)
        low, high = (middle, high) if holds else (low, middle)
    return low


def table() -> str:
    """Markdown: the products at which each limit that a catalog can reach ends, by dimensions of a vector."""
    rows = [["deployment", "limit", *(f"{dim} dimensions" for dim in DIMS), "what moves it"]]
    rows.append(["---", "---", *("---:" for _ in DIMS), "---"])
    for deployment, limits, setting in _GROW_ON:
        for limit in limits(Workload(1, ROUNDS)):
            ends = [last(limits, limit.name, dim) for dim in DIMS]
            if min(ends) < MAX_LABELS:
                shown = ("never" if end == MAX_LABELS else f"{end / 1e6:,.2f} million" for end in ends)
                reached = next(
                    one for one in limits(Workload(min(ends) + 1, ROUNDS, DIMS[0])) if one.name == limit.name
                )
                rows.append([deployment, f"{limit.name}, {reached.at_most:,.0f} {limit.unit}", *shown, setting])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
