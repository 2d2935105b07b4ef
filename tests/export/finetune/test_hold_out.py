import numpy as np
import pytest

from export.finetune.hold_out import MIN_KINDS, MIN_MEMBERS, MIN_PHOTOS, hold_out
from export.photos.read_catalog import CatalogRow
from handler.errors import CatalogError


def _rows(kinds: list[str | None]) -> list[CatalogRow]:
    return [
        CatalogRow(str(place), f"{place}.png", {} if kind is None else {"kind": kind})
        for place, kind in enumerate(kinds)
    ]


def test_every_photo_is_in_one_part_and_a_kind_that_is_held_out_is_in_no_other() -> None:
    held_out = hold_out(_rows([f"kind {place % 10}" for place in range(300)] + [None] * 20), "kind")
    parts = [held_out.trained, held_out.photos, held_out.of_new_kinds]
    assert sorted(np.concatenate(parts)) == list(range(320))
    trained, photos, new = (set(held_out.kinds[part]) for part in parts)
    assert len(new) == 2
    assert not new & (trained | photos)
    assert len(held_out.photos) == 260 // 5
    assert len(set(held_out.kinds[300:])) == 20, "photos without a kind are alike to none"


def test_without_a_field_every_photo_is_a_kind_of_its_own() -> None:
    held_out = hold_out(_rows(["dress"] * MIN_PHOTOS), None)
    assert not held_out.by_kind
    assert len(set(held_out.kinds)) == MIN_PHOTOS


def test_photos_that_cannot_be_read_are_in_no_part() -> None:
    held_out = hold_out(_rows(["dress"] * MIN_PHOTOS), None)
    missing = np.zeros(MIN_PHOTOS, dtype=bool)
    missing[[held_out.trained[0], held_out.photos[0]]] = True
    left = held_out.without(missing)
    assert len(left.trained) == len(held_out.trained) - 1
    assert len(left.photos) == len(held_out.photos) - 1


@pytest.mark.parametrize(
    ("kinds", "by", "message"),
    [
        (["dress"] * (MIN_PHOTOS - 1), None, f"{MIN_PHOTOS - 1} photos are too few"),
        (["dress"] * MIN_PHOTOS, "colour", "'colour' has 0 values"),
        (["a", "b", "c"] * MIN_PHOTOS, "kind", "'kind' has 3 values"),
        ([*"abcd"] * MIN_PHOTOS + ["rare"] * (MIN_MEMBERS - 1), "kind", f"the rarest with {MIN_MEMBERS - 1} photos"),
    ],
)
def test_a_catalog_that_teaches_too_little_is_refused(kinds: list[str | None], by: str | None, message: str) -> None:
    assert MIN_KINDS > 3
    with pytest.raises(CatalogError, match=message) as refused:
        hold_out(_rows(kinds), by)
    assert refused.value.remedy
