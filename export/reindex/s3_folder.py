"""Single objects below a prefix of S3 that are not bundles: photos, and the re-index's state."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from handler.stores.s3_client import S3Address, make_client, translated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

PAGE = 1_000
"""Objects in an answer to a listing; S3 gives no more."""
LISTERS = 8
MAX_PREFIXES = 32
"""Directories to list in parallel. A listing costs at least one request a directory, so more are listed in one go."""


class Listed(NamedTuple):
    """An object as a listing describes it, without reading it. The ETag changes with the content."""

    name: str
    size: int
    etag: str


class S3Folder:
    """Objects by their names, which are relative to `address`. Every method raises StoreUnavailable.

    A method that reads one object also raises BundleNotFound if there is none.
    """

    def __init__(self, address: str) -> None:
        """Raises ConfigurationError for a malformed address."""
        self.address = S3Address.parse(address)

    @cached_property
    def client(self) -> S3Client:
        return make_client()

    def list(self) -> dict[str, Listed]:
        """All objects by name. A name may contain slashes.

        One request if they fit into one page. Otherwise the directories directly below are listed in parallel.
        """
        first = next(self._pages())
        found = self._objects(first)
        if not first["IsTruncated"]:
            return found
        top = next(self._pages(Delimiter="/"))
        prefixes = [item["Prefix"] for item in top.get("CommonPrefixes", [])]
        if top["IsTruncated"] or len(prefixes) > MAX_PREFIXES:
            return self._all_objects(self.address.prefix)
        found |= self._objects(top)
        with ThreadPoolExecutor(LISTERS) as pool:
            for objects in pool.map(self._all_objects, prefixes):
                found |= objects
        return found

    def modified(self, prefix: str) -> dict[str, datetime]:
        """When each object whose name begins with `prefix` was written, by name."""
        with self._translated(prefix):
            pages = list(self._pages(Prefix=self.address.prefix + prefix))
        return {self._name(item["Key"]): item["LastModified"] for page in pages for item in page.get("Contents", [])}

    def download(self, name: str, path: Path) -> None:
        """Write an object to `path`."""
        with self._translated(name):
            answer = self.client.get_object(**self._at(name))
            with path.open("wb") as file:
                for chunk in answer["Body"].iter_chunks(1_000_000):
                    file.write(chunk)

    def read(self, name: str) -> bytes:
        with self._translated(name):
            return self.client.get_object(**self._at(name))["Body"].read()

    def metadata(self, name: str) -> Mapping[str, str]:
        """What `write` stored beside an object."""
        with self._translated(name):
            return self.client.head_object(**self._at(name))["Metadata"]

    def write(self, name: str, body: bytes, metadata: Mapping[str, str] | None = None) -> None:
        """Put an object, replacing the one that was there. A reader sees the old or the new one, never a mixture."""
        with self._translated(name):
            self.client.put_object(**self._at(name), Body=body, Metadata=metadata or {})

    def delete(self, name: str) -> None:
        """Remove an object; one that is gone already is not an error."""
        with self._translated(name):
            self.client.delete_object(**self._at(name))

    def _pages(self, **options: Any) -> Iterator[Any]:
        page = {"PageSize": PAGE}
        request = {"Bucket": self.address.bucket, "Prefix": self.address.prefix, "PaginationConfig": page, **options}
        with self._translated(""):
            yield from self.client.get_paginator("list_objects_v2").paginate(**request)

    def _all_objects(self, prefix: str) -> dict[str, Listed]:
        found: dict[str, Listed] = {}
        for page in self._pages(Prefix=prefix):
            found |= self._objects(page)
        return found

    def _objects(self, page: Any) -> dict[str, Listed]:
        names = [(self._name(item["Key"]), item) for item in page.get("Contents", [])]
        return {
            name: Listed(name, item["Size"], item["ETag"]) for name, item in names if name and not name.endswith("/")
        }

    def _name(self, key: str) -> str:
        return key.removeprefix(self.address.prefix)

    def _at(self, name: str) -> Any:
        return {"Bucket": self.address.bucket, "Key": self.address.prefix + name}

    def _translated(self, name: str) -> AbstractContextManager[None]:
        return translated(f"{self.address}/{name}".rstrip("/"))
