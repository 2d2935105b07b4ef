"""Everything one request is answered from: one bundle throughout, the tokens and the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from handler.metrics import Metrics
    from handler.open_bundle import OpenBundle
    from handler.sessions.state import SessionState
    from handler.sessions.tokens import SessionTokens
    from handler.settings import Settings


class Serving(NamedTuple):
    """A process's state as one request sees it. A bundle published meanwhile is the next request's."""

    bundle: OpenBundle
    tokens: SessionTokens
    settings: Settings
    metrics: Metrics

    def read_session(self, token: str) -> SessionState:
        """Raises SessionError."""
        return self.tokens.read(token, self.bundle.vector_space, self.bundle.manifest.index.dim)
