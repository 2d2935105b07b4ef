"""Opening the store at an address."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from handler.errors import ConfigurationError
from handler.stores.file_cache import FileCache
from handler.stores.s3_store import S3Store
from handler.stores.store import DirectoryStore

if TYPE_CHECKING:
    from handler.stores.store import BundleStore


def open_store(address: str, cache: FileCache | None = None) -> BundleStore:
    """The store at a directory's path or at `s3://BUCKET/PREFIX`; `cache` holds copies of S3's files.

    The default cache is the directory in VITRINE_CACHE. Raises ConfigurationError.
    """
    if address.startswith("s3://"):
        return S3Store(address, cache or FileCache.from_env(os.environ))
    if "://" in address:
        raise ConfigurationError(
            f"Bundles cannot be read from {address!r}.",
            field="bundles",
            value=address,
            remedy="Use a directory or s3://BUCKET/PREFIX.",
        )
    return DirectoryStore(Path(address).expanduser())
