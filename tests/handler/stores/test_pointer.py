"""`current.json`: every write differs, and the first release's handlers still read it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, StringConstraints

from handler.errors import BundleCorrupt
from handler.stores.pointer import Current, Pointer, next_current, read_current, write_current

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)

versions = st.from_regex(r"\A[0-9A-Za-z][0-9A-Za-z._-]{0,95}\Z")
counts = st.none() | st.integers(0, 2**53)
currents = st.builds(
    Current,
    version=versions,
    manifest_sha256=st.none() | st.from_regex(r"\A[0-9a-f]{64}\Z"),
    generation=counts,
    next_label=counts,
)


class CurrentOfTheFirstRelease(BaseModel):
    """A copy of `handler.manifest.Current` in Vitrine 0.1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,95}$")]


@given(currents)
def test_a_pointer_survives_a_round_trip_and_the_first_release_reads_its_version(current: Current) -> None:
    data = write_current(current)
    assert read_current(data) == current
    assert CurrentOfTheFirstRelease.model_validate_json(data).version == current.version
    assert json.loads(data) == {"version": current.version}


@given(currents)
def test_plain_fields_are_read_too(current: Current) -> None:
    """As a later release may write them."""
    assert read_current(current.model_dump_json(indent=1).encode()) == current


@given(currents.filter(lambda current: current.generation is not None), st.data())
def test_a_damaged_pointer_never_loses_fields_unnoticed(current: Current, data: st.DataObject) -> None:
    content = bytearray(write_current(current))
    place = data.draw(st.integers(content.index(b"\n") + 1, len(content) - 2))
    content[place] = data.draw(st.sampled_from(sorted({*b" \t\n\rx}{0"} - {content[place]})))
    try:
        found = read_current(bytes(content))
    except BundleCorrupt:
        return
    assert found != current
    assert found.generation is not None


@given(currents.filter(lambda current: current.generation is not None), st.data())
def test_a_pointer_cut_short_is_corrupt(current: Current, data: st.DataObject) -> None:
    content = write_current(current)
    end = data.draw(st.integers(content.index(b"\n") + 2, len(content) - 2))
    with pytest.raises(BundleCorrupt):
        read_current(content[:end])


def test_generations_increase_even_if_the_clock_is_set_back() -> None:
    pointer = None
    generations = []
    for hours in (0, -24, -24, 48, 0):
        with time_machine.travel(NOON + timedelta(hours=hours), tick=False):
            pointer = Pointer(next_current(pointer, "v1", "0" * 64, 1), "etag")
        generations.append(pointer.current.generation)
    assert generations == sorted(set(generations))
    assert len(generations) == 5
