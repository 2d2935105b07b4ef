"""Signatures of session tokens, by itsdangerous with SHA-256."""

from __future__ import annotations

import hashlib
import hmac

import itsdangerous
from itsdangerous.signer import SigningAlgorithm

SALT = b"vitrine.session.v1"


class _Sha256(SigningAlgorithm):
    """HMAC with SHA-256, in one call into OpenSSL instead of four."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac.digest(key, value, "sha256")


class Signer(itsdangerous.Signer):
    """Derives its key once; itsdangerous would do so for every signature."""

    def __init__(self, key: bytes) -> None:
        super().__init__(key, SALT, key_derivation="hmac", digest_method=hashlib.sha256, algorithm=_Sha256())
        self._derived = super().derive_key()

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:  # noqa: ARG002  there is only one
        return self._derived
