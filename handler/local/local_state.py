"""State of one machine that is never published."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Self
from urllib.parse import quote

from handler.errors import ConfigurationError


class LocalState:
    """`BUNDLES/.local`: the photos' location, the signing key of local sessions and the embedding cache."""

    def __init__(self, bundles: Path) -> None:
        self.folder = bundles / ".local"
        self._photos_file = self.folder / "photos.txt"
        self._key_file = self.folder / "signing.key"

    @classmethod
    def of(cls, address: str) -> Self:
        """Beside bundles in a directory; for other stores, in the user's cache directory."""
        if "://" not in address:
            return cls(Path(address).expanduser())
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return cls(caches / "vitrine" / quote(address.rstrip("/"), safe=""))

    @property
    def embedding_cache(self) -> Path:
        return self.folder / "embeddings.sqlite"

    @property
    def report(self) -> Path:
        """The report of the last `vitrine index`."""
        return self.folder / "index-report.json"

    def remember_photos(self, root: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._photos_file.write_bytes(os.fsencode(root.resolve()))

    def photos(self, moved_to: Path | None = None) -> Path:
        """The directory the photos were indexed from, or `moved_to`. Raises ConfigurationError if there is none."""
        try:
            root = moved_to or Path(os.fsdecode(self._photos_file.read_bytes()))
        except FileNotFoundError:
            root = None
        if root is None or not root.is_dir():
            raise ConfigurationError(
                f"The photos' directory {root or '(unknown)'} is not on this machine.",
                field="photos",
                value=str(root),
                remedy="Pass its path with --photos.",
            )
        return root

    def signing_key(self) -> str:
        """A persistent key, so that sessions survive a restart; only its owner can read it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(self._key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return self._key_file.read_text()
        key = secrets.token_hex(32)
        with os.fdopen(handle, "w") as file:
            file.write(key)
        return key
