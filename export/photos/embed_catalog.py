"""Photos to vectors: decoding on every core beside the encoder, in batches, and only what is not known yet."""

from __future__ import annotations

import itertools
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from export.photos.embedding_cache import Embedded
from export.photos.vector_blocks import BLOCK, new_vectors, release
from handler.errors import CatalogError, ImageError
from handler.photos.images import MAX_PIXELS, decode, preprocess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from concurrent.futures import Future
    from pathlib import Path

    from numpy.typing import NDArray
    from rich.progress import Progress

    from export.photos.embedding_cache import EmbeddingCache
    from export.photos.read_catalog import CatalogRow, CatalogSource
    from handler.photos.encoder import Encoder
    from handler.photos.images import Preprocessing

    _Outcome = NDArray[np.float32] | str | OSError
    _Loaded = tuple[str, _Outcome]

BATCH = 16
LOOK_AHEAD = 2 * BATCH
MAX_BYTES = 200_000_000


@dataclass
class EmbeddedCatalog:
    """The rows that have a vector, their vectors in the same order, and why the others have none."""

    vectors: NDArray[np.float32]
    """(n, dim), in a temporary file (see `new_vectors`)."""
    rows: list[CatalogRow] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    """SHA-256 of each row's photo."""
    skipped: dict[str, str] = field(default_factory=dict)
    """Reason by image path."""
    embedded: int = 0
    """How many photos went through the encoder in this run."""


def embed_catalog(
    source: CatalogSource,
    fingerprint: str,
    open_encoder: Callable[[], Encoder],
    cache: EmbeddingCache,
    progress: Progress,
) -> EmbeddedCatalog:
    """Embed what the cache does not know; the encoder is opened only if there is something to embed."""
    hashes, unreadable = _hash_photos(source, cache, progress)
    pending = {
        sha256: source.root / image for image, sha256 in hashes.items() if cache.get(sha256, fingerprint) is None
    }
    embedded, gone = 0, dict[str, str]()
    if pending:
        embedded, gone = embed_photos(pending, fingerprint, open_encoder(), cache, progress)
    reasons = unreadable | {image: gone[sha256] for image, sha256 in hashes.items() if sha256 in gone}
    result = collect(source.rows, hashes, reasons, fingerprint, cache)
    result.embedded = embedded
    result.skipped |= source.skipped
    return result


def collect(
    rows: Iterable[CatalogRow],
    hashes: Mapping[str, str],
    reasons: Mapping[str, str],
    fingerprint: str,
    cache: EmbeddingCache,
) -> EmbeddedCatalog:
    """What the cache knows of `rows`. `hashes` are content hashes by image; `reasons` say why there is no vector."""
    rows = list(rows)
    vectors: NDArray[np.float32] | None = None
    result = EmbeddedCatalog(np.zeros((0, 0), dtype=np.float32))
    for row in rows:
        known = cache.get(hashes[row.image], fingerprint) if row.image in hashes else None
        if known is not None and known.vector is not None:
            if vectors is None:
                vectors = new_vectors(len(rows), len(known.vector))
            vectors[len(result.rows)] = known.vector
            result.rows.append(row)
            result.digests.append(hashes[row.image])
            if len(result.rows) % BLOCK == 0:
                release(vectors)
        else:
            reason = known.reason if known else reasons.get(row.image)
            result.skipped[row.image] = reason or "The photo was not embedded."
    if vectors is not None:
        result.vectors = vectors[: len(result.rows)]
    return result


def check_usable(catalog: EmbeddedCatalog) -> None:
    """Raises CatalogError if every photo was skipped, with the first reason."""
    if not catalog.rows:
        raise CatalogError(
            f"None of the {len(catalog.skipped)} photos can be used; the first: "
            f"{next(iter(catalog.skipped.values()), 'there is none.')}",
            value=len(catalog.skipped),
        )


def _hash_photos(
    source: CatalogSource, cache: EmbeddingCache, progress: Progress
) -> tuple[dict[str, str], dict[str, str]]:
    """Content hash by image path, and the reason by image path for what cannot be read."""
    hashes: dict[str, str] = {}
    unreadable: dict[str, str] = {}
    for row in progress.track(source.rows, description="Looking at photos"):
        try:
            hashes[row.image] = cache.content_hash(source.path_of(row))
        except OSError as error:
            unreadable[row.image] = _reason(error)
    return hashes, unreadable


def _reason(error: OSError) -> str:
    return f"The file cannot be read: {error.strerror}."


def embed_photos(
    pending: Mapping[str, Path], fingerprint: str, encoder: Encoder, cache: EmbeddingCache, progress: Progress
) -> tuple[int, dict[str, str]]:
    """Embed files, given by their content hash, into the cache.

    How many were embedded, and why some files could not be read. That may pass, so the cache does not learn it.
    """
    task = progress.add_task("Embedding photos", total=len(pending))
    embedded = 0
    gone: dict[str, str] = {}
    with ThreadPoolExecutor() as pool:
        load = partial(_load, how=encoder.spec.preprocessing)
        for batch in _batches(zip(pending, _map_ahead(pool, load, pending.values()), strict=True)):
            gone |= {sha256: _reason(error) for sha256, error in batch if isinstance(error, OSError)}
            embedded += _embed_batch(batch, fingerprint, encoder, cache)
            progress.advance(task, len(batch))
    return embedded, gone


def _load(path: Path, how: Preprocessing) -> _Outcome:
    """Pixels for the encoder (3, height, width), or the reason why there are none."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            return f"The file has {size:,} bytes; at most {MAX_BYTES:,} are read."
        return preprocess(decode(path.read_bytes(), max_pixels=MAX_PIXELS), how)
    except OSError as error:
        return error
    except ImageError as error:
        return error.detail


def _embed_batch(batch: list[_Loaded], fingerprint: str, encoder: Encoder, cache: EmbeddingCache) -> int:
    readable = [(sha256, pixels) for sha256, pixels in batch if isinstance(pixels, np.ndarray)]
    results = [(sha256, Embedded(None, reason)) for sha256, reason in batch if isinstance(reason, str)]
    if readable:
        vectors = encoder.encode(np.stack([pixels for _, pixels in readable]))
        results += [(sha256, Embedded(vector)) for (sha256, _), vector in zip(readable, vectors, strict=True)]
    cache.put(fingerprint, results)
    return len(readable)


def _map_ahead(pool: ThreadPoolExecutor, load: Callable[[Path], _Outcome], paths: Iterable[Path]) -> Iterator[_Outcome]:
    """`pool.map`, but never more than LOOK_AHEAD photos decoded and waiting: a catalog does not fit into memory."""
    waiting: deque[Future[_Outcome]] = deque()
    for path in paths:
        waiting.append(pool.submit(load, path))
        if len(waiting) == LOOK_AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _batches(items: Iterable[_Loaded]) -> Iterator[list[_Loaded]]:
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, BATCH)):
        yield batch
