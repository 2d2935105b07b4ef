"""What the attempts at one part tell each other, so that a photo that kills the process is found by its name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Self

from export.reindex.state import dump
from handler.errors import BundleNotFound, VitrineError

if TYPE_CHECKING:
    from types import TracebackType

    from export.reindex.s3_folder import S3Folder


class Attempts:
    """A small object in the plan of one run, whose attempts at a part follow each other.

    A context manager around one attempt. An error of Vitrine's own, such as a store that does not answer, is not blamed
    on the photo; a process that dies, or any other exception, leaves the photo's name behind.
    """

    def __init__(self, folder: S3Folder, name: str) -> None:
        self._folder = folder
        self._name = name
        self.first = True
        """Nobody has tried before."""
        self.deadly: set[str] = set()
        """Photos that earlier attempts did not survive."""

    def __enter__(self) -> Self:
        try:
            before = json.loads(self._folder.read(self._name))
        except BundleNotFound:
            self._write()
            return self
        self.first = False
        self.deadly = {*before["deadly"], *([before["photo"]] if before["photo"] else [])}
        self._write()
        return self

    def begin(self, photo: str) -> None:
        """Write down which photo comes next."""
        self._write(photo)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is None or isinstance(error, VitrineError):
            self._write()

    def _write(self, photo: str | None = None) -> None:
        self._folder.write(self._name, dump({"photo": photo, "deadly": sorted(self.deadly)}))
