"""A small shop whose vectors and products are in Milvus: Milvus Lite, or the server of scripts/check-milvus."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from rich.progress import Progress

from export.index_catalog import index_catalog
from export.photos.read_catalog import read_catalog
from export.store.collections import Collections
from handler import lambda_entry
from handler.manifest import Manifest, bundle_key
from handler.stores.store import DirectoryStore
from tests.conftest import KEY, MILVUS, draw_photos

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from export.index_catalog import IndexReport


class Shop:
    """A shop of four colors, 20 photos each, that indexes into Milvus."""

    def __init__(self, directory: Path, encoder: Path) -> None:
        self.photos = draw_photos(directory / "photos")
        self.table = self.photos / "catalog.jsonl"
        self.store = DirectoryStore(directory / "bundles")
        self.address = MILVUS or f"milvus+file:{directory}/lite.db"
        self.collections: Collections | None = Collections.at(self.address, self.store.address)
        self._encoder = encoder
        self._cache = directory / "embeddings.sqlite"

    def index(self) -> IndexReport:
        return index_catalog(
            read_catalog(self.table),
            self.store,
            self._encoder,
            self._cache,
            Progress(disable=True),
            collections=self.collections,
        )

    def remove(self, *ids: str) -> None:
        lines = self.table.read_text().splitlines(keepends=True)
        self.table.write_text("".join(line for line in lines if not any(f'"{name}"' in line for name in ids)))

    def manifest(self) -> Manifest:
        version = self.store.current().version
        return Manifest.parse(self.store.read(bundle_key(version, "manifest.json")), version)


@contextmanager
def serving_from(shop: Shop, index: str | None = None) -> Iterator[None]:
    """Let the Lambda's entry point serve the shop, from the server at `index` or the one it was written to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VITRINE_BUNDLES", shop.store.address)
        patch.setenv("VITRINE_INDEX", index or shop.address)
        patch.setenv("VITRINE_SIGNING_KEYS", KEY)
        patch.setenv("VITRINE_REFRESH_SECONDS", "0")
        lambda_entry._adapter.cache_clear()
        yield
    lambda_entry._adapter.cache_clear()
