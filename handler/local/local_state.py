"""What belongs to one machine and is never published."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Self
from urllib.parse import quote

from handler.errors import ConfigurationError


class LocalState:
    """`BUNDLES/.local`: where the photos are, the key that signs local sessions, the embedding cache."""

    def __init__(self, bundles: Path) -> None:
        self.folder = bundles / ".local"
        self._photos_file = self.folder / "photos.txt"
        self._key_file = self.folder / "signing.key"

    @classmethod
    def of(cls, address: str) -> Self:
        """Of bundles in a folder beside them; of others, in this user's cache folder."""
        if "://" not in address:
            return cls(Path(address).expanduser())
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return cls(caches / "vitrine" / quote(address.rstrip("/"), safe=""))

    @property
    def embedding_cache(self) -> Path:
        return self.folder / "embeddings.sqlite"

    @property
    def report(self) -> Path:
        """What the last `vitrine index` did, and what it skipped."""
        return self.folder / "index-report.json"

    def remember_photos(self, root: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._photos_file.write_text(str(root.resolve()))

    def photos(self, moved_to: Path | None = None) -> Path:
        """The folder that the photos were indexed from, unless told another. ConfigurationError if unknown or gone."""
        try:
            root = moved_to or Path(self._photos_file.read_text())
        except FileNotFoundError:
            root = None
        if root is None or not root.is_dir():
            raise ConfigurationError(
                f"The photos' folder {root or 'of these bundles'} is not on this machine.",
                field="photos",
                value=str(root),
                remedy="Say where it is with --photos.",
            )
        return root

    def signing_key(self) -> str:
        """A key that stays, so that sessions outlive a restart; readable by its owner alone."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(self._key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return self._key_file.read_text()
        key = secrets.token_hex(32)
        with os.fdopen(handle, "w") as file:
            file.write(key)
        return key
