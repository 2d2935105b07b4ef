"""What a store keeps of a shard: part files that never change, and the record that names them, which is written last.

shards/3-of-8.json              a ShardRecord
shards/3-of-8/<sha256>.npz      vectors of a few hundred photos (see `export.photos.part_file`)
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from export.photos.part_file import pack, unpack
from handler.errors import BundleCorrupt, BundleNotFound
from handler.file_ref import Sha256
from handler.model_files import Fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from export.photos.part_file import Known
    from export.shards.shard import Shard
    from handler.stores.store import BundleStore


class ShardRecord(BaseModel):
    """What a shard consists of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    count: int
    fingerprint: Fingerprint
    """Of the encoder that made the vectors."""
    parts: tuple[Sha256, ...] = ()
    """Digests of its part files. A photo that was replaced is in several; its content hash tells which one counts."""
    complete: bool = False
    """False while it is being embedded, and for good if that was broken off."""


def read_record(store: BundleStore, shard: Shard) -> ShardRecord | None:
    """The record of a shard, or None if there is none. Raises BundleCorrupt, StoreUnavailable."""
    try:
        record = ShardRecord.model_validate_json(store.read(shard.record_key))
    except BundleNotFound:
        return None
    except ValidationError as error:
        raise BundleCorrupt(f"{shard.record_key} is not the record of a shard.", value=shard.record_key) from error
    if (record.number, record.count) != (shard.number, shard.count):
        raise BundleCorrupt(
            f"{shard.record_key} is the record of shard {record.number}/{record.count}.", value=shard.record_key
        )
    return record


def write_record(store: BundleStore, shard: Shard, record: ShardRecord) -> None:
    _put(store, shard.record_key, record.model_dump_json(indent=1).encode())


def read_part(store: BundleStore, shard: Shard, sha256: str) -> dict[str, Known]:
    """What a part file knows of photos, by image path. Raises BundleNotFound, BundleCorrupt, StoreUnavailable."""
    key = shard.part_key(sha256)
    body = store.read(key)
    found = hashlib.sha256(body).hexdigest()
    if found != sha256:
        raise BundleCorrupt(f"{key} has the digest {found[:12]}, not {sha256[:12]}.", value=key)
    return unpack(body, key)


def write_part(store: BundleStore, shard: Shard, photos: Mapping[str, Known]) -> str:
    """Store a part file and return its digest."""
    body = pack(photos)
    sha256 = hashlib.sha256(body).hexdigest()
    _put(store, shard.part_key(sha256), body)
    return sha256


def _put(store: BundleStore, key: str, body: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "file"
        path.write_bytes(body)
        store.put(key, path)
