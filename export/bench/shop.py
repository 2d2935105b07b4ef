"""The shop that sessions are played in: this process's API layer, or a server over HTTP. Both show the same pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from export.bench.arms import COUNT
from handler import pages
from handler.errors import ConfigurationError
from handler.runtime import Runtime
from handler.schemas import NextPage, StartSession
from handler.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from export.bench.arms import Arm
    from handler.schemas import Page


@dataclass(frozen=True)
class Shown:
    """A page as a client sees it: ids, and the token that carries the session."""

    ids: list[str]
    token: str


class Shop(Protocol):
    def start(self, seed: str) -> Shown:
        """The first page, of random products: the same for the same seed, whichever arm continues."""

    def next(self, token: str, liked: list[str], arm: Arm) -> Shown: ...


class LocalShop:
    """`handler.pages` on a store's current bundle. With a server's signing key it shows that server's pages."""

    def __init__(self, store: Path, signing_key: str) -> None:
        """Raises BundleError."""
        self._serving = Runtime(Settings(bundles=str(store), signing_keys=(signing_key,))).serving()

    def start(self, seed: str) -> Shown:
        return _shown(pages.start_session(self._serving, StartSession(seed=seed, count=COUNT)))

    def next(self, token: str, liked: list[str], arm: Arm) -> Shown:
        return _shown(pages.continue_session(self._serving, NextPage(**_body(token, liked, arm))))


class HttpShop:
    """A running server, over the public API. Raises ConfigurationError if it does not answer."""

    def __init__(self, url: str) -> None:
        try:
            import httpx
        except ImportError:
            raise ConfigurationError(
                "Playing over HTTP needs httpx.", field="url", remedy="Install it with: scripts/setup bench"
            ) from None
        self._errors = httpx.HTTPError
        self._url = url
        # A new connection for each request: nothing tells this client to close one after the last page.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(base_url=url, timeout=60, limits=limits)

    def version(self) -> str:
        """The version of the bundle it serves."""
        return str(self._answer("GET", "/v1/bundle").json()["version"])

    def start(self, seed: str) -> Shown:
        return _shown_json(self._answer("POST", "/v1/sessions", {"seed": seed, "count": COUNT}).json())

    def next(self, token: str, liked: list[str], arm: Arm) -> Shown:
        return _shown_json(self._answer("POST", "/v1/sessions/next", _body(token, liked, arm)).json())

    def _answer(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        try:
            return self._client.request(method, path, json=body).raise_for_status()
        except self._errors as error:
            raise ConfigurationError(
                f"{self._url} does not answer {path}: {error}.",
                field="url",
                value=self._url,
                remedy="Start one with `vitrine serve BUNDLES` and give its address.",
            ) from error


def _body(token: str, liked: list[str], arm: Arm) -> dict[str, Any]:
    return {
        "session": token,
        "liked": liked,
        "count": COUNT,
        "similar": arm.similar,
        "strategy": arm.strategy,
        "diverse": arm.diverse,
    }


def _shown(page: Page) -> Shown:
    return Shown([item["id"] for item in page["items"]], page["session"])


def _shown_json(page: dict[str, Any]) -> Shown:
    return Shown([item["id"] for item in page["items"]], page["session"])
