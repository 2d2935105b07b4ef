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
from handler.sessions.preference import Preference
from handler.sessions.preference_codec import MAX_COUNT, decode_preference, encode_preference
from handler.sessions.searched import WORDS_BYTES
from handler.sessions.state import Earlier, Round, SessionState

if TYPE_CHECKING:
    from collections.abc import Sequence


LAYOUT = 1
COMPACTED = 2
"""The layout of a session with earlier rounds: a reader of layout 1 would ignore them and show their products again."""
SESSION_ID_BYTES = 8
SECRET_BYTES = 8
VECTOR_SPACE_BYTES = 8
MAX_ROUNDS = 10_000
"""Handlers from before COMPACTED kept every round; one of this many empty pages is still a short token."""


def encode(state: SessionState, issued_at: int) -> bytes:
    """`issued_at` in seconds since the epoch; `state.secret` as the token is to carry it: encrypted, or empty.

    Trailing fields are left out where there is nothing to carry, and a reader ignores those that it does not know.
    """
    shown = list(itertools.chain.from_iterable(page.shown for page in state.rounds))
    width = max(shown, default=0).bit_length()
    liked, disliked, elsewhere = _answers(state.rounds, len(shown))
    fields = [
        COMPACTED if state.earlier.rounds else LAYOUT,
        state.session_id,
        issued_at,
        bytes.fromhex(state.vector_space)[:VECTOR_SPACE_BYTES],
        encode_preference(state.preference),
        [[size, len(list(run))] for size, run in itertools.groupby(len(page.shown) for page in state.rounds)],
        width,
        pack(np.fromiter(shown, dtype=np.int64, count=len(shown)), width),
        pack_marks(liked),
        pack_marks(disliked) if 1 in disliked else b"",
        [position for position, page in enumerate(state.rounds) if page.withdrawn],
        elsewhere,
    ]
    earlier = _encode_earlier(state.earlier)
    photos = _photos(state.rounds)
    searches = [(position, page.words) for position, page in enumerate(state.rounds) if page.words]
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
    ends = list(itertools.accumulate(sizes, initial=0))
    shown = unpack(labels, integer(width, 0, MAX_BITS), ends[-1]).tolist()
    likes = unpack_marks(liked, ends[-1])
    dislikes = unpack_marks(disliked, ends[-1]) if octets(disliked) else bytes(ends[-1])
    absent: tuple[Any, ...] = ([], b"", [], [])
    photos, secret, folded, searches = (*more[:4], *absent[len(more) :])
    earlier = _decode_earlier(items(folded, 5)) if fields[0] == COMPACTED else Earlier(*items(folded, 0))
    last = len(sizes) - 1
    taken_back = {integer(position, 0, last) for position in items(withdrawn)}
    pictured = {
        integer(position, 0, last): decode_preference(items(photo, 4))
        for position, photo in (items(one, 2) for one in items(photos))
    }
    searched = {
        integer(position, 0, last): text(words, WORDS_BYTES)
        for position, words in (items(one, 2) for one in items(searches))
    }
    seen = earlier.shown.union(shown)
    if len(seen) != len(shown) + len(earlier.shown):
        raise ValueError("a product is shown twice")
    answers = _decode_elsewhere(elsewhere, last, seen)
    rounds = []
    for position, (start, end) in enumerate(itertools.pairwise(ends)):
        page = shown[start:end]
        photo = pictured.get(position)
        rounds.append(
            Round(
                shown=tuple(page),
                liked=(*itertools.compress(page, likes[start:end]), *answers.get((position, True), ())),
                disliked=(*itertools.compress(page, dislikes[start:end]), *answers.get((position, False), ())),
                withdrawn=position in taken_back,
                photo=None if photo is None else photo.mean,
                words=searched.get(position, ""),
            )
        )
    liked_ever = [*earlier.liked, *(label for page in rounds for label in page.liked)]
    if len({*liked_ever}) != len(liked_ever):
        raise ValueError("a product is liked twice")
    state = SessionState(
        octets(session_id, SESSION_ID_BYTES),
        octets(vector_space, VECTOR_SPACE_BYTES).hex(),
        tuple(rounds),
        decode_preference(preference),
        octets(secret, SECRET_BYTES) if octets(secret) else b"",
        earlier,
    )
    return state.showing(seen)


def _decode_runs(runs: object) -> list[int]:
    """The number of products of every page. Whether there are as many labels is for `unpack` to check."""
    pairs = [
        (integer(size), integer(repeats, 1, MAX_ROUNDS)) for size, repeats in (items(run, 2) for run in items(runs))
    ]
    if sum(repeats for _, repeats in pairs) > MAX_ROUNDS:
        raise ValueError(f"more than {MAX_ROUNDS} rounds")
    return [size for size, repeats in pairs for _ in range(repeats)]


def _answers(rounds: Sequence[Round], shown: int) -> tuple[bytearray, bytearray, list[tuple[int, int, bool]]]:
    """Two bytes for each of `shown` products: whether the answer to its own page liked it, and disliked it.

    Answers about products of earlier pages, as (round, label, liked), are rare and not packed.
    """
    liked, disliked = bytearray(shown), bytearray(shown)
    elsewhere = []
    start = 0
    for position, page in enumerate(rounds):
        for marks, labels in ((liked, page.liked), (disliked, page.disliked)):
            for label in labels:
                if label in page.shown:
                    marks[start + page.shown.index(label)] = 1
                else:
                    elsewhere.append((position, label, marks is liked))
        start += len(page.shown)
    return liked, disliked, elsewhere


def _decode_elsewhere(fields: object, last: int, shown: frozenset[int]) -> dict[tuple[int, bool], list[int]]:
    """The labels by round and by whether they were liked. Raises ValueError for a label that is not in `shown`."""
    answers = defaultdict[tuple[int, bool], list[int]](list)
    for position, label, liked in (items(one, 3) for one in items(fields)):
        if integer(label) not in shown:
            raise ValueError("an answer about a product that was not shown")
        answers[integer(position, 0, last), truth(liked)].append(label)
    return answers


def _photos(rounds: Sequence[Round]) -> list[tuple[int, list[Any] | None]]:
    """(round, vector) of the photos still kept, quantized like the preference; no bytes without photos."""
    return [
        (position, encode_preference(Preference(page.photo, 1)))
        for position, page in enumerate(rounds)
        if page.photo is not None
    ]


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
