"""The pointer to the current bundle, and how `current.json` spells it.

Vitrine 0.1 refuses a pointer with any field but `version`. Its handlers and publishers keep running while a shop
updates, so the other fields go where every JSON parser skips them: into the white space after the object, one blank or
tab per bit. `read_current` takes plain fields, too: once no 0.1 is left, `write_current` can become one line.
"""

from __future__ import annotations

import json
import time
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from handler.errors import BundleCorrupt
from handler.file_ref import Name, Sha256
from handler.manifest import CURRENT_KEY

_BITS_TO_BLANKS = str.maketrans("01", " \t")
_BLANKS_TO_BITS = str.maketrans(" \t", "01")

Count = Annotated[int, Field(ge=0)]


class Current(BaseModel):
    """What `current.json` says. A pointer that Vitrine 0.1 wrote has a version and nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Name
    manifest_sha256: Sha256 | None = Field(default=None, description="of the bundle's manifest.json")
    generation: Count | None = Field(default=None, description="larger at every write, so no two writes are equal")
    next_label: Count | None = Field(default=None, description="above every label that the store has handed out")


class Pointer(NamedTuple):
    """What is current, and the tag that changes at every write, even one that returns to an earlier version."""

    current: Current
    etag: str

    @property
    def version(self) -> str:
        return self.current.version


def next_current(before: Pointer | None, version: str, manifest_sha256: str | None, next_label: int | None) -> Current:
    """The pointer to write over `before`, with a larger generation.

    Generations count milliseconds since 1970, or one up where the clock was set back. So they do not repeat after a
    pointer that was deleted or that Vitrine 0.1 wrote, either.
    """
    last = (before.current.generation if before else None) or 0
    generation = max(int(time.time() * 1000), last + 1)
    return Current(version=version, manifest_sha256=manifest_sha256, generation=generation, next_label=next_label)


def write_current(current: Current) -> bytes:
    """The content of `current.json`. Equal pointers have equal bytes."""
    visible = Current(version=current.version).model_dump_json(exclude_none=True)
    hidden = current.model_dump_json(exclude={"version"}, exclude_none=True)
    if hidden == "{}":
        return visible.encode()
    bits = "".join(f"{byte:08b}" for byte in hidden.encode())
    return f"{visible}\n{bits.translate(_BITS_TO_BLANKS)}\n".encode()


def read_current(data: bytes) -> Current:
    """Parse `current.json`. Raises BundleCorrupt."""
    try:
        visible = Current.model_validate_json(data)
        bits = data.decode().rpartition("}")[2].strip("\r\n").translate(_BLANKS_TO_BITS)
        if not bits:
            return visible
        hidden = json.loads(int(bits, 2).to_bytes(len(bits) // 8))
        return Current.model_validate({**hidden, "version": visible.version})
    except (ValueError, TypeError, OverflowError) as error:
        raise BundleCorrupt(f"{CURRENT_KEY} is not valid: {error}", remedy="Publish the bundle again.") from error
