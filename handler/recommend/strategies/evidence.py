"""The answered pages of a session, empty answers included."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handler.sessions.history import Round
    from handler.sessions.state import SessionState

PAGES_USED = 30
"""Earlier pages are ignored, so that the cost of a round stops growing; targets are usually found long before."""


def answered_pages(state: SessionState) -> list[Round]:
    """The latest PAGES_USED pages that were answered and not taken back. `state` has its last answer already."""
    return [page for page in state.rounds if not page.withdrawn and page.shown][-PAGES_USED:]
