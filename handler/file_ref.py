"""How a manifest refers to a file: by a plain name, a digest and a size."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

if TYPE_CHECKING:
    from collections.abc import Mapping

# Names become paths and object keys, so nothing but one plain component is let through.
Name = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,95}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Contract(BaseModel):
    """A part of a manifest: frozen, and without fields that the schema does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FileRef(Contract):
    """What a file must be before anything opens it."""

    sha256: Sha256
    size: int = Field(ge=0, description="bytes")


def files_digest(files: Mapping[str, FileRef]) -> str:
    """A hash over every file's name and digest, 32 hex digits."""
    listing = "".join(f"{name} {files[name].sha256}\n" for name in sorted(files))
    return hashlib.sha256(listing.encode()).hexdigest()[:32]
