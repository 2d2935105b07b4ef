"""The load tests themselves, run for seconds; the commands run them for as long as one likes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from handler import lambda_entry
from tests.fuzz.token_checks import entry_point
from tests.load.play_invocations import play
from tests.load.run_soak import MORE_MEGABYTES, Soaked, check, soak
from tests.load.usage import Usage, usage

if TYPE_CHECKING:
    from pathlib import Path


class InProcess:
    """The Lambda entry point without an emulator. Every `failing`th page is refused."""

    def __init__(self, failing: int = 0) -> None:
        self._failing = failing
        self._pages = 0

    def invoke(self, event: Any) -> tuple[int, Any]:
        self._pages += event["rawPath"].startswith("/v1/sessions")
        if self._failing and self._pages % self._failing == 0:
            return 200, {"statusCode": 503, "body": "{}"}
        return 200, lambda_entry.handler(event, None)  # type: ignore[arg-type]


def test_a_soak_of_seconds_with_twenty_switches_keeps_its_descriptors(tmp_path: Path) -> None:
    soaked = soak(100, tmp_path, switches_a_moment=2)
    assert soaked.most_descriptors <= soaked.moments[0].descriptors
    assert (len(soaked.moments), soaked.switches) == (10, 20)


@pytest.mark.parametrize(("megabytes", "descriptors"), [(MORE_MEGABYTES + 1, 0), (0, 1)])
def test_a_soak_that_grows_fails(megabytes: float, descriptors: int) -> None:
    first = Usage(150, 16, 0, 0)
    last = first._replace(megabytes=first.megabytes + megabytes)
    with pytest.raises(AssertionError):
        check(Soaked([first, last], 100, first.descriptors + descriptors, 1))


def test_shoppers_take_turns_until_their_rounds_are_played(bundles: Path) -> None:
    with entry_point(bundles):
        played = play(InProcess(), 41, 60, shoppers=3)
        version = lambda_entry._runtime().bundle().version
    assert (played.errors, played.versions) == ([], [version])
    assert {kind: measured["requests"] for kind, measured in played.kinds().items()} == {
        "page": 41,
        "photo": 3,
        "bundle": 3,
    }


def test_an_error_is_counted_and_the_shopper_starts_again(bundles: Path) -> None:
    with entry_point(bundles):
        played = play(InProcess(failing=10), 40, 60, shoppers=3)
    assert len([error for error in played.errors if error.startswith("page: 200")]) == 4
    assert len(played.times["page"]) == 40


def test_the_time_ends_a_play_before_its_rounds(bundles: Path) -> None:
    with entry_point(bundles):
        assert not play(InProcess(), 10, 0, shoppers=1).times


def test_usage_counts_open_files_and_what_lies_in_the_temporary_directory(tmp_path: Path) -> None:
    before = usage(os.getpid(), tmp_path)
    with (tmp_path / "file").open("wb") as file:
        file.write(bytes(500_000))
        file.flush()
        during = usage(os.getpid(), tmp_path)
    after = usage(os.getpid(), tmp_path)
    assert during.descriptors == before.descriptors + 1 == after.descriptors + 1
    assert (during.temporary_files, during.temporary_megabytes) == (1, 0.5)
