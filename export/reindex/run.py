"""What every step of a re-index opens from its settings."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from export.reindex.s3_folder import S3Folder
from export.reindex.state import State
from export.store.collections import Collections
from handler.stores.file_cache import FileCache
from handler.stores.open_store import open_store

if TYPE_CHECKING:
    from export.reindex.s3_catalog import S3Catalog
    from export.reindex.settings import ReindexSettings
    from handler.stores.store import BundleStore


@dataclass(frozen=True)
class Run:
    """The places that a step reads and writes. Opening them asks nothing of S3."""

    settings: ReindexSettings

    @cached_property
    def store(self) -> BundleStore:
        return open_store(self.settings.bundles, FileCache(self.settings.cache, self.settings.cache_megabytes))

    @cached_property
    def state(self) -> State:
        return State(S3Folder(self.settings.state_address))

    @cached_property
    def photos(self) -> S3Folder:
        return S3Folder(self.settings.catalog)

    @cached_property
    def collections(self) -> Collections | None:
        """Where vectors and products go; None keeps them in the bundle's files."""
        settings = self.settings
        if settings.index is None:
            return None
        return Collections.at(settings.index, self.store.address, settings.index_token, settings.index_token_secret)

    def seen(self, catalog: S3Catalog) -> str:
        """A digest of everything that decides what a complete run publishes."""
        asked_for = f"{catalog.digest()} {self.settings.model} {self.settings.encoder}"
        if self.settings.index:
            asked_for += f" {self.settings.index}"
        return hashlib.sha256(asked_for.encode()).hexdigest()
