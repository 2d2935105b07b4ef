"""S3 servers on this machine: moto (Python, starts quickly) and SeaweedFS (whose conditional writes are atomic)."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sysconfig
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

START_SECONDS = 60
KEY_ID, SECRET = "testing", "testing-secret"
IDENTITIES = {
    "identities": [
        {
            "name": "tests",
            "credentials": [{"accessKey": KEY_ID, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
    ]
}


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


def environment(endpoint: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def new_bucket(client: S3Client) -> str:
    """A bucket of the test's own."""
    name = f"shop-{uuid.uuid4().hex[:12]}"
    client.create_bucket(Bucket=name)
    return name


@contextmanager
def seaweed(folder: Path, host: str = "127.0.0.1") -> Iterator[str]:
    """A server for the block, listening on `host` alone; `folder` is its disk."""
    (folder / "s3.json").write_text(json.dumps(IDENTITIES))
    master, volume, filer, s3_port = free_ports(4)
    command = [
        weed(),
        "-logtostderr=true",
        "server",
        f"-dir={folder}",
        f"-ip={host}",
        f"-ip.bind={host}",
        f"-master.port={master}",
        "-master.volumeSizeLimitMB=64",
        f"-volume.port={volume}",
        "-volume.max=2000",  # every bucket takes seven, empty or not
        "-filer",
        f"-filer.port={filer}",
        "-s3",
        f"-s3.port={s3_port}",
        "-s3.port.iceberg=0",  # off: these two have the same port in every server
        "-s3.port.lance=0",
        "-master.telemetry=false",
        f"-s3.config={folder / 's3.json'}",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    endpoint = f"http://{host}:{s3_port}"
    try:
        wait_until_it_writes(endpoint, process, folder / "log")
        yield endpoint
    finally:
        process.kill()  # its own way of stopping takes ten seconds, and nobody reads this disk again
        process.wait()


def weed() -> str:
    beside_python = Path(sysconfig.get_path("scripts")) / "weed"
    found = str(beside_python) if beside_python.exists() else shutil.which("weed")
    if not found:
        pytest.fail("There is no weed; install it with: scripts/setup test")
    return found


def wait_until_it_writes(endpoint: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """It listens before its disks are ready: only a written object tells."""
    session = boto3.Session(aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET, region_name="us-east-1")
    client = session.client("s3", endpoint_url=endpoint)
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            name = new_bucket(client)
            client.put_object(Bucket=name, Key="ready", Body=b"ready")
        except (BotoCoreError, ClientError):
            time.sleep(0.3)
        else:
            return
    pytest.fail(f"weed did not start within {START_SECONDS} s: {log.read_text(errors='replace')[-2_000:]}")


def free_ports(count: int) -> list[int]:
    """Free ports whose neighbor 10,000 higher is free, too: weed speaks gRPC there.

    All are below 32,768: above, Linux may lend them to an outgoing connection before the server binds them.
    """
    found: list[int] = []
    for port in range(10_000 + (os.getpid() * 37) % 10_000, 22_700):
        if _free(port) and _free(port + 10_000):
            found.append(port)
        if len(found) == count:
            return found
    pytest.fail("There are no free ports between 10,000 and 22,700.")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
