"""A folder of photos, or a manifest that lists them, as rows of one catalog."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from export.photos.read_table import MANIFEST_SUFFIXES, read_records
from handler.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
UNSUPPORTED_SUFFIXES = frozenset(
    {
        *(".heic", ".heif", ".hif", ".avif", ".jxl", ".jp2", ".jpf", ".svg", ".svgz", ".eps", ".ico", ".psd", ".tga"),
        *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".kdc", ".mrw", ".nef", ".nrw", ".orf", ".pef"),
        *(".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
    }
)
"""Pictures that Vitrine cannot read: newer formats, drawings and cameras' raw files. They are reported as skipped."""
MAX_ID_CHARS = 512
_NAMED_IN_ERRORS = 3


@dataclass(frozen=True)
class CatalogRow:
    """A product as its shop describes it."""

    id: str
    image: str
    """Path below the photos' root, with forward slashes."""
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CatalogSource:
    root: Path
    """The folder that every row's image lies below."""
    rows: tuple[CatalogRow, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)
    """Pictures in unsupported formats: reason by path below `root`."""

    def path_of(self, row: CatalogRow) -> Path:
        return self.root / row.image


def read_catalog(source: Path, photos: Path | None = None) -> CatalogSource:
    """Read a folder (nested is fine) or a CSV, JSONL or Parquet manifest.

    A folder's ids are the photos' paths without their suffix, and the first folder of the path becomes the field
    `category`; pictures in unsupported formats are in `skipped`. A manifest has the columns `id` and `image` (a path
    below `photos`, by default the manifest's own folder); all other columns are fields. Rows come out sorted by id.

    Raises CatalogError for a source that is not there, an empty one, duplicate ids and photos that are missing.
    """
    try:
        catalog = _read(source, photos)
    except OSError as error:
        raise CatalogError(
            f"{error.filename or source} cannot be read: {error.strerror}.", value=str(error.filename or source)
        ) from error
    check_rows(catalog.rows, str(source), catalog.skipped)
    if source.is_file():
        _check_photos_exist(catalog, source)
    return catalog


def _read(source: Path, photos: Path | None) -> CatalogSource:
    if source.is_dir():
        return CatalogSource(source, *rows_of_names(_names_in(source)))
    if source.is_file():
        return CatalogSource(photos or source.parent, rows_of_manifest(source))
    raise CatalogError(
        f"There is no {source}.",
        value=str(source),
        remedy=f"Give a folder of photos, or a manifest ({', '.join(MANIFEST_SUFFIXES)}).",
    )


def rows_of_manifest(path: Path) -> tuple[CatalogRow, ...]:
    """Sorted by id; whether the photos exist is not looked at. Raises CatalogError."""
    return tuple(sorted((_row(record, place) for place, record in read_records(path)), key=lambda row: row.id))


def rows_of_names(names: Iterable[str]) -> tuple[tuple[CatalogRow, ...], dict[str, str]]:
    """The products that photos stand for by their names alone, sorted by id; and why other pictures are skipped."""
    rows, skipped = [], {}
    for name in sorted(names):
        path = PurePosixPath(name)
        if any(part.startswith(".") for part in path.parts):
            continue
        suffix = path.suffix.lower()
        if suffix in IMAGE_SUFFIXES:
            rows.append(_row_of_photo(path))
        elif suffix in UNSUPPORTED_SUFFIXES:
            skipped[name] = f"{suffix[1:].upper()} files are not supported; convert it to JPEG, PNG or WebP."
    return tuple(sorted(rows, key=lambda row: row.id)), skipped


def _names_in(root: Path) -> Iterator[str]:
    # A folder that cannot be listed ends the run: passing over it would take its products out of the shop.
    for folder, folders, names in os.walk(root, onerror=_raise):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder, name).relative_to(root).as_posix() for name in names)


def _row_of_photo(path: PurePosixPath) -> CatalogRow:
    category = {"category": path.parts[0]} if len(path.parts) > 1 else {}
    return CatalogRow(str(path.with_suffix("")), str(path), category)


def _raise(error: OSError) -> None:
    raise error


def _row(record: Mapping[str, Any], place: str) -> CatalogRow:
    values = {str(key).strip(): value for key, value in record.items() if not _is_missing(value)}
    values.pop("", None)  # a table's unnamed index column
    missing = [name for name in ("id", "image") if name not in values]
    if missing:
        raise CatalogError(
            f"{place} has no {' and no '.join(missing)}.",
            value=place,
            remedy="A manifest needs the columns `id` and `image`; all others are optional.",
        )
    image = PurePosixPath(str(values.pop("image")).replace("\\", "/"))
    if image.is_absolute() or not image.parts or ".." in image.parts or ":" in image.parts[0]:
        raise CatalogError(
            f"{place} has the image {str(image)!r}, which is not a path below the photos' folder.",
            value=str(image),
            remedy="Give paths relative to the manifest, or to --photos; download what lies behind URLs first.",
        )
    return CatalogRow(str(values.pop("id")).strip(), str(image), values)


def _is_missing(value: object) -> bool:
    """Tables write a missing number as NaN; infinity is none that a price can have, and neither is JSON."""
    return value is None or value == "" or (isinstance(value, float) and not math.isfinite(value))


def check_rows(rows: Sequence[CatalogRow], source: str, skipped: Mapping[str, str]) -> None:
    """Raises CatalogError if there is none, or an id that cannot be one or is there twice."""
    if not rows:
        unsupported = f", only pictures in unsupported formats: {_some(skipped)}" if skipped else ""
        raise CatalogError(
            f"{source} holds no products{unsupported}.",
            value=source,
            limit=", ".join(sorted(IMAGE_SUFFIXES)),
            remedy=f"Photos are files ending in {', '.join(sorted(IMAGE_SUFFIXES))}, also in sub-folders.",
        )
    seen: dict[str, CatalogRow] = {}
    for row in rows:
        if not 1 <= len(row.id) <= MAX_ID_CHARS:
            raise CatalogError(
                f"The id of {row.image} has {len(row.id)} characters.",
                value=row.id[:50],
                limit=MAX_ID_CHARS,
                remedy=f"Give it one of 1 to {MAX_ID_CHARS} characters.",
            )
        if not _is_text(row.id + row.image):
            raise CatalogError(
                f"The id or the photo's name of {row.id!a} is not valid Unicode.",
                value=ascii(row.id),
                remedy="Rename it.",
            )
        if row.id in seen:
            raise CatalogError(
                f"{source} has the id {row.id!r} twice: {seen[row.id].image} and {row.image}.",
                value=row.id,
                remedy="Ids have to be unique; rename one, or list the photos in a manifest with ids of your own.",
            )
        seen[row.id] = row


def _is_text(text: str) -> bool:
    """False for half of a surrogate pair: Python's way to keep a file name's bytes that are no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_photos_exist(catalog: CatalogSource, source: Path) -> None:
    missing = [row.image for row in catalog.rows if not catalog.path_of(row).is_file()]
    if missing:
        raise CatalogError(
            f"{len(missing)} of the {len(catalog.rows)} photos that {source} lists are not in {catalog.root}: "
            f"{_some(missing)}.",
            value=len(missing),
            remedy="Add them, take their rows out, or say where the photos are with --photos.",
        )


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - _NAMED_IN_ERRORS
    return ", ".join(listed[:_NAMED_IN_ERRORS]) + (f" and {more} more" if more > 0 else "")
