"""One header of an ASGI scope, without parsing the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Scope


def header(scope: Scope, wanted: bytes) -> bytes:
    """The first value of the header with this name in lower case; empty if there is none."""
    return next((value for name, value in scope["headers"] if name == wanted), b"")
