"""Files that other processes see whole or not at all, and a lock that ends with its holder."""

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
    """A temporary path in the target's directory, removed at the end unless it was moved into place."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=temporary_prefix(target.name))
    os.close(handle)
    path = Path(name)
    try:
        path.chmod(0o644)
        yield path
    finally:
        path.unlink(missing_ok=True)


def temporary_prefix(name: str) -> str:
    """The beginning of the names of temporary files for `name`; no published name begins with a dot."""
    return f".{name}."


def move_into_place(temporary: Path, target: Path) -> None:
    """Replace `target` by a complete file such that a power cut leaves the old file or the new one.

    After the return the new one is on disk: its content, its name, and the directories that lead to it.
    """
    sync(temporary)
    os.replace(temporary, target)
    sync(target.parent)


def make_directories(path: Path) -> None:
    """Create a directory and its parents, and write their names to disk."""
    missing = [path, *path.parents]
    missing = missing[: next((place for place, folder in enumerate(missing) if folder.is_dir()), len(missing))]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        sync(folder.parent)


def sync(path: Path) -> None:
    """Wait until a file's content, or a directory's list of names, is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an advisory lock for the block; the kernel releases it when a process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
