"""Compact encoding of a session's state: msgpack around bit-packed labels, answers and preference.

A label takes as many bits as the largest label shown, an answer one bit per product (two once a product is disliked),
a component of the preference six. After 100 rounds of ten of 100,000 products that is 17 x 1,000 bits of labels. Rounds
that the session keeps only as sets take fewer bits per label, see handler/sessions/bits.py.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import msgpack
import numpy as np

from handler.errors import SessionMalformed
from handler.sessions.bits import MAX_BITS, pack, pack_marks, pack_set, unpack, unpack_marks, unpack_set
from handler.sessions.fields import integer, items, octets, text, truth
from handler.sessions.history import Columns, History, Rarities
from handler.sessions.preference import Preference
from handler.sessions.preference_codec import MAX_COUNT, decode_preference, pack_preference
from handler.sessions.searched import WORDS_BYTES
from handler.sessions.state import Earlier, SessionState

if TYPE_CHECKING:
    from collections.abc import Mapping


LAYOUT = 1
COMPACTED = 2
"""The layout of a session with earlier rounds: a reader of layout 1 would ignore them and show their products again."""
SESSION_ID_BYTES = 8
SECRET_BYTES = 8
VECTOR_SPACE_BYTES = 8
MAX_ROUNDS = 10_000
"""Handlers from before COMPACTED kept every round; one of this many empty pages is still a short token."""


def as_carried(state: SessionState) -> SessionState:
    """The state with the preference that a token has room for."""
    return state if state.preference is None else state.preferring(pack_preference(state.preference))


def encode(state: SessionState, issued_at: int) -> bytes:
    """`issued_at` in seconds since the epoch; `state.secret` as the token is to carry it: encrypted, or empty.

    Trailing fields are left out where there is nothing to carry, and a reader ignores those that it does not know.
    """
    columns = state.rounds.columns
    shown, rarities = columns.shown, columns.rarities
    width = max(shown, default=0).bit_length()
    fields = [
        COMPACTED if state.earlier.rounds else LAYOUT,
        state.session_id,
        issued_at,
        bytes.fromhex(state.vector_space)[:VECTOR_SPACE_BYTES],
        state.preference and pack_preference(state.preference).fields,
        [[size, len(list(run))] for size, run in itertools.groupby(columns.sizes)],
        width,
        pack(np.fromiter(shown, dtype=np.int64, count=len(shown)), width),
        pack_marks(columns.liked),
        pack_marks(columns.disliked) if 1 in columns.disliked else b"",
        [number for number, rare in rarities.items() if rare.withdrawn],
        _encode_elsewhere(rarities),
    ]
    earlier = _encode_earlier(state.earlier)
    photos = _encode_photos(rarities)
    searches = [(number, rare.words) for number, rare in rarities.items() if rare.words]
    if photos or state.secret or earlier or searches:
        fields.append(photos)
    if state.secret or earlier or searches:
        fields.append(state.secret)
    if earlier or searches:
        fields.append(earlier)
    if searches:
        fields.append(searches)
    return bytes(msgpack.packb(fields))


def decode(data: bytes) -> tuple[SessionState, int]:
    """The state and its issue time. Its vector space is the prefix that the token keeps, its secret still encrypted.

    Takes time and memory in proportion to `data`. Raises SessionMalformed: the bytes are signed, so another version or
    another holder of the key wrote those that do not decode.
    """
    try:
        fields = items(msgpack.unpackb(data, use_list=True, strict_map_key=True))
        if not fields or type(fields[0]) is not int or fields[0] not in (LAYOUT, COMPACTED):
            raise SessionMalformed(
                f"The session token has layout {str(fields[:1])[1:21]}; "
                f"this deployment reads {LAYOUT} and {COMPACTED}.",
                field="session",
                remedy="Start a new session.",
            )
        return _state(fields), integer(fields[2])
    except (ValueError, msgpack.UnpackException) as error:
        raise SessionMalformed(
            f"The session token does not decode ({str(error)[:80] or type(error).__name__}).",
            field="session",
            remedy="Start a new session.",
        ) from error


def _state(fields: list[Any]) -> SessionState:
    (_, session_id, _, vector_space, preference, runs, width, labels, liked, disliked, withdrawn, elsewhere, *more) = (
        fields
    )
    sizes = _decode_runs(runs)
    count = sum(sizes)
    shown = tuple(unpack(labels, integer(width, 0, MAX_BITS), count).tolist())
    absent: tuple[Any, ...] = ([], b"", [], [])
    photos, secret, folded, searches = (*more[:4], *absent[len(more) :])
    earlier = _decode_earlier(items(folded, 5)) if fields[0] == COMPACTED else Earlier(*items(folded, 0))
    seen = earlier.shown.union(shown)
    if len(seen) != len(shown) + len(earlier.shown):
        raise ValueError("a product is shown twice")
    columns = Columns(
        shown,
        tuple(sizes),
        unpack_marks(liked, count),
        unpack_marks(disliked, count) if octets(disliked) else bytes(count),
        _decode_rarities(len(sizes) - 1, seen, elsewhere, withdrawn, photos, searches),
    )
    state = SessionState(
        octets(session_id, SESSION_ID_BYTES),
        octets(vector_space, VECTOR_SPACE_BYTES).hex(),
        History.of_columns(columns),
        decode_preference(preference),
        octets(secret, SECRET_BYTES) if octets(secret) else b"",
        earlier,
    )
    if len({*state.liked}) != len(state.liked):
        raise ValueError("a product is liked twice")
    return state.showing(seen)


def _decode_runs(runs: object) -> list[int]:
    """The number of products of every page. Whether there are as many labels is for `unpack` to check."""
    pairs = [
        (integer(size), integer(repeats, 1, MAX_ROUNDS)) for size, repeats in (items(run, 2) for run in items(runs))
    ]
    if sum(repeats for _, repeats in pairs) > MAX_ROUNDS:
        raise ValueError(f"more than {MAX_ROUNDS} rounds")
    return [size for size, repeats in pairs for _ in range(repeats)]


def _encode_elsewhere(rarities: Mapping[int, Rarities]) -> list[tuple[int, int, bool]]:
    """Answers about products of earlier pages, as (round, label, liked)."""
    return [
        (number, label, liked)
        for number, rare in rarities.items()
        for liked, labels in ((True, rare.liked), (False, rare.disliked))
        for label in labels
    ]


def _encode_photos(rarities: Mapping[int, Rarities]) -> list[tuple[int, list[Any] | None]]:
    """(round, vector) of the photos still kept, quantized like the preference; no bytes without photos."""
    return [
        (number, pack_preference(Preference(rare.photo, 1)).fields)
        for number, rare in rarities.items()
        if rare.photo is not None
    ]


def _decode_rarities(
    last: int, shown: frozenset[int], elsewhere: object, withdrawn: object, photos: object, searches: object
) -> dict[int, Rarities]:
    """By the number of the round, of which `last` is the highest. Raises ValueError for a label not in `shown`."""
    found = defaultdict[int, Rarities](Rarities)
    for number, label, liked in (items(one, 3) for one in items(elsewhere)):
        if integer(label) not in shown:
            raise ValueError("an answer about a product that was not shown")
        rare = found[integer(number, 0, last)]
        if truth(liked):
            found[number] = rare._replace(liked=(*rare.liked, label))
        else:
            found[number] = rare._replace(disliked=(*rare.disliked, label))
    for number in items(withdrawn):
        found[number] = found[integer(number, 0, last)]._replace(withdrawn=True)
    for number, photo in (items(one, 2) for one in items(photos)):
        preference = decode_preference(items(photo, 4))
        found[number] = found[integer(number, 0, last)]._replace(photo=None if preference is None else preference.mean)
    for number, words in (items(one, 2) for one in items(searches)):
        found[number] = found[integer(number, 0, last)]._replace(words=text(words, WORDS_BYTES))
    return dict(sorted(found.items()))


def _encode_earlier(earlier: Earlier) -> list[Any]:
    if not earlier.rounds:
        return []
    return [
        earlier.rounds,
        earlier.standing,
        *(pack_set(members) for members in (earlier.shown, earlier.liked, earlier.disliked)),
    ]


def _decode_earlier(fields: list[Any]) -> Earlier:
    rounds, standing, *sets = fields
    shown, liked, disliked = (unpack_set(items(members)) for members in sets)
    if not liked <= shown or not disliked <= shown:
        raise ValueError("an answer about a product that was not shown")
    return Earlier(shown, liked, disliked, integer(standing, 0, integer(rounds, 1, MAX_COUNT)), rounds)
