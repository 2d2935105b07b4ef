"""first_page.py as a Lambda function: the built artifact under a Runtime Interface Emulator, a new one each time."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from export.bench.serving import first_page
from export.bench.serving.lambda_emulator import RIES, build_api, emulator, install_client

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from export.bench.serving.fresh_processes import Start

_HANDED_ON = ("VITRINE_", "AWS_", "OPENBLAS_")


@contextmanager
def function() -> Iterator[Start]:
    """Build the API function and start its process under a new emulator for every call, until the block ends.

    A call's seconds go from the emulator's start to its answer. Raises RuntimeError without the emulator or root.
    """
    if not RIES or os.geteuid() != 0:
        raise RuntimeError("The emulator comes with `scripts/sam --version`, and mounting the artifact needs root.")
    with tempfile.TemporaryDirectory() as folder:
        task, client = Path(folder) / "ApiFunction", Path(folder) / "client"
        build_api(task)
        install_client(client)
        shutil.copy(first_page.__file__, client)

        def start(arguments: list[str], environment: Mapping[str, str]) -> tuple[str, float]:
            variables = {name: value for name, value in environment.items() if name.startswith(_HANDED_ON)}
            started = time.perf_counter()
            handler = f"{Path(first_page.__file__).stem}.{first_page.answer_event.__name__}"
            with emulator(RIES[0], client, task, handler, variables | {"COLD_START": " ".join(arguments)}) as emulated:
                status, line = emulated.invoke({})
                seconds = time.perf_counter() - started
                if status != 200 or not isinstance(line, str):
                    raise RuntimeError(f"The function failed with status {status}: {line}\n{emulated.log()[-2_000:]}")
            return line, seconds

        yield start
