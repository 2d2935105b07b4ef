"""Copies of one warm process, as SnapStart makes them, show different products."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.conftest import KEY

if TYPE_CHECKING:
    from pathlib import Path

# Forks a process that has answered already: its copies share all state, generators included, as restored snapshots do.
PROGRAM = """
import json, os, random, sys, types
restored = []
hooks = types.ModuleType("snapshot_restore_py")  # what Lambda's own runtime brings along
hooks.register_after_restore = restored.append
sys.modules["snapshot_restore_py"] = hooks
from handler import lambda_entry
import numpy
event = json.load(open("tests/events/start_session.json"))
WARM
for _ in range(4):
    reader, writer = os.pipe()
    states = random.getstate(), numpy.random.get_state()
    if os.fork() == 0:
        # Python seeds a child anew; a snapshot's copies are not told that they are copies.
        random.setstate(states[0]), numpy.random.set_state(states[1])
        for hook in restored:
            hook()
        shared = [random.random(), float(numpy.random.random())]
        page = json.loads(lambda_entry.handler(event, None)["body"])
        os.write(writer, json.dumps([shared, [item["id"] for item in page["items"]], page["session"]]).encode())
        os._exit(0)
    print(">", os.read(reader, 65536).decode())
    os.wait()
print(">", len(restored))
"""


def copies(bundles: Path, warm: str, **variables: str) -> tuple[list[list[object]], int]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PROGRAM.replace("WARM", warm)],
        env={**os.environ, "VITRINE_BUNDLES": str(bundles), "VITRINE_SIGNING_KEYS": KEY, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # The other lines are the log's.
    *pages, hooks = [line[2:] for line in done.stdout.splitlines() if line.startswith("> ")]
    return [json.loads(page) for page in pages], int(hooks)


def all_different(pages: list[list[object]]) -> None:
    shared, shown, sessions = ([json.dumps(page[part]) for page in pages] for part in range(3))
    assert len(set(shared)) == 1  # they are copies: Python's and numpy's generators go on alike
    assert len(set(shown)) == len(set(sessions)) == len(pages) == 4


def test_copies_of_a_process_that_has_answered(bundles: Path) -> None:
    pages, hooks = copies(bundles, "lambda_entry.handler(event, None)")
    all_different(pages)
    assert hooks == 0


def test_copies_of_a_process_that_was_warmed_for_a_snapshot(bundles: Path) -> None:
    pages, hooks = copies(
        bundles,
        "assert '_graph' in vars(lambda_entry._runtime().current._bundle.index._opened)",
        AWS_LAMBDA_INITIALIZATION_TYPE="snap-start",
    )
    all_different(pages)
    assert hooks == 1


def test_a_stack_without_a_bundle_can_be_deployed_all_the_same(tmp_path: Path) -> None:
    """Lambda refuses to publish a version whose start fails, and the first bundle comes after the first deployment."""
    program = PROGRAM.partition("event = ")[0] + "print('started')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **os.environ,
            "VITRINE_BUNDLES": str(tmp_path / "empty"),
            "VITRINE_SIGNING_KEYS": KEY,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("\nstarted\n")
    assert "the snapshot starts cold" in done.stdout
