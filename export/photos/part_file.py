"""The vectors of one part of a catalog in a NumPy npz file, as the re-index and `vitrine index --shard` keep them.

names    (n,) bytes, UTF-8       the photos, sorted
etags    (n,) bytes              S3's ETag of the photo that was read, another one means that the photo was replaced;
                                empty in a shard
digests  (n,) bytes              SHA-256 of the photo, hexadecimal
reasons  (n,) bytes, UTF-8       why a photo has no vector; empty for one that has
vectors  (n, dim) float32        the encoder's unit vectors; zeros for a photo that has none
"""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from export.photos.embedding_cache import Embedded
from handler.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Known(NamedTuple):
    """What is known of a photo: the ETag under which it was read, its content hash, and its vector or the reason."""

    etag: str
    sha256: str
    result: Embedded


def pack(photos: Mapping[str, Known]) -> bytes:
    """The file of these photos, by name."""
    names = sorted(photos)
    known = [photos[name] for name in names]
    dim = next((len(one.result.vector) for one in known if one.result.vector is not None), 0)
    vectors = np.zeros((len(names), dim), dtype=np.float32)
    for row, one in zip(vectors, known, strict=True):
        if one.result.vector is not None:
            row[:] = one.result.vector
    buffer = io.BytesIO()
    np.savez(
        buffer,
        allow_pickle=False,
        names=_column(names),
        etags=_column([one.etag for one in known]),
        digests=_column([one.sha256 for one in known]),
        reasons=_column([one.result.reason or "" for one in known]),
        vectors=vectors,
    )
    return buffer.getvalue()


def unpack(body: bytes, place: str) -> dict[str, Known]:
    """The photos of a file that `pack` wrote, by name. Raises ConfigurationError, naming `place`, for any other."""
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as file:
            names, etags, digests, reasons = (
                [value.decode() for value in file[column].tolist()]
                for column in ("names", "etags", "digests", "reasons")
            )
            results = [
                Embedded(None if reason else vector, reason or None)
                for reason, vector in zip(reasons, file["vectors"], strict=True)
            ]
            return dict(zip(names, map(Known, etags, digests, results), strict=True))
    except (ValueError, KeyError, OSError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise ConfigurationError(
            f"{place} is not a file of vectors: {error}.",
            value=place,
            remedy="Delete it; its photos are embedded again.",
        ) from error


def _column(values: list[str]) -> np.ndarray[tuple[int], np.dtype[np.bytes_]]:
    return np.array([value.encode() for value in values], dtype=np.bytes_)
