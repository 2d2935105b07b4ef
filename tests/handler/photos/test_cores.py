"""The number of cores is the container's: a quota counts, and so does the affinity."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from handler.photos.cores import available_cores

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of 64 cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)


def cores(tmp_path: Path, own: str, **files: str) -> int:
    """`files` by path below the cgroups' root, with `__` for a slash and `_` kept."""
    for name, text in files.items():
        path = tmp_path / name.replace("__", "/").replace("cpu_max", "cpu.max").replace("cpu_cfs", "cpu.cfs")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "own").write_text(own)
    return available_cores(tmp_path, tmp_path / "own")


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("max 100000\n", 64), ("200000 100000\n", 2), ("150000 100000", 2), ("10000 100000", 1), ("", 64), ("1 0", 64)],
)
def test_a_quota_of_version_2_counts_in_whole_cores(tmp_path: Path, quota: str, expected: int) -> None:
    assert cores(tmp_path, "0::/\n", cpu_max=quota) == expected


def test_a_quota_above_the_own_group_counts(tmp_path: Path) -> None:
    quotas = {"pod__cpu_max": "300000 100000", "pod__shop__cpu_max": "max 100000"}
    assert cores(tmp_path, "0::/pod/shop\n", **quotas) == 3


def test_a_quota_of_version_1_counts(tmp_path: Path) -> None:
    own = "4:memory:/shop\n3:cpu,cpuacct:/shop\n"
    period = {"cpu,cpuacct__shop__cpu_cfs_period_us": "100000\n"}
    assert cores(tmp_path, own, **{"cpu,cpuacct__shop__cpu_cfs_quota_us": "400000\n"}, **period) == 4
    assert cores(tmp_path, own, **{"cpu,cpuacct__shop__cpu_cfs_quota_us": "-1\n"}, **period) == 64


def test_without_cgroups_the_affinity_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert available_cores(tmp_path, tmp_path / "missing") == 64
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    assert available_cores(tmp_path, tmp_path / "missing") == 1
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert available_cores(tmp_path, tmp_path / "missing") == 5
