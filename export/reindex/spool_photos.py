"""Photos from S3 through the encoder, a few at a time: a catalog fits neither into memory nor onto the disk."""

from __future__ import annotations

import hashlib
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import Progress

from export.photos.embed_catalog import MAX_BYTES, embed_photos
from handler.errors import BundleNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from export.photos.embedding_cache import EmbeddingCache
    from export.photos.read_catalog import CatalogRow
    from export.reindex.s3_catalog import S3Catalog
    from export.reindex.s3_folder import Listed
    from handler.photos.encoder import Encoder

CHUNK = 64
CHUNK_BYTES = 100_000_000
DOWNLOADS = 8


@dataclass
class Spool:
    """Photos that the cache does not know yet; every `step` brings some of them into it."""

    catalog: S3Catalog
    fingerprint: str
    open_encoder: Callable[[], Encoder]
    cache: EmbeddingCache
    work: Path
    hashes: dict[str, str] = field(default_factory=dict)
    """Content hash by photo, as far as known."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Why a photo has no vector."""
    pending: list[Listed] = field(default_factory=list)
    embedded: int = 0
    downloaded: int = 0
    unreadable: int = 0
    """Photos that the listing named and that could not be read: they may be readable the next time."""
    encoder: Encoder | None = None

    def counts(self) -> dict[str, Any]:
        return {"embedded": self.embedded, "downloaded": self.downloaded, "unreadable": self.unreadable}

    def step(self) -> None:
        """Download, hash and embed the next few. What is known by its content already is not embedded again."""
        chunk = self._take()
        with tempfile.TemporaryDirectory(dir=self.work) as folder:
            paths = {photo: Path(folder) / str(number) for number, photo in enumerate(chunk)}
            with ThreadPoolExecutor(DOWNLOADS) as pool:
                digests = dict(zip(chunk, pool.map(lambda item: self._download(*item), paths.items()), strict=True))
            read = {photo: digest for photo, digest in digests.items() if digest is not None}
            self._embed({digest: paths[photo] for photo, digest in read.items()}, read)
        self.cache.put_objects([(photo.name, photo.size, photo.etag, digest) for photo, digest in read.items()])
        self.hashes |= {photo.name: digest for photo, digest in read.items()}
        self.downloaded += len(read)

    def _take(self) -> list[Listed]:
        """The next CHUNK photos, or as many as CHUNK_BYTES holds, but at least one."""
        count, size = 1, self.pending[0].size
        while count < min(CHUNK, len(self.pending)) and size + self.pending[count].size <= CHUNK_BYTES:
            size += self.pending[count].size
            count += 1
        taken, self.pending = self.pending[:count], self.pending[count:]
        return taken

    def _download(self, photo: Listed, path: Path) -> str | None:
        try:
            self.catalog.folder.download(photo.name, path)
        except BundleNotFound:
            self.reasons[photo.name] = "The photo was removed while it was being read."
            self.unreadable += 1
            return None
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _embed(self, files: dict[str, Path], read: dict[Listed, str]) -> None:
        unknown = {digest: path for digest, path in files.items() if self.cache.get(digest, self.fingerprint) is None}
        if not unknown:
            return
        self.encoder = self.encoder or self.open_encoder()
        embedded, gone = embed_photos(unknown, self.fingerprint, self.encoder, self.cache, Progress(disable=True))
        self.embedded += embedded
        self.unreadable += len(gone)
        self.reasons |= {photo.name: gone[digest] for photo, digest in read.items() if digest in gone}


def embed_objects(
    catalog: S3Catalog,
    rows: Iterable[CatalogRow],
    fingerprint: str,
    open_encoder: Callable[[], Encoder],
    cache: EmbeddingCache,
    work: Path,
) -> Spool:
    """A spool of what is new or changed among the photos of `rows`, by their ETags. Reads no photo yet."""
    spool = Spool(catalog, fingerprint, open_encoder, cache, work)
    for image in dict.fromkeys(row.image for row in rows):
        photo = catalog.objects.get(image)
        if photo is None:
            spool.reasons[image] = "There is no such photo."
            continue
        if photo.size > MAX_BYTES:
            spool.reasons[image] = f"The file has {photo.size:,} bytes; at most {MAX_BYTES:,} are read."
            continue
        digest = cache.object_hash(photo.name, photo.size, photo.etag)
        if digest is not None and cache.get(digest, fingerprint) is not None:
            spool.hashes[image] = digest
        else:
            spool.pending.append(photo)
    return spool
