"""A catalog in S3: photos below a prefix, and optionally a product table beside them."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from export.photos.read_catalog import rows_of_names, rows_of_table
from export.photos.read_table import TABLE_SUFFIXES
from handler.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from export.photos.read_catalog import CatalogRow
    from export.reindex.s3_folder import Listed, S3Folder

TABLE_NAMES = tuple(f"catalog{suffix}" for suffix in TABLE_SUFFIXES)


@dataclass(frozen=True)
class S3Catalog:
    """What a listing of `folder` found: objects by name, and the name of the product table if there is one."""

    folder: S3Folder
    objects: Mapping[str, Listed]
    table: str | None

    @classmethod
    def list(cls, folder: S3Folder) -> S3Catalog:
        """Read nothing but the listing, which may be empty. Raises CatalogError for more than one product table."""
        objects = folder.list()
        tables = [name for name in TABLE_NAMES if name in objects]
        if len(tables) > 1:
            raise CatalogError(
                f"{folder.address} contains {' and '.join(tables)}.", value=tables, remedy="Leave one of them."
            )
        return cls(folder, objects, next(iter(tables), None))

    def digest(self) -> str:
        """Changes whenever an object is added, replaced or removed."""
        return listing_digest(self.objects.values())

    def rows(self) -> tuple[tuple[CatalogRow, ...], dict[str, str]]:
        """The products by id, from the product table or from the photos' names, and why other pictures are skipped.

        Reads the product table, if there is one. Raises CatalogError for an invalid record.
        """
        if self.table is None:
            return rows_of_names(self.objects)
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / self.table
            self.folder.download(self.table, path)
            return rows_of_table(path), {}


def listing_digest(objects: Iterable[Listed]) -> str:
    """A hash of names, sizes and ETags, whatever their order."""
    hasher = hashlib.sha256()
    for one in sorted(objects):
        hasher.update(f"{one!r}\n".encode())
    return hasher.hexdigest()
