"""The re-index of a shop whose vectors and products are in Milvus."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from export.reindex.prune import prune
from export.reindex.run import Run
from export.reindex.settings import ReindexSettings
from handler.milvus.client import Milvus
from handler.open_bundle import OpenBundle
from tests.conftest import MILVUS
from tests.export.reindex.shop import Shop, shop

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

__all__ = ["shop"]


def test_build_writes_collections_and_prune_drops_those_that_no_bundle_names(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = MILVUS or f"milvus+file:{tmp_path}/lite.db"
    in_files = shop.run()
    monkeypatch.setenv("VITRINE_INDEX", address)
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "onnxruntime", None)  # Build's artifact has pymilvus in its place
        moved = shop.run()
    assert (moved["status"], moved["embedded"]) == ("published", 0)
    assert moved["version"] != in_files["version"]
    assert shop.run()["status"] == "unchanged"
    shop.remove("007.png")
    assert shop.run()["removed"] == 1

    places = {"catalog": "catalog", "bundles": "vitrine", "state": "state"}
    addresses = {name: f"s3://{shop.bucket}/{place}" for name, place in places.items()}
    run = Run(ReindexSettings(**addresses, cache=shop.cache, index=address))  # type: ignore[arg-type]
    assert run.collections is not None
    broken_off, server = run.collections.new_name(), run.collections.milvus
    server.client.create_collection(broken_off, dimension=4)
    report = prune(run, datetime.now(UTC) + timedelta(days=2))
    assert (report["status"], report["collections"]) == ("pruned", 1)
    assert broken_off not in server.collections()

    bundle = OpenBundle(shop.store, shop.store.current().version, None, Milvus(address))
    assert len(bundle.index.everything) == 99
    assert bundle.catalog.by_id("007") is None
    assert bundle.catalog.by_id("008") is not None
