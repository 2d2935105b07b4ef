"""Compact encoding of a session's state: msgpack around bit-packed labels, answers and preference.

A label takes as many bits as the largest label shown, an answer one bit per product (two once a product is disliked),
a component of the preference six. After 100 rounds of ten of 100,000 products that is 17 x 1,000 bits of labels.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import msgpack
import numpy as np

from handler.errors import SessionMalformed
from handler.sessions.state import Preference, Round, SessionState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LAYOUT = 1
LEVEL_BITS = 6
SESSION_ID_BYTES = 8
SECRET_BYTES = 8
VECTOR_SPACE_BYTES = 8
MAX_ROUNDS = 10_000
_LEVELS = 2 ** (LEVEL_BITS - 1) - 1


def encode(state: SessionState, issued_at: int) -> bytes:
    """`issued_at` in seconds since the epoch; `state.secret` as the token is to carry it: encrypted, or empty.

    Trailing fields are left out where there is nothing to carry, and a reader ignores those that it does not know.
    """
    shown = [label for page in state.rounds for label in page.shown]
    width = max(shown, default=0).bit_length()
    disliked = _marks(state.rounds, "disliked")
    fields = [
        LAYOUT,
        state.session_id,
        issued_at,
        bytes.fromhex(state.vector_space)[:VECTOR_SPACE_BYTES],
        _encode_preference(state.preference),
        [[size, len(list(run))] for size, run in itertools.groupby(len(page.shown) for page in state.rounds)],
        width,
        _pack_bits(np.asarray(shown, dtype=np.int64), width),
        _pack_bits(_marks(state.rounds, "liked"), 1),
        _pack_bits(disliked, 1) if disliked.any() else b"",
        [position for position, page in enumerate(state.rounds) if page.withdrawn],
        _elsewhere(state.rounds),
    ]
    photos = _photos(state.rounds)
    if photos or state.secret:
        fields.append(photos)
    if state.secret:
        fields.append(state.secret)
    return bytes(msgpack.packb(fields))


def decode(data: bytes) -> tuple[SessionState, int]:
    """The state and its issue time. Its vector space is the prefix that the token keeps, its secret still encrypted.

    Raises SessionMalformed. The bytes are signed, so another version wrote those that do not decode.
    """
    try:
        fields = msgpack.unpackb(data, use_list=True, strict_map_key=True)
        if fields[0] != LAYOUT:
            raise SessionMalformed(
                f"The session token has layout {fields[0]}; this deployment reads {LAYOUT}.",
                field="session",
                remedy="Start a new session.",
            )
        return _state(fields), int(fields[2])
    except SessionMalformed:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, msgpack.UnpackException) as error:
        raise SessionMalformed(
            f"The session token does not decode ({type(error).__name__}).",
            field="session",
            remedy="Start a new session.",
        ) from error


def _state(fields: list[Any]) -> SessionState:
    (_, session_id, _, vector_space, preference, runs, width, labels, liked, disliked, withdrawn, elsewhere, *more) = (
        fields
    )
    photos = {position: _decode_preference(photo) for position, photo in (more[0] if more else [])}
    sizes = [size for size, repeats in runs for _ in range(min(repeats, MAX_ROUNDS))]
    shown = _unpack_bits(labels, width, sum(sizes)).tolist()
    likes = _unpack_bits(liked, 1, sum(sizes)).tolist()
    dislikes = _unpack_bits(disliked, 1, sum(sizes)).tolist() if disliked else [0] * sum(sizes)
    secret = more[1] if len(more) > 1 else b""
    if secret and (not isinstance(secret, bytes) or len(secret) != SECRET_BYTES):
        raise ValueError(f"a secret has {SECRET_BYTES} bytes")
    rounds = []
    ends = list(itertools.accumulate(sizes, initial=0))
    for position, (start, end) in enumerate(itertools.pairwise(ends)):
        page = shown[start:end]
        also_liked = [label for where, label, sign in elsewhere if where == position and sign]
        also_disliked = [label for where, label, sign in elsewhere if where == position and not sign]
        rounds.append(
            Round(
                shown=tuple(page),
                liked=(*itertools.compress(page, likes[start:end]), *also_liked),
                disliked=(*itertools.compress(page, dislikes[start:end]), *also_disliked),
                withdrawn=position in withdrawn,
                photo=None if (photo := photos.get(position)) is None else photo.mean,
            )
        )
    return SessionState(session_id, vector_space.hex(), tuple(rounds), _decode_preference(preference), secret)


def _marks(rounds: Sequence[Round], answer: str) -> NDArray[np.int64]:
    """One bit for every product shown: whether the answer to its own page liked (disliked) it."""
    bits = [label in getattr(page, answer) for page in rounds for label in page.shown]
    return np.asarray(bits, dtype=np.int64)


def _elsewhere(rounds: Sequence[Round]) -> list[tuple[int, int, bool]]:
    """Answers about products of earlier pages, as (round, label, liked). They are rare and not packed."""
    return [
        (position, label, answer == "liked")
        for position, page in enumerate(rounds)
        for answer in ("liked", "disliked")
        for label in getattr(page, answer)
        if label not in page.shown
    ]


def _photos(rounds: Sequence[Round]) -> list[tuple[int, list[Any] | None]]:
    """(round, vector) of the photos still kept, quantised like the preference; no bytes without photos."""
    return [
        (position, _encode_preference(Preference(page.photo, 1)))
        for position, page in enumerate(rounds)
        if page.photo is not None
    ]


def _encode_preference(preference: Preference | None) -> list[Any] | None:
    """Scale, count, length and levels. Levels follow a square root: fine near zero, where most components are, yet wide
    enough for the few large components of a transformer's embedding."""
    if preference is None:
        return None
    scale = float(np.abs(preference.mean).max()) or 1.0
    roots = np.sign(preference.mean) * np.sqrt(np.abs(preference.mean) / scale)
    levels = np.rint(roots * _LEVELS).astype(np.int64) + _LEVELS
    return [scale, preference.count, len(levels), _pack_bits(levels, LEVEL_BITS)]


def _decode_preference(fields: list[Any] | None) -> Preference | None:
    if fields is None:
        return None
    scale, count, dim, packed = fields
    roots = (_unpack_bits(packed, LEVEL_BITS, dim) - _LEVELS).astype(np.float32) / _LEVELS
    return Preference((np.sign(roots) * roots**2 * scale).astype(np.float32), int(count))


def _pack_bits(values: NDArray[np.int64], width: int) -> bytes:
    bits = (values[:, None] >> np.arange(width)) & 1
    return np.packbits(bits.astype(np.uint8)).tobytes()


def _unpack_bits(data: bytes, width: int, count: int) -> NDArray[np.int64]:
    """Raises ValueError if `data` is not exactly `count` values of `width` bits."""
    if not 0 <= width <= 62 or len(data) != -(-width * count // 8):
        raise ValueError(f"{len(data)} bytes cannot hold {count} values of {width} bits")
    bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8), count=width * count)
    return bits.reshape(count, width).astype(np.int64) @ (np.int64(1) << np.arange(width, dtype=np.int64))
