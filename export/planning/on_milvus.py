"""Vectors and products in Milvus: on one node, in a cluster of nodes, or managed. The function holds no catalog."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from export.planning import limits
from export.planning.cost import Assumptions, vitrine
from export.planning.deployment import Deployment, embedding_hours
from export.planning.figures import PRICES, measured, prices, read_entries
from export.planning.limits import Limit
from export.planning.month import HOURS_A_MONTH, Month
from export.planning.on_lambda import common, round_ms, throttling, traffic

if TYPE_CHECKING:
    from export.planning.deployment import Workload

VERSIONS = 2
"""Collections that are loaded at once: the current bundle's, and the one before or the one that is being built."""
ZONES, ENDPOINTS = 2, 2
"""Interface endpoints with which functions in a VPC read keys (SSM) and the server's token (Secrets Manager)."""
CLUSTER_NODE, CLUSTER_SPARE_NODES = "r7i_4xlarge", 3
"""Query nodes, and small ones (`r7i_large`) for coordinators, proxies, etcd and storage."""
MAX_CLUSTER_NODES = 100
MAX_CUS = 256
"""What Zilliz Cloud offers without asking."""
LOOKS = 30.0
"""A day: listing a catalog of millions is slow and costs as much as its photos."""
NETWORK_MS = 1.0
"""Between a function and a node in the same region. Not measured."""
CU_DIM = 768


class Node(NamedTuple):
    """An EC2 instance of the price file."""

    key: str
    gib: int
    vcpu: int
    dollars: float
    """An hour."""

    @property
    def gb(self) -> float:
        return self.gib * 2**30 / 1e9

    @property
    def name(self) -> str:
        return self.key.replace("_", ".")


@cache
def nodes() -> tuple[Node, ...]:
    """By memory, the smallest first."""
    entries = read_entries(PRICES)
    found = [Node(key, one["gib"], one["vcpu"], one["dollars"]) for key, one in entries.items() if "gib" in one]
    return tuple(sorted(found, key=lambda node: node.gib))


def memory_gb(products: int, dim: int, versions: int = VERSIONS) -> float:
    """What a server needs, so that loading and compaction have room, too."""
    m = measured()
    held = m["milvus_mb"] / 1_000 + versions * products * (m["milvus_bytes"] + 4 * dim) / 1e9
    return held / m["memory_share"]


def on_a_node(work: Workload) -> Deployment:
    """The smallest node with room; the largest if none has."""
    gb, cores = memory_gb(work.products, work.dim), _cores(work)
    listed = nodes()
    node = next((one for one in listed if one.gib * 1.0737 >= gb and one.vcpu >= cores), listed[-1])
    return _deployment(
        work,
        key="milvus-node",
        name=f"Milvus on {node.name}",
        tried="a Milvus 2.3.5 server on one machine, up to 300,000 products; not on AWS",
        memory_gb=gb,
        lines={
            "server": node.dollars * HOURS_A_MONTH,
            "disk": _disk_gb(work) * prices()["ebs"],
            "endpoints": _endpoints(),
        },
        own_limits=(
            Limit("memory of the node", gb, node.gb, "GB", "--dim, fewer bundles kept, or a cluster"),
            Limit("cores of the node", cores, node.vcpu, "vCPU", "a larger node, or a cluster"),
        ),
        remarks=("One node is one point of failure; a second one doubles the line `server`.",),
    )


def on_a_cluster(work: Workload) -> Deployment:
    """Query nodes that share the vectors, on the shop's own Kubernetes."""
    node = next(one for one in nodes() if one.key == CLUSTER_NODE)
    gb = memory_gb(work.products, work.dim)
    count = max(2, math.ceil(gb / (node.gb)), math.ceil(_cores(work) / node.vcpu))
    server = (count * node.dollars + CLUSTER_SPARE_NODES * prices()["r7i_large"]) * HOURS_A_MONTH
    return _deployment(
        work,
        key="milvus-cluster",
        name=f"Milvus on {count} x {node.name}",
        tried="not tried",
        memory_gb=gb,
        lines={"server": server, "disk": _disk_gb(work) * prices()["ebs"], "endpoints": _endpoints()},
        own_limits=(Limit("query nodes", count, MAX_CLUSTER_NODES, "nodes", "--dim, or larger nodes"),),
        remarks=("Somebody has to run it: Kubernetes, etcd and object storage are not in the price.",),
    )


def managed(work: Workload) -> Deployment:
    """Zilliz Cloud, capacity-optimized."""
    m = measured()
    vectors = m["capacity_cu_vectors"] * CU_DIM / work.dim
    count = max(1, math.ceil(VERSIONS * work.products / vectors), math.ceil(2 * work.peak_rate / m["capacity_cu_qps"]))
    held = VERSIONS * work.products * (m["milvus_bytes"] + 4 * work.dim) / 1e9
    return _deployment(
        work,
        key="milvus-managed",
        name=f"Zilliz Cloud, {count} CU",
        tried="not tried",
        memory_gb=None,
        lines={
            "server": count * prices()["zilliz_cu"] * HOURS_A_MONTH,
            "disk": held * prices()["zilliz_storage"],
            "endpoints": 0.0,
        },
        own_limits=(Limit("compute units", count, MAX_CUS, "CU", "--dim, or ask Zilliz"),),
        remarks=("Reached over the internet with TLS, so the function needs no VPC.",),
        search_ms=m["capacity_cu_ms"],
    )


def _deployment(
    work: Workload,
    *,
    lines: dict[str, float],
    own_limits: tuple[Limit, ...],
    remarks: tuple[str, ...],
    search_ms: float | None = None,
    **described: Any,
) -> Deployment:
    m = measured()
    ms = _round_ms(work.products) if search_ms is None else round_ms(1) + search_ms
    cold = m["cold_seconds"] + m["milvus_cold_seconds"]
    assumptions = replace(
        common(work),
        warm_ms=Assumptions.warm_ms + ms,
        cold_ms=cold * 1_000,
        bundle_bytes=0.0,
        build_seconds=_fill_seconds(work.products),
        looks=LOOKS,
    )
    month = vitrine(work.rounds, assumptions, prices())
    return Deployment(
        cold_seconds=cold,
        round_ms=ms,
        index_hours=embedding_hours(work.products) + _fill_seconds(work.products) / 3_600,
        month=Month({**lines, **month.lines}),
        limits=(*own_limits, _artifact(), *traffic(work, ms)),
        remarks=(*remarks, *throttling(work)),
        **described,
    )


def _artifact() -> Limit:
    m = measured()
    needs = m["api_artifact_mb"] + m["milvus_artifact_mb"]
    return Limit("artifact", needs, limits.LAMBDA_ARTIFACT_MB, "MB", "a container image")


def _round_ms(products: float) -> float:
    m = measured()
    return m["milvus_round_ms"] + m["milvus_round_ms_a_decade"] * math.log10(max(products, 20_000) / 1e5) + NETWORK_MS


def _fill_seconds(products: float) -> float:
    return products / 1e6 * measured()["milvus_seconds_a_million"]


def _cores(work: Workload) -> int:
    return max(2, math.ceil(work.peak_rate / measured()["milvus_rounds_a_core"]))


def _disk_gb(work: Workload) -> float:
    m = measured()
    held = VERSIONS * work.products * (m["milvus_bytes"] + 4 * work.dim) / 1e9
    return 20 + held * m["milvus_disk_factor"]


def _endpoints() -> float:
    """S3's gateway endpoint is free."""
    return ENDPOINTS * ZONES * prices()["endpoint"] * HOURS_A_MONTH
