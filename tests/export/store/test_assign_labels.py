"""A label belongs to one product for ever: through removals, returns and any number of re-indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from export.store.assign_labels import NO_LABELS, Labels, assign_labels
from tests.conftest import run_index
from tests.export.support import draw_all, labels_in, open_current

if TYPE_CHECKING:
    from pathlib import Path

catalogs = st.lists(st.lists(st.sampled_from("abcdefghij"), unique=True, min_size=1), min_size=1, max_size=8)


@settings(deadline=None)
@given(catalogs)
def test_labels_are_permanent_and_never_reused(history: list[list[str]]) -> None:
    labels = NO_LABELS
    owners: dict[int, str] = {}
    for ids in history:
        labels = assign_labels(ids, labels)
        assert labels.current.keys() == set(ids)
        assert not labels.current.keys() & labels.retired.keys()
        everyone = {**labels.current, **labels.retired}
        for product_id, label in everyone.items():
            assert owners.setdefault(label, product_id) == product_id
        assert everyone.keys() == set(owners.values())
        assert labels.next_label == len(owners) == len({**labels.current, **labels.retired})
        assert all(0 <= label < labels.next_label for label in owners)


@settings(deadline=None)
@given(catalogs)
def test_indexing_the_same_again_changes_no_label(history: list[list[str]]) -> None:
    labels = NO_LABELS
    for ids in history:
        labels = assign_labels(ids, labels)
    assert assign_labels(history[-1], labels) == labels


def test_new_labels_are_handed_out_in_order() -> None:
    earlier = Labels({"a": 0, "b": 1}, {"c": 2}, 3)
    assert assign_labels(["a", "x", "c", "y"], earlier) == Labels({"a": 0, "x": 3, "c": 2, "y": 4}, {"b": 1}, 5)


def test_labels_hold_across_published_bundles(tmp_path: Path, encoder_directory: Path) -> None:
    photos, bundles = draw_all(tmp_path / "photos", range(12)), tmp_path / "bundles"
    run_index(photos, bundles, encoder_directory)
    first, _ = labels_in(bundles)
    (photos / "003.png").rename(tmp_path / "kept.png")
    draw_all(photos, range(20, 23))
    report = run_index(photos, bundles, encoder_directory)
    second, retired = labels_in(bundles)
    assert (report.new, report.removed) == (3, 1)
    assert retired == {"003": first["003"]}
    assert {name: second[name] for name in first if name != "003"} == {k: v for k, v in first.items() if k != "003"}
    assert {second[name] for name in ("020", "021", "022")} == {12, 13, 14}

    (tmp_path / "kept.png").rename(photos / "003.png")
    run_index(photos, bundles, encoder_directory)
    third, retired = labels_in(bundles)
    assert (third, retired) == ({**second, "003": first["003"]}, {})
    bundle = open_current(bundles)
    assert bundle.manifest.catalog.next_label == 15
    assert set(bundle.index.everything.labels.tolist()) == set(third.values())
