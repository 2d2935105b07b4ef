"""What the re-index job keeps in S3 from run to run: what has been embedded, and what the last run has seen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from export.photos.embedding_cache import EmbeddingCache
from handler.errors import BundleNotFound, ConfigurationError, PublishConflict

if TYPE_CHECKING:
    from pathlib import Path

    from export.reindex.s3_folder import S3Folder

CACHE = "embeddings.sqlite"
LAST_RUN = "last-run.json"
_TRIES = 5


class ReindexState:
    """The private folder of a shop's re-index job. Two jobs at once lose nothing of what the other saved."""

    def __init__(self, folder: S3Folder, work: Path) -> None:
        """`work` is an empty folder on this machine."""
        self._folder = folder
        self._path = work / CACHE
        self._theirs = work / f"theirs-{CACHE}"
        self._etag: str | None = None

    def seen(self) -> str | None:
        """The digest of what the last finished run had to go by. Raises ConfigurationError."""
        try:
            body = self._folder.read(LAST_RUN)
        except BundleNotFound:
            return None
        try:
            return str(json.loads(body)["seen"])
        except (ValueError, KeyError, TypeError) as error:
            place = f"{self._folder.address}/{LAST_RUN}"
            raise ConfigurationError(f"{place} is not ours: {error!r}.", value=place, remedy="Delete it.") from error

    def finish(self, seen: str, version: str) -> None:
        self._folder.write(LAST_RUN, json.dumps({"seen": seen, "version": version}).encode())

    def open_cache(self) -> EmbeddingCache:
        """What has been embedded so far, in a local copy. Raises ConfigurationError if it is damaged."""
        try:
            self._etag = self._folder.download(CACHE, self._path)
        except BundleNotFound:
            self._path.unlink(missing_ok=True)
            self._etag = None
        return EmbeddingCache(self._path)

    def save(self, cache: EmbeddingCache) -> None:
        """Upload it. What another run has saved meanwhile is taken in first. Raises PublishConflict after _TRIES."""
        for _ in range(_TRIES):
            cache.settle()
            try:
                self._etag = self._folder.upload(CACHE, self._path, self._etag)
            except (PublishConflict, BundleNotFound):
                self._take_in(cache)
            else:
                return
        raise PublishConflict(
            f"{self._folder.address}/{CACHE} changed {_TRIES} times while it was being saved.",
            value=_TRIES,
            remedy="Run fewer re-index jobs at once.",
        )

    def _take_in(self, cache: EmbeddingCache) -> None:
        try:
            self._etag = self._folder.download(CACHE, self._theirs)
        except BundleNotFound:
            self._etag = None
            return
        cache.absorb(self._theirs)
        self._theirs.unlink()
