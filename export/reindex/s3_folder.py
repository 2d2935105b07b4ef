"""Single objects below a prefix of S3, for what is no bundle: photos, and what a job keeps from run to run."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from handler.stores.s3_client import S3Address, make_client, translated

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from mypy_boto3_s3 import S3Client


class Listed(NamedTuple):
    """What a listing says of an object, without reading it. The ETag changes with the content."""

    name: str
    size: int
    etag: str


class S3Folder:
    """Every method raises StoreUnavailable, and BundleNotFound for an object that is not there."""

    def __init__(self, address: str) -> None:
        """Raises ConfigurationError for a malformed address."""
        self.address = S3Address.parse(address)

    @cached_property
    def client(self) -> S3Client:
        return make_client()

    def list(self) -> dict[str, Listed]:
        """All objects by name, which is relative to the folder and may hold slashes."""
        found: dict[str, Listed] = {}
        with self._translated(""):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.address.bucket, Prefix=self.address.prefix
            )
            for page in pages:
                for item in page.get("Contents", []):
                    name = item["Key"].removeprefix(self.address.prefix)
                    if name and not name.endswith("/"):
                        found[name] = Listed(name, item["Size"], item["ETag"])
        return found

    def download(self, name: str, path: Path) -> str:
        """Write an object to `path`; returns its ETag."""
        with self._translated(name):
            answer = self.client.get_object(**self._at(name))
            with path.open("wb") as file:
                for chunk in answer["Body"].iter_chunks(1_000_000):
                    file.write(chunk)
            return answer["ETag"]

    def upload(self, name: str, path: Path, expected_etag: str | None) -> str:
        """Replace an object that still has that ETag (None: that is not there yet); returns the new one.

        Raises PublishConflict, or BundleNotFound, if it is another by now.
        """
        condition: Any = {"IfMatch": expected_etag} if expected_etag else {"IfNoneMatch": "*"}
        with self._translated(name), path.open("rb") as file:
            return self.client.put_object(**self._at(name), Body=file, **condition)["ETag"]

    def read(self, name: str) -> bytes:
        with self._translated(name):
            return self.client.get_object(**self._at(name))["Body"].read()

    def write(self, name: str, body: bytes) -> None:
        """Put an object there, whatever was."""
        with self._translated(name):
            self.client.put_object(**self._at(name), Body=body)

    def _at(self, name: str) -> Any:
        return {"Bucket": self.address.bucket, "Key": self.address.prefix + name}

    def _translated(self, name: str) -> AbstractContextManager[None]:
        return translated(f"{self.address}/{name}".rstrip("/"))
