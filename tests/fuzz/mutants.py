"""Session tokens that nobody may accept, and signed ones that must do no harm, made from a source of small choices.

The same code serves three drivers: a random generator, hypothesis, and the bytes of a coverage-guided fuzzer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import itsdangerous
import msgpack

from handler.sessions.signer import SALT
from handler.sessions.tokens import MAX_TOKEN_CHARS

if TYPE_CHECKING:
    from collections.abc import Sequence

Choose = Callable[[int], int]
"""An integer from 0 up to the argument, which is excluded."""

CHANGED = "signed, bits flipped"
MISTYPED = "signed, wrong type"
OVERSIZED = "signed, absurd size"
RESHAPED = "signed, fields moved"
BOMB = "signed, msgpack bomb"
FORGED = ("bit flips", "cut", "spliced", "inserted", "other key", "other salt", "oversized", "noise")
SIGNED = (CHANGED, MISTYPED, OVERSIZED, RESHAPED, BOMB)
KINDS = (*FORGED, *SIGNED)
NEVER_VALID = (*FORGED, MISTYPED, OVERSIZED, BOMB)
"""Kinds that no reader may accept. A changed bit or a moved field can give another valid session."""

_JUNK: tuple[Any, ...] = (
    None, True, -1, 2**63, 1.5, float("nan"), float("-inf"), "", "text", b"", b"\xff" * 9, [], [[]], {}, {1: 2},
    msgpack.Timestamp(1), msgpack.ExtType(7, b"x"),
)  # fmt: skip
_ABSURD = (-1, -(2**31), 2**40, 2**53, 2**62, 2**62 + 1, 2**63, 2**64 - 1)
_BOMBS = (
    b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc9\xff\xff\xff\xff\x01", b"\xdb\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff", b"\xdc\xff\xff", b"\x91" * 2_000, b"\x81\x00" * 2_000, b"\xc1", b"",
)  # fmt: skip
_ALPHABET = "ABCabc019-_.=+/ \n\0é\ud800"


class Mutant(NamedTuple):
    kind: str
    token: str


class FromBytes:
    """Choices from a fuzzer's bytes, and zeros once they are used up."""

    def __init__(self, data: bytes) -> None:
        self._rest = iter(data)

    def __call__(self, below: int) -> int:
        value = 0
        for _ in range((below.bit_length() + 7) // 8):
            value = value << 8 | next(self._rest, 0)
        return value % below


class Mutator:
    """Makes mutants of `valid` tokens, which `key` has signed."""

    def __init__(self, key: str, valid: Sequence[str]) -> None:
        self._valid = tuple(valid)
        self._signer = _signer(key)
        self._strangers = (
            _signer("another key of 32 bytes or more.."),
            itsdangerous.Signer(key, SALT, key_derivation="hmac", digest_method=hashlib.sha512),
            itsdangerous.Signer(key, SALT, key_derivation="django-concat", digest_method=hashlib.sha256),
        )
        self._salts = tuple(_signer(key, salt) for salt in (b"vitrine.session.v0", b"vitrine.page.v1", b""))
        self._make: dict[str, Callable[[Choose], str]] = {
            "bit flips": self._flip, "cut": self._cut, "spliced": self._splice, "inserted": self._insert,
            "other key": lambda choose: _sign(_pick(choose, self._strangers), self._payload(choose)),
            "other salt": lambda choose: _sign(_pick(choose, self._salts), self._payload(choose)),
            "oversized": self._oversized, "noise": _noise,
            CHANGED: self._changed, MISTYPED: self._mistyped, OVERSIZED: self._absurd, RESHAPED: self._reshaped,
            BOMB: self._bomb,
        }  # fmt: skip

    def mutant(self, choose: Choose) -> Mutant:
        kind = _pick(choose, KINDS)
        token = self._make[kind](choose)
        return Mutant(kind, f"{token}A" if token in self._valid else token)

    def _flip(self, choose: Choose) -> str:
        changed = bytearray(_pick(choose, self._valid).encode())
        for place in {choose(len(changed)) for _ in range(1 + choose(8))}:
            changed[place] ^= 1 << choose(8)
        return changed.decode("latin-1")

    def _cut(self, choose: Choose) -> str:
        token = _pick(choose, self._valid)
        start, stop = sorted((choose(len(token) + 1), choose(len(token) + 1)))
        return (token[:start], token[stop:], token[start:stop])[choose(3)]

    def _splice(self, choose: Choose) -> str:
        """The payload of one token under another's signature, or the start of one and the end of another."""
        one, other = _pick(choose, self._valid), _pick(choose, self._valid)
        if choose(2):
            return f"{one.partition('.')[0]}.{other.partition('.')[2]}"
        return one[: choose(len(one) + 1)] + other[choose(len(other) + 1) :]

    def _insert(self, choose: Choose) -> str:
        token = _pick(choose, self._valid)
        place = choose(len(token) + 1)
        return token[:place] + _noise(choose) + token[place:]

    def _oversized(self, choose: Choose) -> str:
        token = _pick(choose, self._valid)
        return token[: choose(len(token))] + "A" * (MAX_TOKEN_CHARS + choose(9 * MAX_TOKEN_CHARS)) + ".B" * choose(2)

    def _changed(self, choose: Choose) -> str:
        changed = bytearray(self._payload(choose))
        for _ in range(1 + choose(4)):
            changed[choose(len(changed))] ^= 1 << choose(8)
        return _sign(self._signer, bytes(changed))

    def _mistyped(self, choose: Choose) -> str:
        """One field, at any depth, replaced by a value of a type that the field never has."""
        fields = self._fields(choose)
        holder, place = _pick(choose, _places(fields))
        here = holder[place]
        optional = here is None or (holder is fields and place == _PREFERENCE)  # None or a list
        types = {type(here), *((type(None), list) if optional else ())}
        holder[place] = _pick(choose, [junk for junk in _JUNK if type(junk) not in types])
        return self._packed(fields)

    def _absurd(self, choose: Choose) -> str:
        """One integer replaced by an absurd one."""
        fields = self._fields(choose)
        integers = [(holder, place) for holder, place in _places(fields) if type(holder[place]) is int]
        holder, place = _pick(choose, integers)
        holder[place] = _pick(choose, _ABSURD)
        return self._packed(fields)

    def _reshaped(self, choose: Choose) -> str:
        """Fields dropped, repeated or exchanged."""
        fields = self._fields(choose)
        holder = _pick(choose, [holder for holder, _ in _places(fields)])
        one, other = choose(len(holder)), choose(len(holder))
        if choose(3) == 0:
            del holder[one]
        elif choose(2):
            holder[one], holder[other] = holder[other], holder[one]
        else:
            holder.insert(one, holder[other])
        return self._packed(fields)

    def _bomb(self, choose: Choose) -> str:
        """Bytes that claim far more than they hold: alone, and as fields of a token."""
        bomb = _pick(choose, _BOMBS)
        return _sign(self._signer, (bomb, b"\x9c" + bomb, b"\x9c\x01" + bomb * 3)[choose(3)] + b"\xc1")

    def _payload(self, choose: Choose) -> bytes:
        return itsdangerous.base64_decode(_pick(choose, self._valid).partition(".")[0])

    def _fields(self, choose: Choose) -> list[Any]:
        fields: list[Any] = msgpack.unpackb(self._payload(choose))
        return fields

    def _packed(self, fields: list[Any]) -> str:
        return _sign(self._signer, bytes(msgpack.packb(fields)))


_PREFERENCE = 4


def _places(node: list[Any]) -> list[tuple[list[Any], int]]:
    """Every value in nested lists, as its list and its position there."""
    found = [(node, place) for place in range(len(node))]
    return found + [deeper for value in node if isinstance(value, list) for deeper in _places(value)]


def _signer(key: str, salt: bytes = SALT) -> itsdangerous.Signer:
    return itsdangerous.Signer(key, salt, key_derivation="hmac", digest_method=hashlib.sha256)


def _sign(signer: itsdangerous.Signer, payload: bytes) -> str:
    return signer.sign(itsdangerous.base64_encode(payload)).decode()


def _pick(choose: Choose, options: Sequence[Any]) -> Any:
    return options[choose(len(options))]


def _noise(choose: Choose) -> str:
    return "".join(_pick(choose, _ALPHABET) for _ in range(1 + choose(40)))
