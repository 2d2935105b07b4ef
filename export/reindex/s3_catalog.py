"""A catalog in S3: photos below a prefix, and optionally a manifest beside them. Listed first, read only if new."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from export.photos.read_catalog import check_not_empty, rows_of_names, rows_of_table
from export.photos.read_table import TABLE_SUFFIXES
from handler.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from export.photos.read_catalog import CatalogRow
    from export.reindex.s3_folder import Listed, S3Folder

TABLE_NAMES = tuple(f"catalog{suffix}" for suffix in TABLE_SUFFIXES)


@dataclass(frozen=True)
class S3Catalog:
    """What a listing of `folder` found: photos by name, and the manifest if there is one."""

    folder: S3Folder
    objects: Mapping[str, Listed]
    manifest: str | None

    @classmethod
    def list(cls, folder: S3Folder) -> S3Catalog:
        """Raises CatalogError if there is nothing, or more than one manifest."""
        objects = folder.list()
        manifests = [name for name in TABLE_NAMES if name in objects]
        if len(manifests) > 1:
            raise CatalogError(
                f"{folder.address} holds {' and '.join(manifests)}.", value=manifests, remedy="Leave one of them."
            )
        if not objects:
            raise CatalogError(f"{folder.address} is empty.", value=str(folder.address), remedy="Upload photos there.")
        return cls(folder, objects, next(iter(manifests), None))

    def digest(self) -> str:
        """Changes whenever an object is added, replaced or removed."""
        hasher = hashlib.sha256()
        for name in sorted(self.objects):
            hasher.update(f"{self.objects[name]!r}\n".encode())
        return hasher.hexdigest()

    def rows(self) -> tuple[tuple[CatalogRow, ...], dict[str, str]]:
        """The products, by the manifest or by the photos' names; and why other pictures are skipped, by name.

        Raises CatalogError.
        """
        rows, skipped = rows_of_names(self.objects) if self.manifest is None else (self._listed_in(self.manifest), {})
        check_not_empty(rows, str(self.folder.address), skipped)
        return rows, skipped

    def _listed_in(self, manifest: str) -> tuple[CatalogRow, ...]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / manifest
            self.folder.download(manifest, path)
            return rows_of_table(path)
