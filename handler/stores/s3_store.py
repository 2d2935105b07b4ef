"""Bundles in S3, or on any server with its protocol that honors If-Match and If-None-Match on writes."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

from handler.errors import BundleNotFound, PublishConflict
from handler.manifest import CURRENT_KEY
from handler.stores.download import PART_BYTES, save_object
from handler.stores.pointer import Pointer, read_current, write_current
from handler.stores.s3_client import ATTEMPTS, NotModified, S3Address, make_client, translated
from handler.stores.store import Stored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from handler.errors import VitrineError
    from handler.file_ref import FileRef
    from handler.stores.file_cache import FileCache
    from handler.stores.pointer import Current

_Consumed = TypeVar("_Consumed")


class S3Store:
    """A store below a prefix of a bucket. Files that are opened are kept in `cache`; its baked files are not asked for.

    The pointer always comes from the bucket, so a newer bundle takes over from a baked one.
    """

    def __init__(self, address: str, cache: FileCache) -> None:
        """Asks nothing of S3 yet. Raises ConfigurationError for a malformed address."""
        self._place = S3Address.parse(address)
        self._cache = cache

    @property
    def address(self) -> str:
        return str(self._place)

    @cached_property
    def client(self) -> S3Client:
        return make_client()

    def current(self, known: Pointer | None = None) -> Pointer:
        condition: Any = {"IfNoneMatch": known.etag} if known else {}
        try:
            with self._translated(CURRENT_KEY):
                body, etag = self._read(CURRENT_KEY, **condition)
        except BundleNotFound as error:
            error.remedy = f"Make a bundle first: vitrine index PHOTOS --out {self.address}"
            raise
        except NotModified:
            assert known is not None  # noqa: S101  only a condition is answered so
            return known
        return Pointer(read_current(body), etag)

    def read(self, key: str) -> bytes:
        if baked := self._cache.baked(key):
            return baked.read_bytes()
        with self._translated(key):
            return self._read(key)[0]

    def fetch(self, key: str, expected: FileRef) -> Path:
        def download(path: Path) -> str:
            with self._translated(key):
                return save_object(path, expected.size, partial(self._get, key))

        return self._cache.fetch(key, expected, download)

    def has(self, key: str, expected: FileRef) -> bool:
        try:
            with self._translated(key):
                return self.client.head_object(**self._at(key))["ContentLength"] == expected.size
        except BundleNotFound:
            return False

    def put(self, key: str, source: Path) -> None:
        """S3 verifies the SHA-256 sent with each part; the key shows its new content once all parts are there."""
        from s3transfer.manager import TransferConfig, TransferManager

        in_parts = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES)
        bucket, name = self._at(key).values()
        with self._translated(key), TransferManager(self.client, in_parts) as transfers:
            transfers.upload(str(source), bucket, name, {"ChecksumAlgorithm": "SHA256"}).result()

    def point(self, current: Current, expected_etag: str | None) -> Pointer:
        condition: Any = {"IfMatch": expected_etag} if expected_etag else {"IfNoneMatch": "*"}
        try:
            with self._translated(CURRENT_KEY):
                answer = self.client.put_object(
                    **self._at(CURRENT_KEY), Body=write_current(current), ContentType="application/json", **condition
                )
        except (PublishConflict, BundleNotFound) as error:  # with If-Match, a missing key is 404 or 412
            found = self._current_or_none()
            if found and found.current == current and _attempts(error) > 1:
                return found  # the first attempt succeeded, and only its response was lost
            raise PublishConflict(
                f"{self._at_text(CURRENT_KEY)} now points to {found.version if found else 'nothing'}: "
                "another publisher was first.",
                value=current.version,
                remedy="Publish again on top of it.",
            ) from error
        return Pointer(current, answer["ETag"])

    def files(self, prefix: str) -> list[Stored]:
        found = []
        with self._translated(prefix):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self._place.bucket, Prefix=self._place.prefix + prefix
            )
            for page in pages:
                for item in page.get("Contents", []):
                    key = item["Key"].removeprefix(self._place.prefix)
                    found.append(Stored(key, item["Size"], item["LastModified"]))
        return sorted(found)

    def leftovers(self) -> list[Stored]:
        """Multipart uploads that never finished: their parts cost money and appear in no listing of files."""
        found = []
        with self._translated(""):
            pages = self.client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self._place.bucket, Prefix=self._place.prefix
            )
            for page in pages:
                for item in page.get("Uploads", []):
                    key = item["Key"].removeprefix(self._place.prefix)
                    parts = self.client.list_parts(**self._at(key), UploadId=item["UploadId"]).get("Parts", [])
                    size = sum(part["Size"] for part in parts)
                    found.append(Stored(key, size, item["Initiated"], item["UploadId"]))
        return sorted(found)

    def delete(self, stored: Stored) -> None:
        try:
            with self._translated(stored.key):
                if stored.upload is None:
                    self.client.delete_object(**self._at(stored.key))
                else:
                    self.client.abort_multipart_upload(**self._at(stored.key), UploadId=stored.upload)
        except BundleNotFound:
            return

    def _read(self, key: str, **condition: Any) -> tuple[bytes, str]:
        """A small file's bytes and tag."""
        return self._get(key, _bytes, **condition)

    def _get(self, key: str, consume: Callable[[Any], _Consumed], **condition: Any) -> tuple[_Consumed, str]:
        """What `consume` makes of a file's body, and the file's tag.

        botocore retries requests, but not the reading of a body that breaks off: `consume` is then called again.
        """
        from botocore.exceptions import HTTPClientError, IncompleteReadError

        for attempt in range(1, ATTEMPTS + 1):
            answer = self.client.get_object(**self._at(key), **condition)
            try:
                return consume(answer["Body"]), answer["ETag"]
            except (HTTPClientError, IncompleteReadError):
                if attempt == ATTEMPTS:
                    raise
        raise AssertionError

    def _current_or_none(self) -> Pointer | None:
        try:
            return self.current()
        except BundleNotFound:
            return None

    def _at(self, key: str) -> Any:
        return {"Bucket": self._place.bucket, "Key": self._place.prefix + key}

    def _at_text(self, key: str) -> str:
        return f"{self.address}/{key}".rstrip("/")

    def _translated(self, key: str) -> Any:
        return translated(self._at_text(key))


def _bytes(body: Any) -> bytes:
    content: bytes = body.read()
    return content


def _attempts(error: VitrineError) -> int:
    """The number of times that botocore sent the request."""
    response: Any = getattr(error.__cause__, "response", {})
    return 1 + int(response.get("ResponseMetadata", {}).get("RetryAttempts", 0))
