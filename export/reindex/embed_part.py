"""Embed, the second step: bring one part of the catalog up to date. Running it again changes nothing.

A photo that kills the process (out of memory, a crash in a decoder) would fail its part for ever. So a retry first
writes down the name of each photo that it embeds, and the next retry skips the photo that the last one did not survive.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import Progress

from export.photos.embed_catalog import MAX_BYTES, embed_photos
from export.photos.embedding_cache import Embedded
from export.photos.part_file import Known
from export.photos.partition import Part
from export.reindex.attempts import Attempts
from export.reindex.encoders import encoder_directory, open_encoder
from export.reindex.s3_catalog import listing_digest
from export.reindex.s3_folder import Listed
from handler.errors import BundleNotFound, ConfigurationError, VitrineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from export.reindex.run import Run

CHUNK = 64
CHUNK_BYTES = 100_000_000
DOWNLOADS = 8
SAVE_EVERY = 16
"""Photos between two saves while they are embedded one by one."""
RESERVE_SECONDS = 60.0
"""For the chunk that is under way, and for saving."""
DEADLY = "The process died while embedding it, perhaps for want of memory or time. Upload it again to try once more."


@dataclass
class _Part:
    """A part that is being embedded: what is known of its photos by name, and results by content hash."""

    run: Run
    part: Part
    fingerprint: str
    known: dict[str, Known]
    results: dict[str, Embedded] = field(default_factory=dict)
    embedded: int = 0
    downloaded: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)
    """Photos that could not be read, which may be readable the next time."""

    def put(self, _fingerprint: str, results: Sequence[tuple[str, Embedded]]) -> None:
        self.results.update(results)

    def step(self, chunk: Sequence[Listed]) -> None:
        """Download, hash and embed some photos. Content that is known already is not embedded again."""
        with tempfile.TemporaryDirectory() as directory:
            paths = {photo: Path(directory) / str(number) for number, photo in enumerate(chunk)}
            with ThreadPoolExecutor(DOWNLOADS) as pool:
                digests = dict(zip(chunk, pool.map(lambda item: self._download(*item), paths.items()), strict=True))
            read = {photo: digest for photo, digest in digests.items() if digest is not None}
            pending = {digest: paths[photo] for photo, digest in read.items() if digest not in self.results}
            gone = self._embed(pending)
        self.downloaded += len(read)
        for photo, digest in read.items():
            if digest in gone:
                self.unreadable[photo.name] = gone[digest]
            else:
                self.known[photo.name] = Known(photo.etag, digest, self.results[digest])

    def save(self, listing: str = "") -> None:
        self.run.state.write_part(self.fingerprint, self.part, self.known, listing)

    def _download(self, photo: Listed, path: Path) -> str | None:
        try:
            self.run.photos.download(photo.name, path)
        except BundleNotFound:
            self.unreadable[photo.name] = "The photo was removed while it was being read."
            return None
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _embed(self, pending: Mapping[str, Path]) -> dict[str, str]:
        if not pending:
            return {}
        encoder = open_encoder(encoder_directory(self.run.settings, self.run.store, self.fingerprint))
        embedded, gone = embed_photos(pending, self.fingerprint, encoder, self, Progress(disable=True))
        self.embedded += embedded
        return gone


def embed_part(run: Run, item: Mapping[str, str], remaining_seconds: Callable[[], float]) -> dict[str, Any]:
    """A report on the part that `item`, written by Plan, names: `embedded`, `downloaded`, `unreadable`, `poison`.

    `poison` are the photos that killed an earlier attempt. Raises StoreUnavailable, BundleError and, if the time is too
    short, ConfigurationError; what was embedded is saved then, and a retry continues.
    """
    part = Part.parse(item["part"])
    if part is None:
        raise ConfigurationError(f"{item['part']!r} is not the name of a part.", value=item["part"])
    fingerprint, plan = item["fingerprint"], item["plan"]
    photos = [Listed(*photo) for photo in json.loads(run.state.folder.read(f"{plan}/{part}.json"))]
    known = run.state.read_part(fingerprint, part, run.state.parts(fingerprint))
    listed = {photo.name for photo in photos}
    work = _Part(run, part, fingerprint, {name: one for name, one in known.items() if name in listed})
    work.results = {one.sha256: one.result for one in known.values() if one.sha256}
    with Attempts(run.state.folder, f"{plan}/{part}.attempt.json") as attempts:
        for photo in photos:
            reason = DEADLY if photo.name in attempts.deadly else _too_large(photo)
            if reason:
                work.known[photo.name] = Known(photo.etag, "", Embedded(None, reason))
        pending = [photo for photo in photos if not _is_current(photo, work.known)]
        try:
            if attempts.first:
                for chunk in _chunks(pending):
                    _check_time(remaining_seconds(), part)
                    work.step(chunk)
            else:
                for number, photo in enumerate(pending):
                    _check_time(remaining_seconds(), part)
                    if number % SAVE_EVERY == 0:
                        work.save()
                    attempts.begin(photo.name)
                    work.step([photo])
        except VitrineError:
            work.save()
            raise
        work.save("" if work.unreadable else listing_digest(photos))
    return {
        "part": str(part),
        "photos": len(photos),
        "embedded": work.embedded,
        "downloaded": work.downloaded,
        "unreadable": len(work.unreadable),
        "poison": sorted(attempts.deadly),
    }


def _is_current(photo: Listed, known: Mapping[str, Known]) -> bool:
    return photo.name in known and known[photo.name].etag == photo.etag


def _check_time(remaining: float, part: Part) -> None:
    if remaining < RESERVE_SECONDS:
        raise ConfigurationError(
            f"Part {part} needs more time than the function has.",
            value=str(part),
            remedy="A retry continues with the photos that are left; more memory is also more CPU.",
        )


def _too_large(photo: Listed) -> str | None:
    if photo.size <= MAX_BYTES:
        return None
    return f"The file has {photo.size:,} bytes; at most {MAX_BYTES:,} are read."


def _chunks(photos: Sequence[Listed]) -> Iterator[list[Listed]]:
    """At most CHUNK photos at a time and no more than CHUNK_BYTES, but at least one."""
    chunk: list[Listed] = []
    for photo in photos:
        if chunk and (len(chunk) == CHUNK or sum(one.size for one in chunk) + photo.size > CHUNK_BYTES):
            yield chunk
            chunk = []
        chunk.append(photo)
    if chunk:
        yield chunk
