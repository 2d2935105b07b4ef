"""Where the vectors of one shard go while it is embedded, so that a process that is killed loses only the last few."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from export.photos.part_file import Known
from export.shards.shard_record import ShardRecord, read_part, read_record, write_part, write_record
from handler.errors import BundleCorrupt, BundleNotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from export.photos.embedding_cache import Embedded
    from export.shards.shard import Shard
    from handler.stores.store import BundleStore

PART_PHOTOS = 512
"""Photos in a part file, 3.5 MB with the embedded encoder: what a killed process has to embed again, at most."""


class ShardWriter:
    """The `Results` of `embed_photos`. Parts that an earlier run stored are kept, unless another encoder made them."""

    def __init__(self, store: BundleStore, shard: Shard, record: ShardRecord) -> None:
        self._store = store
        self._shard = shard
        self._record = record
        self._names: Mapping[str, Sequence[str]] = {}
        self._waiting: dict[str, Known] = {}
        self.known: set[tuple[str, str]] = set()
        """(image path, content hash) of each photo that the shard has."""
        self.damaged: list[str] = []
        """Why parts of an earlier run are not kept."""

    @classmethod
    def resume(cls, store: BundleStore, shard: Shard, fingerprint: str) -> Self:
        """Take up the shard where the last run left it. Reads all of its parts. Raises StoreUnavailable."""
        writer = cls(store, shard, ShardRecord(number=shard.number, count=shard.count, fingerprint=fingerprint))
        try:
            earlier = read_record(store, shard)
        except BundleCorrupt as error:
            writer.damaged.append(error.detail)
            return writer
        if earlier is not None and earlier.fingerprint == fingerprint:
            writer._keep(earlier.parts)
        return writer

    def expect(self, names: Mapping[str, Sequence[str]]) -> None:
        """Say which image paths have which content, before `put`."""
        self._names = names

    def put(self, _fingerprint: str, results: Sequence[tuple[str, Embedded]]) -> None:
        """Keep (content hash, result) pairs."""
        for sha256, result in results:
            for name in self._names[sha256]:
                self._waiting[name] = Known("", sha256, result)
        if len(self._waiting) >= PART_PHOTOS:
            self.save()

    def save(self) -> None:
        """Store what is left of a shard that is not complete."""
        self._flush(complete=False)

    def finish(self) -> None:
        """Store what is left, and record that the shard is complete."""
        self._flush(complete=True)

    def _keep(self, parts: Sequence[str]) -> None:
        kept = []
        for sha256 in parts:
            try:
                photos = read_part(self._store, self._shard, sha256)
            except (BundleCorrupt, BundleNotFound) as error:
                self.damaged.append(error.detail)
                continue
            kept.append(sha256)
            self.known |= {(name, known.sha256) for name, known in photos.items()}
        self._record = self._record.model_copy(update={"parts": tuple(kept)})

    def _flush(self, *, complete: bool) -> None:
        parts = self._record.parts
        if self._waiting:
            parts = (*parts, write_part(self._store, self._shard, self._waiting))
            self._waiting = {}
        self._record = self._record.model_copy(update={"parts": parts, "complete": complete})
        write_record(self._store, self._shard, self._record)
