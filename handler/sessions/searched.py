"""What a session remembers of a search: few enough bytes for a token."""

from __future__ import annotations

WORDS_BYTES = 33
"""UTF-8 bytes of the words kept for a search; with its round and framing a search adds at most 60 characters."""
SEARCHES_KEPT = 3
"""The last ones. Only the latest counts; the others are there for an undo."""


def clip(text: str) -> str:
    """The first words of `text` that fit into WORDS_BYTES, or as much of the first word as fits."""
    clipped = ""
    for word in text.split():
        longer = f"{clipped} {word}".lstrip()
        if len(longer.encode()) > WORDS_BYTES:
            break
        clipped = longer
    return clipped or text.strip().encode()[:WORDS_BYTES].decode(errors="ignore")
