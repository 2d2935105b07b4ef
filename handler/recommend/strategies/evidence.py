"""What a session has said: its answered pages, an empty answer included."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handler.sessions.state import Round, SessionState

REMEMBERED = 30
"""Pages further back are left out, so that a round's cost stops growing; a target is found long before, as a rule."""


def answered_pages(state: SessionState) -> list[Round]:
    """The latest REMEMBERED pages that were answered and not taken back. `state` has its last answer already."""
    return [page for page in state.rounds if not page.withdrawn and page.shown][-REMEMBERED:]
