"""What a process holds, as Linux tells it: memory, file descriptors, and space below its temporary directory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple


class Usage(NamedTuple):
    """What a process holds at one moment."""

    megabytes: float
    """Resident memory."""
    descriptors: int
    temporary_files: int
    temporary_megabytes: float

    def __str__(self) -> str:
        temporary = f"{self.temporary_files} temporary files of {self.temporary_megabytes:.1f} MB"
        return f"{self.megabytes:.1f} MB resident, {self.descriptors} descriptors, {temporary}"


def usage(process: int, temporary: Path) -> Usage:
    """`process` is a process ID; everything below `temporary` counts as its temporary files."""
    proc = Path("/proc") / str(process)
    pages = int((proc / "statm").read_text().split()[1])
    sizes = [path.stat().st_size for path in temporary.rglob("*") if path.is_file()]
    return Usage(
        pages * os.sysconf("SC_PAGE_SIZE") / 1e6, len(list((proc / "fd").iterdir())), len(sizes), sum(sizes) / 1e6
    )
