"""Which deployment fits a workload: the first that does, from the simplest to the largest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from export.planning.deployment import INDEX_CORES
from export.planning.on_lambda import diet, one_lambda
from export.planning.on_milvus import managed, on_a_cluster, on_a_node
from export.planning.on_s3_vectors import on_s3_vectors

if TYPE_CHECKING:
    from export.planning.deployment import Deployment, Workload


@dataclass(frozen=True)
class Plan:
    """Every deployment for a workload, and the one to take. `suggested` is None if none fits."""

    workload: Workload
    deployments: tuple[Deployment, ...]
    suggested: Deployment | None


def suggest(work: Workload) -> Plan:
    """A function that holds the index needs no server; one server is simpler than several, which the price decides."""
    smaller = diet(work)
    single = [one_lambda(work), *([smaller] if smaller else []), on_a_node(work)]
    several = [on_a_cluster(work), managed(work)]
    in_order = single + sorted(several, key=lambda one: one.month.total)
    fitting = (one for one in in_order if one.fits)
    return Plan(work, (*single, *several, on_s3_vectors(work)), next(fitting, None))


def to_json(plan: Plan) -> dict[str, Any]:
    """For scripts: plain numbers, with their units in the names."""
    work = plan.workload
    return {
        "products": work.products,
        "rounds_a_month": work.rounds,
        "dim": work.dim,
        "changes_a_day": work.changed_a_day,
        "index_cores": INDEX_CORES,
        "suggested": plan.suggested.key if plan.suggested else None,
        "deployments": [_described(one) for one in plan.deployments],
    }


def _described(one: Deployment) -> dict[str, Any]:
    return {
        "key": one.key,
        "name": one.name,
        "fits": one.fits,
        "tried": one.tried,
        "memory_gb": None if one.memory_gb is None else round(one.memory_gb, 2),
        "cold_seconds": round(one.cold_seconds, 2),
        "round_ms": round(one.round_ms, 2),
        "index_hours": round(one.index_hours, 2),
        "dollars_a_month": round(one.month.total, 2),
        "lines": {name: round(dollars, 2) for name, dollars in one.month.lines.items()},
        "limits": [
            {
                "name": limit.name,
                "needs": round(limit.needs, 3),
                "at_most": limit.at_most,
                "unit": limit.unit,
                "holds": limit.holds,
                "setting": limit.setting,
            }
            for limit in one.limits
        ],
        "remarks": list(one.remarks),
    }
