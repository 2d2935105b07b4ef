"""Writing an object of S3 to a file, with the SHA-256 of what was written."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import IO, TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PART_BYTES = 16 * 1024 * 1024
"""Larger files are uploaded and downloaded in parts, several at a time."""
_CONNECTIONS = 4
_PIECE_BYTES = 1024 * 1024
_HASHED_BYTES = 256 * 1024
"""Small enough to be in a core's cache when it is hashed."""
_Consumed = TypeVar("_Consumed")


class GetObject(Protocol):
    """Asks for an object, with further parameters of S3's GetObject.

    Returns what `consume` made of its body and the object's tag. `consume` is called again if the body breaks off.
    """

    def __call__(self, consume: Callable[[Any], _Consumed], /, **parameters: str) -> tuple[_Consumed, str]: ...


def save_object(path: Path, size: int, get: GetObject) -> str:
    """Write an object of `size` bytes to the existing file `path`. Returns the SHA-256 of what was written.

    Nothing beyond `size` is asked for where the object is saved in parts.
    """
    if size > PART_BYTES:
        return _save_parts(path, size, get)
    return get(partial(_save, path))[0]


def _save(path: Path, body: Any) -> str:
    digest = hashlib.sha256()
    with path.open("wb") as file:
        while piece := body.read(_PIECE_BYTES):
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def _save_parts(path: Path, size: int, get: GetObject) -> str:
    """Save parts side by side, each in its place, and hash the file from its beginning while later ones arrive."""
    digest = hashlib.sha256()
    lengths = {start: min(PART_BYTES, size - start) for start in range(0, size, PART_BYTES)}
    pool = ThreadPoolExecutor(_CONNECTIONS)
    try:
        parts = [pool.submit(_save_part, path, start, length, get) for start, length in lengths.items()]
        with path.open("rb", buffering=0) as file:
            for part, length in zip(parts, lengths.values(), strict=True):
                part.result()
                _copy(file, length, _HASHED_BYTES, digest.update)
    finally:
        pool.shutdown(cancel_futures=True)
    return digest.hexdigest()


def _save_part(path: Path, start: int, length: int, get: GetObject) -> None:
    def write(body: Any) -> None:
        with path.open("r+b") as file:
            file.seek(start)
            # Never beyond its place, whatever the server sends: another part may have been hashed there.
            _copy(body, length, _PIECE_BYTES, file.write)

    get(write, Range=f"bytes={start}-{start + length - 1}")


def _copy(source: IO[bytes], length: int, piece_bytes: int, consume: Callable[[bytes], object]) -> None:
    """Hand at most `length` bytes to `consume`, in pieces."""
    while length and (piece := source.read(min(length, piece_bytes))):
        consume(piece)
        length -= len(piece)
