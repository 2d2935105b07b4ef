"""Stops an operation at each of its steps in turn: at every change to a directory, or at every request to S3.

The operation runs in a forked process, so that it can die in the middle: no handler and no `finally` runs then. A
caller sets the scene anew for each step and looks at what is left.
"""

from __future__ import annotations

import itertools
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from handler.errors import VitrineError
from handler.stores import s3_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Kind = Literal["dies", "dies after", "fails"]
"""`dies` before the step, or `dies after` it; or the step `fails` with an error that the operation may handle."""

DONE, FAILED, DIED, SURVIVED, UNEXPECTED = 0, 86, 87, 88, 1
MOST_STEPS = 500
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.chmod", "os.truncate", "shutil.copyfile"}


class Fault(NamedTuple):
    """The `step`th step, counted from 1, of what happens in `place`: a directory, or S3 if it is None."""

    place: Path | None
    kind: Kind
    step: int


def at_every_step(
    scene: Callable[[], tuple[Path | None, Callable[[], object]]], kind: Kind, check: Callable[[int], None]
) -> int:
    """Call `check` after each stop of an operation; returns the number of steps, of which each was a stop once.

    `scene` prepares everything and returns the place and the operation.
    """
    for step in itertools.count(1):
        assert step < MOST_STEPS, "the operation does not come to an end"
        place, operation = scene()
        outcome = run(operation, Fault(place, kind, step))
        assert outcome != UNEXPECTED, f"step {step} ended in an error that is neither VitrineError nor OSError"
        check(step)
        if outcome == DONE:
            return step - 1
    raise AssertionError


def run(operation: Callable[[], object], fault: Fault) -> int:
    """Run in a process of its own that meets `fault`; returns its exit code."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    steps = itertools.count(1)
    try:
        if fault.place is None:
            _arm_s3(fault, steps)
        else:
            _arm_directory(str(fault.place), fault, steps)
        operation()
    except (VitrineError, OSError):
        os._exit(FAILED)
    except BaseException:  # noqa: BLE001  the parent's tests must not go on in here
        traceback.print_exc()
        os._exit(UNEXPECTED)
    os._exit(DONE if next(steps) <= fault.step else SURVIVED)


def _arm_directory(root: str, fault: Fault, steps: Iterator[int]) -> None:
    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        writes = event in CHANGES or (event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR))
        if writes and any(str(argument).startswith(root) for argument in arguments[:2]) and next(steps) == fault.step:
            if fault.kind == "dies":
                os._exit(DIED)
            raise OSError(28, "No space left on device", root)

    sys.addaudithook(watch)


def _arm_s3(fault: Fault, steps: Iterator[int]) -> None:
    make_client = s3_store.make_client

    def before(**_: object) -> None:
        if next(steps) == fault.step:
            if fault.kind == "dies":
                os._exit(DIED)
            raise ConnectionResetError(104, "Connection reset by peer")

    def after(**_: object) -> None:
        if next(steps) == fault.step:
            os._exit(DIED)

    def faulty() -> Any:
        client = make_client()
        if fault.kind == "dies after":
            client.meta.events.register("after-call.s3", after)
        else:
            client.meta.events.register("before-send.s3", before)
        return client

    s3_store.make_client = faulty
