"""A real S3 server on this machine: SeaweedFS, whose conditional writes are atomic. Benchmarks and tests use it."""

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


@contextmanager
def seaweed(folder: Path, host: str = "127.0.0.1") -> Iterator[str]:
    """A server for the block, listening on `host` alone; `folder` is its disk. Raises RuntimeError if none starts."""
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
        raise RuntimeError("There is no weed; install it with: scripts/setup test")
    return found


def wait_until_it_writes(endpoint: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """It listens before its disks are ready: only a written object tells."""
    client = _client(endpoint)
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            name = new_bucket(client)
            client.put_object(Bucket=name, Key="ready", Body=b"ready")
        except (BotoCoreError, ClientError):
            time.sleep(0.3)
        else:
            return
    raise RuntimeError(f"weed did not start within {START_SECONDS} s: {log.read_text(errors='replace')[-2_000:]}")


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
    raise RuntimeError("There are no free ports between 10,000 and 22,700.")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def environment(endpoint: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def new_bucket(client: S3Client) -> str:
    """A new bucket with a name of its own."""
    name = f"shop-{uuid.uuid4().hex[:12]}"
    client.create_bucket(Bucket=name)
    return name


def bucket_with(folder: Path, keys: list[str], endpoint: str) -> str:
    """A new bucket with the files `keys` of `folder`."""
    client = _client(endpoint)
    name = new_bucket(client)
    for key in keys:
        client.upload_file(str(folder / key), name, key)
    return name


def _client(endpoint: str) -> S3Client:
    session = boto3.Session(aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET, region_name="us-east-1")
    return session.client("s3", endpoint_url=endpoint)
