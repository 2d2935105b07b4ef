"""A built function under Lambda's Runtime Interface Emulator and its real runtime client, without a container."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.bench.serving.s3_server import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
RIES = sorted((ROOT / "build" / "sam").glob("lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-x86_64"))
"""The emulator as aws-sam-cli brings it along, if `scripts/sam` has installed that."""
# Binds the folder over itself, read-only, in a mount namespace of its own: what root could write, it cannot now.
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'


def build_api(directory: Path) -> None:
    """Build ApiFunction into `directory` for this interpreter, as `sam build` would, and check it."""
    variables = build_environment()
    for program in (["build_function.py", "ApiFunction"], ["check_artifact.py"]):
        command = [sys.executable, str(ROOT / "infra" / program[0]), *program[1:], str(directory)]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def build_environment() -> dict[str, str]:
    """The environment in which infra/Makefile builds for this interpreter."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return {**os.environ, "RUNTIME": version, "PYTHON": sys.executable}


def install_client(directory: Path) -> None:
    """Install awslambdaric, which Lambda's own runtime has."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(directory), "awslambdaric"]
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def emulator(
    rie: Path, client: Path, task: Path, handler: str, variables: dict[str, str], timeout: int = 29
) -> Iterator[Emulated]:
    """The function `handler` in `task`, which it cannot write to; `client` is the folder that has awslambdaric."""
    port, runtime_port = free_ports(2)
    command = [str(rie), "--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
    command += ["--runtime-api-address", f"127.0.0.1:{runtime_port}"]
    # -S: nothing of this environment's packages, only the artifact's own
    command += [base_python(), "-S", "-m", "awslambdaric", handler]
    environment = {
        "PATH": os.environ["PATH"],
        "LAMBDA_TASK_ROOT": str(task),
        "PYTHONPATH": f"{task}:{client}",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
        "AWS_LAMBDA_FUNCTION_NAME": "Function",
        **variables,
    }
    prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c", READ_ONLY, str(task)]
    log = open(task.parent / f"{task.name}.log", "wb")  # noqa: SIM115  closed below, read before
    process = subprocess.Popen([*prefix, *command], cwd=task, env=environment, stdout=log, stderr=log)
    try:
        yield Emulated(port, task.parent / f"{task.name}.log", process.pid)
    finally:
        process.kill()
        process.wait()
        log.close()


def base_python() -> str:
    """This interpreter outside of its virtual environment."""
    return f"{sys.base_prefix}/bin/python{sys.version_info[0]}.{sys.version_info[1]}"


class Emulated:
    """A running emulator, which starts the function's process at the first invocation."""

    def __init__(self, port: int, log: Path, process: int) -> None:
        self._url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        self._log = log
        self._process = process

    @property
    def runtime_process(self) -> int:
        """The ID of the function's process. Needs an invocation before, and Linux."""
        threads = Path("/proc", str(self._process), "task").iterdir()
        (child,) = [int(child) for thread in threads for child in (thread / "children").read_text().split()]
        return child

    def invoke(self, event: object) -> tuple[int, Any]:
        """HTTP status and answer, as JSON where it is any."""
        request = urllib.request.Request(self._url, json.dumps(event).encode())  # noqa: S310
        deadline = time.monotonic() + 20
        while True:
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                    return answer.status, _parsed(answer.read())
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, _parsed(error.read())
            except urllib.error.URLError:  # it does not listen yet
                if time.monotonic() > deadline:
                    raise AssertionError(self.log()) from None
                time.sleep(0.005)

    def log(self) -> str:
        return self._log.read_text(errors="replace")


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except json.JSONDecodeError:
        return body.decode(errors="replace")
