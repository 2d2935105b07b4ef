"""Photos to vectors, on every core, and only those that the cache does not know yet."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

from export.photos.embedding_cache import Embedded
from export.photos.map_ahead import map_ahead
from export.photos.vector_blocks import BLOCK, new_vectors, release
from handler.errors import CatalogError, ImageError
from handler.photos.cores import available_cores
from handler.photos.images import MAX_PIXELS, decode, preprocess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from rich.progress import Progress

    from export.photos.embedding_cache import EmbeddingCache
    from export.photos.read_catalog import CatalogRow, CatalogSource
    from handler.photos.encoder import Encoder
    from handler.photos.images import Preprocessing

    _Outcome = Embedded | OSError

BATCH = 16
"""Photos per commit: an interrupted run loses at most these."""
LOOK_AHEAD = BATCH
MAX_BYTES = 200_000_000
_Item = TypeVar("_Item")


class Results(Protocol):
    """Where `embed_photos` puts the result for each photo; an EmbeddingCache is one."""

    def put(self, fingerprint: str, results: Sequence[tuple[str, Embedded]], /) -> None:
        """Keep (content hash, result) pairs."""


@dataclass
class EmbeddedCatalog:
    """The rows with a vector, their vectors in the same order, and the reason why others have none."""

    vectors: NDArray[np.float32]
    """(n, dim), in a temporary file (see `new_vectors`)."""
    rows: list[CatalogRow] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    """SHA-256 of each row's photo."""
    skipped: dict[str, str] = field(default_factory=dict)
    """Reason by image path."""
    embedded: int = 0
    """Number of photos embedded in this run."""


def embed_catalog(
    source: CatalogSource,
    fingerprint: str,
    open_encoder: Callable[[], Encoder],
    cache: EmbeddingCache,
    progress: Progress,
) -> EmbeddedCatalog:
    """Embed the photos that the cache does not know. The encoder is opened only if there are any."""
    hashes, unreadable = hash_photos(source, cache.content_hash, progress)
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
    """Collect vectors from the cache. `hashes` are content hashes by image, `reasons` why an image has no vector."""
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
    if catalog.rows:
        return
    count, reason = len(catalog.skipped), next(iter(catalog.skipped.values()), "there are none.")
    which = "The only photo cannot be used:" if count == 1 else f"None of the {count} photos can be used; the first:"
    raise CatalogError(f"{which} {reason}", value=count)


def hash_photos(
    source: CatalogSource, content_hash: Callable[[Path], str], progress: Progress
) -> tuple[dict[str, str], dict[str, str]]:
    """Content hashes of the readable photos and reasons for the others, by image path.

    `content_hash` raises OSError for a file that cannot be read.
    """
    hashes: dict[str, str] = {}
    unreadable: dict[str, str] = {}
    for row in progress.track(source.rows, description="Reading photos"):
        try:
            hashes[row.image] = content_hash(source.path_of(row))
        except OSError as error:
            unreadable[row.image] = _reason(error)
    return hashes, unreadable


def _reason(error: OSError) -> str:
    return f"The file cannot be read: {error.strerror}."


def embed_photos(
    pending: Mapping[str, Path], fingerprint: str, encoder: Encoder, results: Results, progress: Progress
) -> tuple[int, dict[str, str]]:
    """Embed files, given by their content hash, into `results`.

    Each core decodes and encodes photos of its own, as many at once as suits `encoder`, which should use one thread:
    sharing every photo among the cores leaves them waiting for each other. Returns the number of photos embedded, and
    the reason for each file that could not be read; a read error may be temporary, so it is not put into `results`.
    """
    task = progress.add_task("Embedding photos", total=len(pending))
    embedded = 0
    gone: dict[str, str] = {}
    cores = available_cores()
    ahead = max(LOOK_AHEAD // encoder.together, 2 * cores)
    with ThreadPoolExecutor(cores) as pool:
        groups = _batches(pending.values(), encoder.together)
        done = map_ahead(pool, partial(_embed, encoder=encoder), groups, ahead)
        outcomes = itertools.chain.from_iterable(done)
        for batch in _batches(progress.track(zip(pending, outcomes, strict=True), task_id=task), BATCH):
            embedded_now = [(sha256, outcome) for sha256, outcome in batch if isinstance(outcome, Embedded)]
            gone |= {sha256: _reason(error) for sha256, error in batch if isinstance(error, OSError)}
            results.put(fingerprint, embedded_now)
            embedded += sum(result.vector is not None for _, result in embedded_now)
    return embedded, gone


def _embed(paths: Sequence[Path], encoder: Encoder) -> list[_Outcome]:
    loaded = [_load(path, encoder.spec.preprocessing) for path in paths]
    pixels = [photo for photo in loaded if isinstance(photo, np.ndarray)]
    vectors = iter(encoder.encode(np.stack(pixels)) if pixels else ())
    return [_outcome(photo, vectors) for photo in loaded]


def _outcome(photo: NDArray[np.float32] | str | OSError, vectors: Iterator[NDArray[np.float32]]) -> _Outcome:
    if isinstance(photo, OSError):
        return photo
    return Embedded(None, photo) if isinstance(photo, str) else Embedded(next(vectors))


def _load(path: Path, how: Preprocessing) -> NDArray[np.float32] | str | OSError:
    """The encoder's input (3, height, width), or the reason why there is none."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            return f"The file has {size:,} bytes; at most {MAX_BYTES:,} are read."
        return preprocess(decode(path.read_bytes(), max_pixels=MAX_PIXELS), how)
    except OSError as error:
        return error
    except ImageError as error:
        return error.detail


def _batches(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, size)):
        yield batch
