"""A directory of photos, or a product table that lists them, as the rows of one catalog."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from export.photos.check_record import check_record
from export.photos.read_table import TABLE_SUFFIXES, read_records
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
"""Newer formats, drawings and cameras' raw files, which Vitrine cannot read. They are reported as skipped."""
MAX_ID_CHARS = 512
_NAMED_IN_ERRORS = 3


@dataclass(frozen=True)
class CatalogRow:
    """A product as its shop describes it."""

    id: str
    image: str
    """Path below the photos' directory, with forward slashes."""
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CatalogSource:
    root: Path
    """The directory that every row's image lies below."""
    rows: tuple[CatalogRow, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)
    """Photos that cannot be products: reason by printable path below `root`."""

    def path_of(self, row: CatalogRow) -> Path:
        return self.root / row.image


def read_catalog(source: Path, photos: Path | None = None) -> CatalogSource:
    """Read a directory of photos, nested or not, or a CSV, JSONL or Parquet product table.

    In a directory, a photo's id is its path without the suffix, and the first directory of the path becomes the field
    `category`. Photos that cannot be products are in `skipped`: one bad name never ends a run. A subdirectory that
    cannot be listed does end it, because skipping it would take all of its products out of the shop.

    A product table has the columns `id` and `image` (a path below `photos`, by default the table's own directory); all
    other columns are fields. One invalid record rejects the table, because a shop can correct its table but not always
    its cameras' file names. Rows are sorted by id.

    Raises CatalogError for a missing, unreadable or empty source, an invalid record and missing photos.
    """
    try:
        catalog = _read(source, photos)
        if source.is_file():
            _check_photos_exist(catalog, source)
    except OSError as error:
        path = error.filename or source
        raise CatalogError(
            f"{path} cannot be read: {error.strerror}.",
            value=str(path),
            remedy="Make it readable, or move it out of the photos.",
        ) from error
    check_not_empty(catalog.rows, str(source), catalog.skipped)
    return catalog


def _read(source: Path, photos: Path | None) -> CatalogSource:
    if source.is_dir():
        return CatalogSource(source, *rows_of_names(_names_in(source)))
    if source.is_file():
        return CatalogSource(photos or source.parent, rows_of_table(source))
    raise CatalogError(
        f"{source} does not exist.",
        value=str(source),
        remedy=f"Pass a directory of photos, or a product table ({', '.join(TABLE_SUFFIXES)}).",
    )


def rows_of_table(path: Path) -> tuple[CatalogRow, ...]:
    """The rows of a product table, sorted by id. Does not look at the photos.

    Raises CatalogError with the line of the first invalid record: without id or image, with an id that is too long or
    taken, with an image outside the photos' directory, or one that `check_record` rejects.
    """
    rows: dict[str, CatalogRow] = {}
    places: dict[str, str] = {}
    for place, record in read_records(path):
        row = _row(record, place)
        if row.id in rows:
            raise CatalogError(
                f"{place} repeats the id {row.id!r} of {places[row.id]}.", value=row.id, remedy="Give it another id."
            )
        rows[row.id], places[row.id] = row, place
    return tuple(rows[id_] for id_ in sorted(rows))


def rows_of_names(names: Iterable[str]) -> tuple[tuple[CatalogRow, ...], dict[str, str]]:
    """Products from photo names alone, sorted by id, and the reason for each photo skipped, by its printable name.

    Skipped are unsupported formats, names that are not UTF-8 or not a plain relative path, ids over the limit, and ids
    that an earlier name has taken: of `0.jpeg` and `0.jpg` the first in sorted order is kept. Hidden and other files
    are ignored.
    """
    rows: dict[str, CatalogRow] = {}
    skipped = {}
    for name in sorted(names):
        path = PurePosixPath(name)
        suffix = path.suffix.lower()
        if suffix not in IMAGE_SUFFIXES | UNSUPPORTED_SUFFIXES or any(part.startswith(".") for part in path.parts):
            continue
        id_ = str(path.with_suffix(""))
        reason = _unusable(name, path, id_, rows.get(id_))
        if reason:
            skipped[_printable(name)] = reason
        else:
            category = {"category": path.parts[0]} if len(path.parts) > 1 else {}
            rows[id_] = CatalogRow(id_, name, category)
    return tuple(rows[id_] for id_ in sorted(rows)), skipped


def _unusable(name: str, path: PurePosixPath, id_: str, taken: CatalogRow | None) -> str | None:
    """Why a photo of this name cannot be a product, or None if it can."""
    if path.suffix.lower() in UNSUPPORTED_SUFFIXES:
        return f"{path.suffix[1:].upper()} files are not supported; convert it to JPEG, PNG or WebP."
    if _printable(name) != name:
        return "Its name is not valid UTF-8; rename it."
    if str(path) != name or path.is_absolute():
        return "Its name has empty parts; remove leading and double slashes."
    if len(id_) > MAX_ID_CHARS:
        return f"Its id, the path without the suffix, has {len(id_)} characters; the limit is {MAX_ID_CHARS}."
    if taken is not None:
        return f"{taken.image} already has the id {id_!r}; rename one of them."
    return None


def _printable(name: str) -> str:
    """The name itself, or, if some of its bytes are not UTF-8, those as `\\xNN`."""
    return os.fsencode(name).decode(errors="backslashreplace")


def _names_in(root: Path) -> Iterator[str]:
    for directory, directories, names in os.walk(root, onerror=_raise):
        directories[:] = sorted(name for name in directories if not name.startswith("."))
        yield from (Path(directory, name).relative_to(root).as_posix() for name in names)


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
            remedy="A product table needs the columns `id` and `image`; all others are optional.",
        )
    for name in ("id", "image"):
        if not isinstance(values[name], str | int | float) or isinstance(values[name], bool):
            raise CatalogError(
                f"{place} has the {name} {str(values[name])[:50]!a}, which is neither text nor a number.",
                field=name,
                remedy="Write it as text.",
            )
    check_record(values, place)
    image = PurePosixPath(str(values.pop("image")).replace("\\", "/"))
    if image.is_absolute() or not image.parts or ".." in image.parts or ":" in image.parts[0] or "\0" in str(image):
        raise CatalogError(
            f"{place} has the image {str(image)!r}, which is not a path below the photos' directory.",
            value=str(image),
            remedy="Write paths relative to the product table, or to --photos; download images from URLs first.",
        )
    id_ = str(values.pop("id")).strip()
    if not 1 <= len(id_) <= MAX_ID_CHARS:
        raise CatalogError(
            f"{place} has an id of {len(id_)} characters.",
            value=id_[:50],
            limit=MAX_ID_CHARS,
            remedy=f"Ids have 1 to {MAX_ID_CHARS} characters.",
        )
    return CatalogRow(id_, str(image), values)


def _is_missing(value: object) -> bool:
    """Tables write a missing number as NaN. Neither NaN nor infinity is a price, or JSON."""
    return value is None or value == "" or (isinstance(value, float) and not math.isfinite(value))


def check_not_empty(rows: Sequence[CatalogRow], source: str, skipped: Mapping[str, str]) -> None:
    """Raises CatalogError if there are no rows, naming some photos that were skipped."""
    if rows:
        return
    only = f"; skipped: {_some(f'{name} ({reason})' for name, reason in skipped.items())}" if skipped else ""
    raise CatalogError(
        f"{source} contains no products{only}.",
        value=source,
        limit=", ".join(sorted(IMAGE_SUFFIXES)),
        remedy=f"Photos are files ending in {', '.join(sorted(IMAGE_SUFFIXES))}, in subdirectories too.",
    )


def _check_photos_exist(catalog: CatalogSource, source: Path) -> None:
    missing = [
        row.image for row in catalog.rows if not os.path.isfile(catalog.path_of(row))
    ]  # unlike Path.is_file, false for names too long
    if missing:
        raise CatalogError(
            f"{len(missing)} of the {len(catalog.rows)} photos that {source} lists are not in {catalog.root}: "
            f"{_some(missing)}.",
            value=len(missing),
            remedy="Add them, remove their rows, or pass the photos' directory with --photos.",
        )


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - _NAMED_IN_ERRORS
    return ", ".join(listed[:_NAMED_IN_ERRORS]) + (f" and {more} more" if more > 0 else "")
