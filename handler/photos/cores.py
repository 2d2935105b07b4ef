"""The processor cores that this process may use: those of its container, not of the machine under it."""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUP_ROOT = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")


def available_cores(root: Path = CGROUP_ROOT, own: Path = OWN_CGROUP) -> int:
    """The smaller of the CPU affinity and the cgroup's CPU quota, at least 1. A quota of 1.5 cores counts as 2."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([cores, *(math.ceil(quota) for quota in _quotas(root, own))]))


def _quotas(root: Path, own: Path) -> list[float]:
    """The quotas in cores of this process's cgroup and of all above it, in version 2 (`cpu.max`) and 1."""
    quotas = []
    for line in _lines(own):
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = root / controllers if controllers else root
        group = top / path.lstrip("/")
        for directory in [group, *group.parents]:
            quotas += _quota(_words(directory / "cpu.max"))
            quotas += _quota(_words(directory / "cpu.cfs_quota_us") + _words(directory / "cpu.cfs_period_us"))
            if directory == top:
                break
    return quotas


def _quota(words: list[str]) -> list[float]:
    """`max` and -1 mean that there is no quota."""
    if len(words) != 2 or not all(word.isdigit() for word in words) or int(words[1]) == 0:
        return []
    return [int(words[0]) / int(words[1])]


def _words(path: Path) -> list[str]:
    return [word for line in _lines(path) for word in line.split()]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:  # another operating system, another version of cgroups, or no permission
        return []
