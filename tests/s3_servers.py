"""S3 servers on this machine: moto (Python, starts quickly) and SeaweedFS (whose conditional writes are atomic)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest

from export.bench.serving.s3_server import environment, free_ports, new_bucket, seaweed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

__all__ = ["environment", "free_ports", "new_bucket", "seaweed"]


@pytest.fixture(scope="session")
def moto_endpoint() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def seaweed_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with seaweed(tmp_path_factory.mktemp("seaweed")) as endpoint:
        yield endpoint


@pytest.fixture
def s3(seaweed_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> S3Client:
    """The environment of a process whose S3 is the real server, and a client to look behind the scenes with."""
    return use(seaweed_endpoint, monkeypatch)


@pytest.fixture
def bucket(s3: S3Client) -> str:
    return new_bucket(s3)


def use(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> S3Client:
    """Point boto3 at `endpoint` by its environment alone, as a deployment does."""
    for name, value in environment(endpoint).items():
        monkeypatch.setenv(name, value)
    return boto3.client("s3")
