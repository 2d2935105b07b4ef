"""Integers as packed bits: sequences of equal width, and sets.

A set of n integers below u takes at most 2 + log2(u / n) bits for each (P. Elias, "Efficient storage and retrieval by
content and address of static files", J. ACM 21 (2), 1974, known as the Elias-Fano code): the low bits of each integer
are packed as they are, and its high bits as the gap to the one before, in unary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from handler.sessions.fields import integer, octets

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

MAX_BITS = 62
"""An integer with more does not fit an int64 together with the shifts below."""
_POWERS = 1 << np.arange(MAX_BITS)
_MARKS = [bytes(map(int, f"{octet:08b}")) for octet in range(256)]
_DIGITS = bytes.maketrans(b"\0\1", b"01")


def pack(values: NDArray[np.int64], width: int) -> bytes:
    """Every value (n,) in `width` bits, without gaps."""
    octets_of_each = values.astype("<i8").view(np.uint8).reshape(-1, 8)
    return np.packbits(np.unpackbits(octets_of_each, axis=1, count=width, bitorder="little")).tobytes()


def unpack(data: object, width: int, count: int) -> NDArray[np.int64]:
    """The values (count,). Allocates at most a small multiple of `data`.

    Raises ValueError if `data` is not exactly `count` values of `width` bits. A width of 0 holds one value, a zero.
    """
    if not 0 <= width <= MAX_BITS or not 0 <= count <= max(1, 8 * len(octets(data))):
        raise ValueError(f"{count} values of {width} bits")
    bits = np.unpackbits(np.frombuffer(octets(data, -(-width * count // 8)), dtype=np.uint8), count=width * count)
    values: NDArray[np.int64] = bits.reshape(count, width).dot(_POWERS[:width])
    return values


def unpack_marks(data: object, count: int) -> bytes:
    """`count` values of one bit, a byte each. Raises ValueError as `unpack` does."""
    return b"".join(map(_MARKS.__getitem__, octets(data, -(-count // 8))))[:count]


def pack_marks(marks: bytes) -> bytes:
    """Every byte, 0 or 1, in one bit."""
    size = -(-len(marks) // 8)
    return int(marks.translate(_DIGITS).ljust(8 * size, b"0") or b"0", 2).to_bytes(size)


def pack_set(members: Collection[int]) -> list[int | bytes]:
    """The fields of a set: its size, the number of low bits, the low bits and the high bits."""
    values = np.sort(np.fromiter(members, dtype=np.int64, count=len(members)))
    if not len(values):
        return []
    width = max(0, (int(values[-1]) // len(values)).bit_length() - 1)
    ones = (values >> width) + np.arange(len(values))
    unary = np.zeros(int(ones[-1]) + 1, dtype=np.uint8)
    unary[ones] = 1
    return [len(values), width, pack(values & ((1 << width) - 1), width), np.packbits(unary).tobytes()]


def unpack_set(fields: list[object]) -> frozenset[int]:
    """The members. Raises ValueError for fields that `pack_set` does not return."""
    if not fields:
        return frozenset()
    count, width, lows, highs = fields
    size, low_bits = integer(count, 1), integer(width, 0, MAX_BITS)
    ones = np.flatnonzero(np.unpackbits(np.frombuffer(octets(highs), dtype=np.uint8)))
    if len(ones) != size:
        raise ValueError(f"a set of {size} has {len(ones)} members")
    high = ones - np.arange(size)
    if int(high[-1]) >> (MAX_BITS - low_bits):
        raise ValueError(f"a member has more than {MAX_BITS} bits")
    low = unpack(lows, low_bits, size) if octets(lows, -(-low_bits * size // 8)) else 0
    values = (high << low_bits) + low
    if (np.diff(values) <= 0).any():
        raise ValueError("members repeat or are not in order")
    return frozenset(values.tolist())
