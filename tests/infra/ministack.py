"""An AWS emulator on this machine that runs Lambda code, Step Functions and CloudFormation: ministack, from PyPI.

It has an environment of its own (build/ministack, made by scripts/check-stack): a Lambda function runs under the
emulator's interpreter and must not see Vitrine's packages, only those of its own artifact. It enforces no IAM policies,
no memory or storage limits, and ignores the ItemBatcher of a Distributed Map.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
import urllib.request
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from tests.s3_servers import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "build" / "ministack" / "bin" / "ministack"
START_SECONDS = 60
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "000000000000",  # the emulator reads an account number in it
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}

needs_ministack = pytest.mark.skipif(
    not PROGRAM.exists(), reason="no ministack in build/ministack; scripts/check-stack installs it and runs this"
)


@dataclass(frozen=True)
class Ministack:
    """A running emulator. `endpoint` answers for every AWS service and for the HTTP APIs created in it."""

    endpoint: str
    log_file: Path

    @property
    def environment(self) -> dict[str, str]:
        """Variables that point boto3 in another process at the emulator."""
        return {**ENVIRONMENT, "AWS_ENDPOINT_URL": self.endpoint}

    def client(self, service: str) -> Any:
        """A boto3 client; a call may take ten minutes, because a synchronous invocation runs the function."""
        session = boto3.Session(
            aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
            region_name=ENVIRONMENT["AWS_DEFAULT_REGION"],
        )
        config = Config(read_timeout=600, retries={"max_attempts": 0}, s3={"addressing_style": "path"})
        return session.client(service, endpoint_url=self.endpoint, config=config)

    def log(self) -> str:
        """What the emulator printed so far, the output of functions included."""
        return self.log_file.read_text(errors="replace")


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    """One emulator for the whole run: use names of your own for stacks, buckets and functions. Retries wait a 20th."""
    with start_ministack(tmp_path_factory.mktemp("ministack"), SFN_WAIT_SCALE="0.05") as emulator:
        yield emulator


@contextmanager
def start_ministack(directory: Path, **variables: str) -> Iterator[Ministack]:
    """An emulator on 127.0.0.1 for the block. `directory` holds its log and everything it unpacks.

    `variables` are added to its environment, which its functions inherit.
    """
    (port,) = free_ports(1)
    emulator = Ministack(f"http://127.0.0.1:{port}", directory / "ministack.log")
    environment = {
        "PATH": os.environ["PATH"],
        "TMPDIR": str(directory),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        **ENVIRONMENT,
        **variables,
    }
    with emulator.log_file.open("wb") as log:
        # A process group of its own, because every function runs in a child that outlives a killed emulator.
        process = subprocess.Popen(
            [str(PROGRAM)], cwd=directory, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait_until_it_answers(emulator, process)
        yield emulator
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def zipped(files: Path | dict[str, str]) -> bytes:
    """A deployment package: a directory (an artifact), or texts by file name (a function written in a test)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        if isinstance(files, dict):
            for name, text in files.items():
                archive.writestr(name, text)
        else:
            for path in sorted(files.rglob("*")):
                archive.write(path, path.relative_to(files))
    return buffer.getvalue()


def build_function(name: str, directory: Path) -> Path:
    """The artifact of one function of template.yaml for this interpreter, by the Makefile that `sam build` runs."""
    target = directory / name
    target.mkdir()
    variables = {
        **os.environ,
        "RUNTIME": f"python{sys.version_info[0]}.{sys.version_info[1]}",
        "PYTHON": sys.executable,
        "BUILDER": sys.executable,
        "ARTIFACTS_DIR": str(target),
    }
    command = ["make", "--silent", "--makefile", str(ROOT / "infra" / "Makefile"), f"build-{name}"]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return target


def _wait_until_it_answers(emulator: Ministack, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{emulator.endpoint}/_ministack/health", timeout=5):  # noqa: S310
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"ministack did not start within {START_SECONDS} s: {emulator.log()[-2_000:]}")
