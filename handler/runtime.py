"""Everything a process keeps between requests: settings, signing keys and the current bundle."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from handler.current_bundle import CurrentBundle
from handler.metrics import Metrics
from handler.milvus.client import Milvus
from handler.milvus.server_token import server_token
from handler.serving import Serving
from handler.sessions.signing_keys import ParameterSource, RotatingKeys, SecretSource
from handler.sessions.tokens import SessionTokens
from handler.stores.file_cache import FileCache
from handler.stores.open_store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from handler.open_bundle import OpenBundle
    from handler.settings import Settings


BAKED = Path(__file__).parent / "baked"
"""Where infra/bake_bundle.py puts a bundle in a function's artifact, laid out as a store. A checkout has none."""


class Runtime:
    """Wires settings, store, bundle and tokens together; one a process."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        """Opens nothing yet. Raises ConfigurationError if the address of the bundles is not supported."""
        self.settings = settings
        self.metrics = Metrics(os.environ.get("AWS_LAMBDA_FUNCTION_NAME") if settings.metrics == "on" else None)
        cache = FileCache(Path(settings.cache), settings.cache_megabytes, BAKED if BAKED.is_dir() else None)
        self.current = CurrentBundle(
            open_store(settings.bundles, cache),
            settings.refresh_seconds,
            self.metrics,
            settings.memory_megabytes,
            clock,
            _milvus(settings),
        )
        self._rotating = _rotating_keys(settings)
        self._keys = settings.signing_keys
        self._tokens: SessionTokens | None = None  # keys in a secret or a parameter are read at the first request

    @property
    def tokens(self) -> SessionTokens:
        """Tokens under the keys now in force. Raises ConfigurationError while no keys can be read."""
        keys = self._rotating.current() if self._rotating else self._keys
        if self._tokens is None or keys != self._keys:
            self._keys, self._tokens = keys, SessionTokens(keys, self.settings.session_ttl_seconds)
        return self._tokens

    def bundle(self) -> OpenBundle:
        """See CurrentBundle.get."""
        return self.current.get()

    def serving(self) -> Serving:
        """What one request is answered from. Raises BundleError and ConfigurationError."""
        return Serving(self.bundle(), self.tokens, self.settings, self.metrics)


def _milvus(settings: Settings) -> Milvus | None:
    if settings.index is None:
        return None
    return Milvus(settings.index, server_token(settings.index_token, settings.index_token_secret))


def _rotating_keys(settings: Settings) -> RotatingKeys | None:
    if settings.signing_keys_secret:
        return RotatingKeys(SecretSource(settings.signing_keys_secret))
    if settings.signing_keys_parameter:
        return RotatingKeys(ParameterSource(settings.signing_keys_parameter))
    return None
