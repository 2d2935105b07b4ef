"""What the re-index keeps in S3 between runs.

last-look.json               the catalog that the last complete build saw, and when it finished
due.json                     since when a publish has been due, and how often a build has been tried since
plans/ID/...                 what one run embeds: `items.json` for the map, and the photos of each part
vectors/FINGERPRINT/PART     see `part_file`
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from export.photos.part_file import pack, unpack
from export.photos.partition import Part
from handler.errors import BundleNotFound, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from export.photos.part_file import Known
    from export.reindex.s3_folder import S3Folder

VECTORS = "vectors/"
LISTING = "listing"
"""Metadata of a part: the digest of the listing that it holds completely, or nothing."""
_THREADS = 16


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


_R = TypeVar("_R", bound=_Record)


class LastLook(_Record):
    """The last complete build: nothing it saw is still to be embedded or published."""

    seen: str
    """A digest of the catalog's listing and of the encoder that was asked for."""
    version: str
    fingerprint: str
    bits: int
    finished: AwareDatetime


class Due(_Record):
    """A publish that is due since a change was noticed. Void as soon as a complete build finishes."""

    since: AwareDatetime
    failures: int = 0
    """Builds in a row that were started and did not end."""
    attempted: AwareDatetime | None = None
    """When the last one started."""


class State:
    """The re-index's private directory in S3. Every method raises StoreUnavailable."""

    def __init__(self, folder: S3Folder) -> None:
        self.folder = folder

    def last_look(self) -> LastLook | None:
        """Raises ConfigurationError for a damaged file."""
        return self._read("last-look.json", LastLook)

    def finish(self, look: LastLook) -> None:
        self._write("last-look.json", look)

    def due(self, look: LastLook | None) -> Due:
        """Since when a publish is due; from now on if no earlier run noticed. Raises ConfigurationError."""
        noticed = self._read("due.json", Due)
        if noticed and (look is None or noticed.since > look.finished):
            return noticed
        due = Due(since=datetime.now(UTC))
        self._write("due.json", due)
        return due

    def start_build(self, due: Due) -> None:
        """Count a failure, which `end_build` takes back: a build that is killed cannot count itself."""
        attempt = due.model_copy(update={"failures": due.failures + 1, "attempted": datetime.now(UTC)})
        self._write("due.json", attempt)

    def end_build(self, due: Due) -> None:
        """Note that a build ended that left something to do, so that a publish is still due."""
        self._write("due.json", due.model_copy(update={"failures": 0, "attempted": datetime.now(UTC)}))

    def parts(self, fingerprint: str) -> set[Part]:
        """The parts that have a file, of any size."""
        prefix = f"{VECTORS}{fingerprint}/"
        names = (name.removeprefix(prefix) for name in self.folder.modified(prefix))
        return {part for name in names if (part := Part.parse(name))}

    def complete(self, fingerprint: str, parts: Iterable[Part]) -> dict[Part, str]:
        """The listing that each of these parts holds completely, as far as it does."""

        def listing(part: Part) -> str:
            try:
                return self.folder.metadata(_vectors(fingerprint, part)).get(LISTING, "")
            except BundleNotFound:
                return ""

        parts = list(parts)
        with ThreadPoolExecutor(_THREADS) as pool:
            return {part: digest for part, digest in zip(parts, pool.map(listing, parts), strict=True) if digest}

    def read_part(self, fingerprint: str, part: Part, present: Iterable[Part]) -> dict[str, Known]:
        """What is known of the photos of `part`, by name, from its own file or else from those of overlapping parts.

        `present` are the parts that have a file. Raises ConfigurationError for a damaged one.
        """
        present = set(present)
        sources = [part] if part in present else sorted(one for one in present if one.overlaps(part))
        known: dict[str, Known] = {}
        for source in sources:
            name = _vectors(fingerprint, source)
            try:
                found = unpack(self.folder.read(name), f"{self.folder.address}/{name}")
            except BundleNotFound:
                continue
            known |= {photo: one for photo, one in found.items() if Part.of(photo, part.bits) == part}
        return known

    def write_part(self, fingerprint: str, part: Part, known: Mapping[str, Known], listing: str = "") -> None:
        """Replace a part's file. `listing` says which listing it holds completely."""
        self.folder.write(_vectors(fingerprint, part), pack(known), {LISTING: listing} if listing else {})

    def _read(self, name: str, record: type[_R]) -> _R | None:
        try:
            return record.model_validate_json(self.folder.read(name))
        except BundleNotFound:
            return None
        except ValidationError as error:
            place = f"{self.folder.address}/{name}"
            raise ConfigurationError(f"{place} is damaged: {error}.", value=place, remedy="Delete it.") from error

    def _write(self, name: str, record: _Record) -> None:
        self.folder.write(name, record.model_dump_json().encode())


def _vectors(fingerprint: str, part: Part) -> str:
    return f"{VECTORS}{fingerprint}/{part}"


def dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
