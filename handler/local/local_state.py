"""State of one machine that is never published."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Self
from urllib.parse import quote

from handler.errors import ConfigurationError
from handler.sessions.signing_keys import MIN_KEY_BYTES
from handler.stores.atomic_file import make_directories, move_into_place, sync, temporary_beside


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
        make_directories(self.folder)
        with temporary_beside(self._photos_file) as temporary:
            temporary.write_bytes(os.fsencode(root.resolve()))
            move_into_place(temporary, self._photos_file)

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
        """A persistent key, so that sessions survive a restart; only its owner can read it.

        Of several processes that start at once, all get the same key, and a crash leaves a whole key or none.
        """
        make_directories(self.folder)
        if not self._key_file.exists():
            with temporary_beside(self._key_file) as temporary:
                temporary.chmod(0o600)
                temporary.write_text(secrets.token_hex(32))
                sync(temporary)
                with suppress(FileExistsError):  # another process was first
                    os.link(temporary, self._key_file)
                sync(self.folder)
        key = self._key_file.read_text()
        if len(key) < MIN_KEY_BYTES:
            raise ConfigurationError(
                f"{self._key_file} has {len(key)} characters; a signing key has at least {MIN_KEY_BYTES}.",
                field="signing_key",
                value=len(key),
                limit=MIN_KEY_BYTES,
                remedy="Delete the file; the next start writes a new key, and sessions start anew.",
            )
        return key
