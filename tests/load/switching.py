"""A store of two bundles, and a thread that makes one and then the other current."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from export.store.rollback import roll_back
from tests.conftest import draw_photos, run_index
from tests.tiny_encoder import write_tiny_encoder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from handler.stores.store import BundleStore

SWITCH_SECONDS = 3


def two_bundles(folder: Path) -> tuple[Path, list[str]]:
    """A store with bundles of 84 and 80 products, and their versions. Both know all products, retired ones included."""
    encoder, bundles, versions = write_tiny_encoder(folder / "encoder"), folder / "bundles", []
    for per_color in (21, 20):
        photos = draw_photos(folder / f"photos-{per_color}", per_color)
        versions.append(run_index(photos / "catalog.jsonl", bundles, encoder).version)
    return bundles, versions


@contextmanager
def switching(store: BundleStore, versions: list[str]) -> Iterator[list[str]]:
    """Make another bundle current every SWITCH_SECONDS; yields the growing list of the versions made current."""
    done, ended = list[str](), threading.Event()

    def switch() -> None:
        while not ended.wait(SWITCH_SECONDS):
            done.append(versions[len(done) % len(versions)])
            roll_back(store, done[-1])

    thread = threading.Thread(target=switch)
    thread.start()
    try:
        yield done
    finally:
        ended.set()
        thread.join()
