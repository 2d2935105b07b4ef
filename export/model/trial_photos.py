"""Which photos an export is judged on: some of the shop's own, or some of the drawn sample shop."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.model.check_parity import MIN_PHOTOS
from export.photos.read_catalog import read_catalog
from handler.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.progress import Progress

MAX_DRAWN = 200
"""Drawn photos, where none are given: they are alike enough that more of them say nothing new."""


@contextlib.contextmanager
def photos_to_judge_by(source: Path | None, count: int, progress: Progress) -> Iterator[Sequence[Path]]:
    """At most `count` photos of `source` (a folder or manifest; None: drawn ones), which exist inside the context.

    Raises CatalogError for a source that cannot be read, ConfigurationError if MIN_PHOTOS do not come together.
    """
    if source is not None:
        yield _spread(source, count)
        return
    with tempfile.TemporaryDirectory(prefix="vitrine-sample-") as folder:
        yield _spread(_draw(Path(folder), min(count, MAX_DRAWN), progress), count)


def _draw(folder: Path, count: int, progress: Progress) -> Path:
    """The sample catalog below `folder`: better than nothing to judge by, and no more."""
    from export.sample.catalog import write_sample_catalog

    task = progress.add_task("Drawing sample photos", total=count)
    return write_sample_catalog(
        folder, count=count, progress=lambda done, _count: progress.update(task, completed=done)
    )


def _spread(source: Path, count: int) -> Sequence[Path]:
    """At most `count` photos of `source`, evenly spread over its sorted paths and so over its sub-folders."""
    catalog = read_catalog(source)
    paths = [catalog.path_of(row) for row in catalog.rows]
    if min(len(paths), count) < MIN_PHOTOS:
        raise ConfigurationError(
            f"{source} gives {min(len(paths), count)} photos to judge the export by.",
            field="photos",
            value=min(len(paths), count),
            limit=MIN_PHOTOS,
            remedy=f"Pass a --photos folder (and a --sample) of at least {MIN_PHOTOS}; several hundred judge best.",
        )
    picks = np.linspace(0, len(paths) - 1, min(count, len(paths))).round().astype(int)
    return [paths[pick] for pick in picks]
