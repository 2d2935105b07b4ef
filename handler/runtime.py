"""What a process keeps between requests: the settings, the signing keys and the bundle that is current."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from handler.errors import ConfigurationError, VitrineError
from handler.serving import OpenBundle
from handler.store import DirectoryStore
from handler.tokens import SessionTokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from handler.settings import Settings
    from handler.store import BundleStore

logger = logging.getLogger(__name__)


class Runtime:
    """The one place that wires settings, store, bundle and tokens together. One a process."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        """Opens nothing yet. Raises ConfigurationError if the bundles' address is of no kind we know."""
        self.settings = settings
        self.tokens = SessionTokens(settings.signing_keys, settings.session_ttl_seconds)
        self._store = open_store(settings.bundles)
        self._clock = clock
        self._lock = threading.Lock()
        self._bundle: OpenBundle | None = None
        self._checked_at = float("-inf")

    @property
    def due(self) -> bool:
        """Is it time to ask the store whether another bundle is current?"""
        return self._bundle is None or self._clock() - self._checked_at >= self.settings.refresh_seconds

    def bundle(self) -> OpenBundle:
        """The current bundle. A new one is opened beside the old, which goes on serving if that fails.

        Raises BundleError only while there is nothing to serve from at all.
        """
        if self.due:
            with self._lock:
                if self.due:
                    self._refresh()
        assert self._bundle is not None  # noqa: S101  _refresh raises otherwise
        return self._bundle

    def _refresh(self) -> None:
        try:
            version = self._store.current().version
            if self._bundle is None or self._bundle.version != version:
                self._bundle = OpenBundle(self._store, version)
        except VitrineError as error:
            if self._bundle is None:
                raise
            logger.error("staying with bundle %s: %s", self._bundle.version, error)
        self._checked_at = self._clock()


def open_store(address: str) -> BundleStore:
    """Raises ConfigurationError for an address that is no directory path."""
    if "://" in address:
        raise ConfigurationError(
            f"Bundles cannot be read from {address!r}.", field="bundles", value=address, remedy="Give a directory."
        )
    return DirectoryStore(Path(address).expanduser())
