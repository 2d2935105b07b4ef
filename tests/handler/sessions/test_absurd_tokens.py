"""Tokens with a valid signature and absurd contents: refused as malformed, without spending memory or time on them."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import itsdangerous
import msgpack
import numpy as np
import pytest

from handler.errors import SessionMalformed
from handler.sessions.bits import pack_set
from handler.sessions.codec import COMPACTED, LAYOUT, MAX_ROUNDS
from handler.sessions.tokens import MAX_TOKEN_CHARS, SessionTokens
from tests.handler.support import VECTOR_SPACE

KEY = "k" * 32
DIM = 4
SPACE = bytes.fromhex(VECTOR_SPACE)[:8]
ID = b"session!"
MEBIBYTE = 2**20


def signed(fields: object) -> str:
    """A token with this payload, under the key of `TOKENS`."""
    signer = next(iter(TOKENS._signers.values()))
    payload = fields if isinstance(fields, bytes) else bytes(msgpack.packb(fields))
    return signer.sign(itsdangerous.base64_encode(payload)).decode()


def valid(**changed: Any) -> list[Any]:
    """The fields of a token with one page of labels 1, 2 and 3, of which 2 is liked, with `changed` ones."""
    fields = {
        "layout": LAYOUT,
        "session_id": ID,
        "issued_at": int(time.time()),
        "space": SPACE,
        "preference": [0.5, 1, DIM, b"\x00\x00\x00"],
        "runs": [[3, 1]],
        "width": 2,
        "labels": b"\x9c",
        "liked": b"\x40",
        "disliked": b"",
        "withdrawn": [],
        "elsewhere": [],
        "photos": [],
        "secret": b"",
    }
    assert changed.keys() <= {*fields, "earlier"}
    return list((fields | changed).values())


TOKENS = SessionTokens((KEY,), ttl_seconds=3_600)


def read(fields: object) -> Any:
    return TOKENS.read(signed(fields), VECTOR_SPACE, DIM)


def test_the_fields_that_the_cases_change_are_valid() -> None:
    state = read(valid())
    assert (state.rounds[0].shown, state.liked) == ((1, 2, 3), (2,))
    earlier = [7, 5, pack_set({10, 11}), pack_set({10}), []]
    assert read(valid(layout=COMPACTED, earlier=earlier)).shown == {1, 2, 3, 10, 11}


NAN, INFINITE = float("nan"), float("inf")
SETS = ({1, 2}, {1})


@pytest.mark.parametrize(
    "changed",
    [
        {"session_id": b""},
        {"session_id": "session!"},
        {"session_id": b"s" * 9},
        {"issued_at": -1},
        {"issued_at": 2**63},
        {"issued_at": 1.5},
        {"issued_at": True},
        {"issued_at": None},
        {"issued_at": 4_102_444_800},  # the year 2100
        {"space": b""},
        {"space": SPACE[:1]},
        {"space": 7},
        {"preference": [NAN, 1, DIM, b"\0\0\0"]},
        {"preference": [INFINITE, 1, DIM, b"\0\0\0"]},
        {"preference": [-1.0, 1, DIM, b"\0\0\0"]},
        {"preference": [0.0, 1, DIM, b"\0\0\0"]},
        {"preference": [1, 1, DIM, b"\0\0\0"]},
        {"preference": [0.5, 0, DIM, b"\0\0\0"]},
        {"preference": [0.5, -3, DIM, b"\0\0\0"]},
        {"preference": [0.5, 1.5, DIM, b"\0\0\0"]},
        {"preference": [0.5, True, DIM, b"\0\0\0"]},
        {"preference": [0.5, 2**63, DIM, b"\0\0\0"]},
        {"preference": [0.5, 2**31, DIM, b"\0\0\0"]},
        {"preference": [0.5, 1, 0, b""]},
        {"preference": [0.5, 1, -1, b""]},
        {"preference": [0.5, 1, DIM + 1, b"\0\0\0\0"]},
        {"preference": [0.5, 1, DIM - 1, b"\0\0\0"]},
        {"preference": [0.5, 1, 2**62, b"\0\0\0"]},
        {"preference": [0.5, 1, DIM]},
        {"preference": {}},
        {"preference": 7},
        {"runs": [[2**40, 1]]},
        {"runs": [[3, MAX_ROUNDS + 1]]},
        {"runs": [[0, MAX_ROUNDS]] * 2 + [[3, 1]]},
        {"runs": [[-1, 1], [4, 1]]},
        {"runs": [[3, 0]]},
        {"runs": [[3, -1]]},
        {"runs": [[3.0, 1]]},
        {"runs": [[3]]},
        {"runs": [3]},
        {"runs": {3: 1}},
        {"runs": None},
        {"runs": [[10**9, 1]], "width": 0, "labels": b""},
        {"width": -2},
        {"width": 63},
        {"width": 2.0},
        {"width": 2**62},
        {"labels": b"\x94"},  # 2, 1 and 1
        {"layout": COMPACTED, "earlier": [1, 1, pack_set({2}), [], []]},
        {"elsewhere": [[0, 2, True]]},
        {"elsewhere": [[0, 1, True], [0, 1, True]]},
        {"labels": "l"},
        {"labels": None},
        {"labels": b""},
        {"liked": b""},
        {"liked": b"\x40\0"},
        {"liked": 0},
        {"disliked": "no"},
        {"disliked": b"\0\0"},
        {"withdrawn": [1]},
        {"withdrawn": [-1]},
        {"withdrawn": ["0"]},
        {"withdrawn": 0},
        {"elsewhere": [[0, 9, True]]},
        {"elsewhere": [[1, 2, True]]},
        {"elsewhere": [[0, 2, 1]]},
        {"elsewhere": [[0, [], True]]},
        {"elsewhere": [[0, 2]]},
        {"elsewhere": 5},
        {"photos": [[0, [NAN, 1, DIM, b"\0\0\0"]]]},
        {"photos": [[0, [0.5, 1, DIM + 4, b"\0" * 6]]]},
        {"photos": [[1, [0.5, 1, DIM, b"\0\0\0"]]]},
        {"photos": [[[], None]]},
        {"photos": [[0, None]]},
        {"photos": 1},
        {"secret": b"short"},
        {"secret": 8},
        {"secret": 0},
        {"secret": None},
        {"layout": COMPACTED},
        {"layout": COMPACTED, "earlier": []},
        {"earlier": [1, 1, [], [], []]},
        {"earlier": None},
        {"layout": COMPACTED, "earlier": [0, 0, [], [], []]},
        {"layout": COMPACTED, "earlier": [1, 2, [], [], []]},
        {"layout": COMPACTED, "earlier": [2**31, 1, [], [], []]},
        {"layout": COMPACTED, "earlier": [1, -1, [], [], []]},
        {"layout": COMPACTED, "earlier": [1, 1, pack_set({1}), pack_set({2}), []]},
        {"layout": COMPACTED, "earlier": [1, 1, pack_set({1}), [], pack_set({2})]},
        {"layout": COMPACTED, "earlier": [1, 1, [2**62, 0, b"", b"\xff"], [], []]},
        {"layout": COMPACTED, "earlier": [1, 1, [8, 62, b"\xff" * 62, b"\xff"], [], []]},
        {"layout": COMPACTED, "earlier": [1, 1, [2, 1, b"\0", b"\xc0"], [], []]},
        {"layout": COMPACTED, "earlier": [1, 1, [1, 0, b"", b""], [], []]},
        {"layout": COMPACTED, "earlier": [1, 1, [1, 0, None, b"\x80"], [], []]},
        {"layout": COMPACTED, "earlier": [1, 1, ["a", 0, b"", b"\x80"], [], []]},
        {"layout": True},
        {"layout": 3},
        {"layout": [1]},
        {"layout": msgpack.Timestamp(1)},
    ],
    ids=str,
)
def test_absurd_fields_are_malformed(changed: dict[str, Any]) -> None:
    with pytest.raises(SessionMalformed):
        read(valid(**changed))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        b"\x91" * 600,
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff\1",
        b"\x01\x02",
    ],
    ids=["empty", "reserved", "deep", "long array", "long map", "long extension", "two values"],
)
def test_bytes_other_than_a_token_are_malformed(payload: bytes) -> None:
    with pytest.raises(SessionMalformed):
        read(payload or b"\x90")


@pytest.mark.parametrize("text", ["\ud800", "\ud800.a", "é" * 70_000])
def test_text_outside_ascii_is_malformed(text: str) -> None:
    with pytest.raises(SessionMalformed):
        TOKENS.read(text, VECTOR_SPACE, DIM)


def test_no_payload_takes_more_than_a_few_megabytes() -> None:
    """Counts that a payload claims are compared with its bytes before anything is allocated for them."""
    whole = b"\xff" * (MAX_TOKEN_CHARS * 3 // 4 - 200)
    claims = [
        valid(runs=[[2**31, MAX_ROUNDS]], width=0, labels=b""),
        valid(runs=[[2**31, MAX_ROUNDS]], labels=whole),
        valid(preference=[0.5, 1, 2**40, b""]),
        valid(preference=[0.5, 1, len(whole) * 8 // 6, whole]),
        valid(runs=[[0, 1]] * 10_000 + [[3, 1]]),
        valid(layout=COMPACTED, earlier=[1, 1, [len(whole) * 8, 0, b"", whole], [], []]),
        valid(layout=COMPACTED, earlier=[1, 1, [2**61, 62, whole, b"\xff"], [], []]),
    ]
    for fields in claims:
        token = signed(fields)
        tracemalloc.start()
        try:
            TOKENS.read(token, VECTOR_SPACE, DIM)
        except SessionMalformed:
            pass
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < 100 * MEBIBYTE, (fields[5:7], peak)


def test_a_vector_of_another_length_names_both_lengths() -> None:
    levels = np.zeros(6, dtype=np.uint8).tobytes()
    with pytest.raises(SessionMalformed, match="vector of 8 dimensions; this shop's have 4"):
        read(valid(preference=[0.5, 1, 8, levels]))
