"""What a process keeps between requests: the settings, the signing keys and the bundle that is current."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from handler.errors import VitrineError
from handler.open_bundle import OpenBundle
from handler.sessions.signing_keys import SecretKeys
from handler.sessions.tokens import SessionTokens
from handler.stores.file_cache import FileCache
from handler.stores.open_store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from handler.settings import Settings
    from handler.stores.store import Pointer

logger = logging.getLogger(__name__)


class Runtime:
    """The one place that wires settings, store, bundle and tokens together. One a process."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        """Opens nothing yet. Raises ConfigurationError if the bundles' address is of no kind we know."""
        self.settings = settings
        self._secret_keys = SecretKeys(settings.signing_keys_secret) if settings.signing_keys_secret else None
        self._keys = settings.signing_keys
        self._tokens: SessionTokens | None = None  # keys that are in a secret are read at the first request
        self._store = open_store(settings.bundles, FileCache(Path(settings.cache), settings.cache_megabytes))
        self._clock = clock
        self._lock = threading.Lock()
        self._bundle: OpenBundle | None = None
        self._pointer: Pointer | None = None
        self._checked_at = float("-inf")

    @property
    def tokens(self) -> SessionTokens:
        """With the keys that are in force now. Raises ConfigurationError while they cannot be had."""
        keys = self._secret_keys.current() if self._secret_keys else self._keys
        if self._tokens is None or keys != self._keys:
            self._keys, self._tokens = keys, SessionTokens(keys, self.settings.session_ttl_seconds)
        return self._tokens

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

    def forget_when_checked(self) -> None:
        """Ask the store again at the next request: a process woken from a snapshot may have slept for days."""
        self._checked_at = float("-inf")

    def _refresh(self) -> None:
        try:
            pointer = self._store.current(self._pointer)
            if self._bundle is None or self._bundle.version != pointer.version:
                self._bundle = OpenBundle(self._store, pointer.version)
            self._pointer = pointer
        except VitrineError as error:
            if self._bundle is None:
                raise
            logger.error("staying with bundle %s: %s", self._bundle.version, error)
        self._checked_at = self._clock()
