"""Compact encoding of a preference: six bits for each component of the mean of what was liked."""

from __future__ import annotations

import binascii
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from handler.sessions.fields import integer, items, number, octets
from handler.sessions.preference import Preference

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_COUNT = 2**31 - 1
"""Of likes and of earlier rounds. No session comes near it, and every JSON reader holds it exactly."""
LEVEL_BITS = 6
MAX_SCALE = 1e6
"""The components of a mean of unit vectors are at most 1; this leaves room for what subtracting a photo adds."""
_LEVELS = 2 ** (LEVEL_BITS - 1) - 1
_ROOTS = np.arange(-_LEVELS, 2**LEVEL_BITS - _LEVELS, dtype=np.float32) / _LEVELS
_VALUES = np.sign(_ROOTS) * _ROOTS**2
"""What each level stands for, in units of the scale."""
_BASE64 = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", dtype=np.uint8)
_CHARACTERS = _BASE64[[int(f"{level:06b}"[::-1], 2) for level in range(2**LEVEL_BITS)]]
"""The character of base64 that has each level's six bits, lowest bit first."""
_CHARACTERS_BY_LEVEL = np.roll(_CHARACTERS, -_LEVELS)
"""The same from level 0 on; negative levels find theirs at the end."""
_VALUES_BY_CHARACTER = np.zeros(256, dtype=np.float32)
_VALUES_BY_CHARACTER[_CHARACTERS] = _VALUES


class PackedPreference(Preference):
    """A preference as a token has it. Most answers replace its mean, so it is unpacked when somebody asks for it."""

    def __init__(self, scale: float, count: int, dim: int, packed: bytes) -> None:
        self.fields: list[Any] = [scale, count, dim, packed]
        """In this order in a token."""
        self.count = count

    @cached_property
    def mean(self) -> NDArray[np.float32]:
        scale, _, dim, packed = self.fields
        characters = binascii.b2a_base64(packed, newline=False)
        levels = np.frombuffer(characters, dtype=np.uint8, count=dim)
        mean: NDArray[np.float32] = _VALUES_BY_CHARACTER[levels] * np.float32(scale)
        return mean

    @property
    def dim(self) -> int:
        dim: int = self.fields[2]
        return dim


def pack_preference(preference: Preference) -> PackedPreference:
    """Levels follow a square root: fine near zero, where most components are, yet wide enough for the few large
    components of a transformer's embedding."""
    if isinstance(preference, PackedPreference):
        return preference
    sizes = np.abs(preference.mean)
    scale = float(sizes.max()) or 1.0
    roots = np.copysign(np.sqrt(sizes / scale) * _LEVELS, preference.mean)
    levels = np.rint(roots, out=roots).astype(np.intp)
    return PackedPreference(scale, preference.count, len(levels), _pack_levels(levels))


def _pack_levels(levels: NDArray[np.intp]) -> bytes:
    """As `pack` would pack the levels, counted from 0, with LEVEL_BITS. A character of base64 has six bits, too, and
    reading base64 takes less."""
    filled = _CHARACTERS_BY_LEVEL[levels].tobytes().ljust(-(-len(levels) // 4) * 4, b"A")
    return binascii.a2b_base64(filled)[: -(-LEVEL_BITS * len(levels) // 8)]


def decode_preference(fields: object) -> PackedPreference | None:
    """Read the fields of a packed preference. Raises ValueError, TypeError for anything else."""
    if fields is None:
        return None
    scale, count, dim, packed = items(fields, 4)
    octets(packed, -(-LEVEL_BITS * integer(dim, 1) // 8))
    return PackedPreference(number(scale, MAX_SCALE), integer(count, 1, MAX_COUNT), dim, packed)
