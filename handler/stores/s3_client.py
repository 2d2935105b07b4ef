"""The S3 client, and the one place that translates botocore's errors."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, cast
from urllib.parse import urlsplit

from handler.errors import (
    BundleCorrupt,
    BundleNotFound,
    ConfigurationError,
    PublishConflict,
    StoreUnavailable,
    VitrineError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_s3 import S3Client

CONNECT_SECONDS = 2
READ_SECONDS = 5
"""Without a byte. A request that finds S3 silent must be answered within the 30 seconds that a gateway waits."""
ATTEMPTS = 3
"""With botocore's exponential backoff and jitter between them, at most 1 and 2 seconds."""
_MISSING = {"NoSuchKey", "404", "NotFound", "NoSuchUpload"}
_CONFLICT = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_TOO_SHORT = {"InvalidRange", "416"}
_NOT_MODIFIED = {"304", "NotModified"}


class NotModified(Exception):
    """The answer to a conditional read of something that has not changed. Never leaves this package."""


class S3Address(NamedTuple):
    """`s3://bucket/prefix`; `prefix` is empty or ends with a slash."""

    bucket: str
    prefix: str

    @classmethod
    def parse(cls, address: str) -> S3Address:
        """Raises ConfigurationError."""
        parts = urlsplit(address)
        folders = [folder for folder in parts.path.split("/") if folder]
        if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment or parts.username:
            raise ConfigurationError(
                f"{address!r} is not an address in S3.",
                value=address,
                remedy="Write s3://BUCKET or s3://BUCKET/PREFIX.",
            )
        return cls(parts.netloc, "".join(f"{folder}/" for folder in folders))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


def make_client() -> S3Client:
    """A client with boto3's usual credentials, region and AWS_ENDPOINT_URL. Raises ConfigurationError without boto3.

    It is botocore's, on which boto3 builds: importing the rest of boto3 would lengthen every cold start.
    """
    try:
        import botocore.session
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise ConfigurationError(
            "Reading and writing S3 needs boto3.", remedy="Install it with: scripts/setup aws"
        ) from error
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        # Other servers seldom give a bucket its own host name.
        s3={"addressing_style": "path" if _elsewhere(os.environ) else "auto"},
    )
    try:
        return cast("S3Client", botocore.session.get_session().create_client("s3", config=config))
    except (BotoCoreError, ValueError) as error:
        raise ConfigurationError(
            f"The S3 client does not start: {error}.",
            remedy="Set AWS_REGION, and AWS_ENDPOINT_URL if it is not AWS.",
        ) from error


def _elsewhere(environ: Mapping[str, str]) -> bool:
    return any(environ.get(name) for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"))


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Translate botocore's errors about `place`.

    A missing key becomes BundleNotFound, a range beyond a file's end BundleCorrupt, a failed condition PublishConflict,
    and an unchanged file NotModified.
    Everything else (no bucket, no permission, no answer) becomes StoreUnavailable.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _from_answer(error.response["Error"].get("Code", ""), place, error) from error
    except BotoCoreError as error:
        raise _unavailable(place, str(error)) from error


def _from_answer(code: str, place: str, error: Exception) -> VitrineError | NotModified:
    if code in _NOT_MODIFIED:
        return NotModified()
    if code in _MISSING:
        return BundleNotFound(f"There is no {place}.", value=place)
    if code in _TOO_SHORT:
        return BundleCorrupt(f"{place} is shorter than its manifest says.", value=place, remedy="Publish it again.")
    if code in _CONFLICT:
        return PublishConflict(f"{place} has changed meanwhile.", value=place)
    return _unavailable(place, str(error))


def _unavailable(place: str, reason: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"{place} cannot be used: {reason.rstrip('.')}.",
        value=place,
        remedy="Check the bucket's name, its permissions, the credentials and AWS_ENDPOINT_URL.",
    )
