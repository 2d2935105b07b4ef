"""The comparison with other libraries gives every side the same sessions, and holds each to the same rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from export.bench.serving import peers

if TYPE_CHECKING:
    from pathlib import Path


def test_ours_and_an_exact_peer_find_the_same_products(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ["--products", "600", "--peers", "numpy", "--repeat", "3", "--rounds", "4"]
    folders = ["--out", str(tmp_path / "out"), "--work", str(tmp_path / "work")]
    monkeypatch.setattr("sys.argv", ["peers", *options, *folders])
    peers.main()
    sides = json.loads((tmp_path / "out" / "peers.json").read_text())["sizes"]["600"]
    assert sides.keys() == {"vitrine", "numpy"}
    assert [side["found"] for side in sides.values()] == [1, 1]
    assert (tmp_path / "out" / "peers.png").stat().st_size > 0


def test_a_peer_that_repeats_a_product_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(*_: object) -> object:
        return lambda session: sorted(session.seen)[: peers.COUNT]

    monkeypatch.setattr(peers, "PEERS", {"forgetful": forgetful})
    options = ["--products", "600", "--peers", "forgetful", "--repeat", "1", "--rounds", "4"]
    monkeypatch.setattr("sys.argv", ["peers", *options, "--out", str(tmp_path), "--work", str(tmp_path / "work")])
    with pytest.raises(AssertionError, match="forgetful shows a product again"):
        peers.main()
