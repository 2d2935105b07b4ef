"""Partition and part files: which part a photo is in, and what a part's file keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.photos.collect_vectors import close_gaps
from export.photos.embedding_cache import Embedded
from export.photos.part_file import Known, pack, unpack
from export.photos.partition import MAX_BITS, PHOTOS_A_PART, Part, choose_bits
from handler.errors import ConfigurationError

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)
BITS = st.integers(0, MAX_BITS)


@given(NAMES, BITS)
def test_a_part_and_its_name_are_the_same(name: str, bits: int) -> None:
    part = Part.of(name, bits)
    assert 0 <= part.number < 2**bits
    assert Part.parse(str(part)) == part


@given(NAMES, BITS, BITS)
def test_the_parts_of_a_photo_overlap_whatever_their_size(name: str, bits: int, other: int) -> None:
    assert Part.of(name, bits).overlaps(Part.of(name, other))


@given(NAMES, NAMES, BITS)
def test_parts_of_one_size_overlap_only_themselves(name: str, other: str, bits: int) -> None:
    a, b = Part.of(name, bits), Part.of(other, bits)
    assert a.overlaps(b) == (a == b)


@pytest.mark.parametrize("name", ["", "3-0001", "03-8", "03-0008", "99-0000", "03-0001.json"])
def test_other_names_are_no_parts(name: str) -> None:
    assert Part.parse(name) is None


@given(st.integers(0, PHOTOS_A_PART * 2**MAX_BITS))
def test_parts_hold_about_500_photos(photos: int) -> None:
    parts = 2 ** choose_bits(photos)
    assert photos / parts <= PHOTOS_A_PART
    assert parts == 1 or photos / parts > PHOTOS_A_PART / 2


@given(st.integers(0, PHOTOS_A_PART * 2**MAX_BITS), BITS)
def test_the_number_of_parts_stays_while_it_suits(photos: int, present: int) -> None:
    bits = choose_bits(photos, present)
    if bits == present:
        assert photos / 2**bits <= 2 * PHOTOS_A_PART
    else:
        assert bits == choose_bits(photos)


@given(
    st.dictionaries(
        NAMES.map(lambda name: name.rstrip("\0")),
        st.tuples(st.text("0123456789abcdef", min_size=1, max_size=34), st.one_of(st.none(), NAMES)),
        max_size=8,
    )
)
def test_a_file_gives_back_what_was_packed(photos: dict[str, tuple[str, str | None]]) -> None:
    rng = np.random.default_rng(0)
    known = {
        name: Known(f'"{etag}"', etag, Embedded(None if reason else rng.random(5, dtype=np.float32), reason))
        for name, (etag, reason) in photos.items()
    }
    found = unpack(pack(known), "a part")
    assert found.keys() == known.keys()
    for name, one in found.items():
        assert (one.etag, one.sha256, one.result.reason) == (
            known[name].etag,
            known[name].sha256,
            known[name].result.reason,
        )
        expected = known[name].result.vector
        assert (one.result.vector is None) == (expected is None)
        assert expected is None or np.array_equal(one.result.vector, expected)  # type: ignore[arg-type]


def pickled() -> bytes:
    import io

    buffer = io.BytesIO()
    columns: Any = {name: np.array([{}], dtype=object) for name in ("names", "etags", "digests", "reasons", "vectors")}
    np.savez(buffer, **columns)
    return buffer.getvalue()


@pytest.mark.parametrize("body", [b"", b"PK\x03\x04", pack({})[:-40], b"no zip", pickled()], ids=range(5))
def test_a_file_of_something_else_is_refused_and_nothing_in_it_is_executed(body: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"state/x is not a file of vectors.*Delete it"):
        unpack(body, "state/x")


@given(st.lists(st.booleans(), max_size=40))
def test_closing_gaps_keeps_the_usable_rows_in_order(usable: list[bool]) -> None:
    vectors = np.arange(2 * len(usable), dtype=np.float32).reshape(-1, 2)
    places = [place for place, keep in enumerate(usable) if keep]
    expected = vectors[places].copy()
    close_gaps(vectors, places)
    assert np.array_equal(vectors[: len(places)], expected)
