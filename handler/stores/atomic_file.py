"""Files that other processes see whole or not at all, and a lock that dies with its holder."""

from __future__ import annotations

import fcntl
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def temporary_beside(target: Path) -> Iterator[Path]:
    """A temporary path in the target's own folder, gone again if it was not renamed into place."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=temporary_prefix(target.name))
    os.close(handle)
    path = Path(name)
    path.chmod(0o644)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def temporary_prefix(name: str) -> str:
    """What the names of temporary files for `name` begin with; no published name begins with a dot."""
    return f".{name}."


def sync(path: Path) -> None:
    """Wait until the file's content is on disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """An advisory lock held for the block; the kernel lets go of it when a process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
