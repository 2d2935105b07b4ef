"""Publishing that stops at any step: readers see one whole bundle, the next run succeeds, and nothing stays for ever.

Every operation on a store is stopped at every change that it makes to a directory and at every request that it sends to
a real S3 server.
"""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from rich.progress import Progress

from export.bench.synthetic import clustered_vectors, stand_in_encoder
from export.bundle.build_index import IndexParameters
from export.bundle.content import BuildOptions
from export.bundle.publish_bundle import copy_bundle
from export.bundle.update_bundle import read_base, update_bundle
from export.bundle.write_bundle import describe_model
from export.photos.read_catalog import CatalogRow
from export.store.assign_labels import read_labels
from export.store.prune import delete, find_waste
from export.store.rollback import roll_back
from export.store.versions import complete, list_versions
from handler.manifest import MANIFEST_FILE, bundle_key
from handler.model_files import model_key
from handler.open_bundle import OpenBundle
from handler.stores.file_cache import FileCache
from handler.stores.s3_client import make_client
from handler.stores.s3_store import S3Store
from handler.stores.store import DirectoryStore
from tests.faults import at_every_step
from tests.s3_servers import new_bucket, use

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from handler.stores.store import BundleStore
    from tests.faults import Kind

DIM = 8
VECTORS = clustered_vectors(100, DIM)
LATER = timedelta(days=2)


@dataclass
class Products:
    """Products whose photos have been embedded, by number."""

    numbers: Sequence[int]

    @property
    def rows(self) -> list[CatalogRow]:
        return [CatalogRow(f"{number:03}", f"{number:03}.jpg") for number in self.numbers]

    @property
    def digests(self) -> list[str]:
        return [f"{number:064x}" for number in self.numbers]

    @property
    def vectors(self) -> NDArray[np.float32]:
        return VECTORS[list(self.numbers)].copy()


@dataclass
class Shop:
    """A store with two bundles, of the products 0 to 9 and 0 to 10."""

    store: BundleStore
    encoder: Path
    handed_out: dict[int, str] = field(default_factory=dict)
    """The product of every label that a reader has seen."""

    def index(self, *numbers: int) -> str:
        options = BuildOptions(describe_model(self.encoder), self.encoder, IndexParameters(), Progress(disable=True))
        return update_bundle(Products(numbers), self.store, read_base(self.store), options).manifest.version

    def read(self) -> str:
        """Open what is current as a handler does, and note its labels; returns the version."""
        current = self.store.current().current
        bundle = OpenBundle(self.store, current.version, current.manifest_sha256)
        bundle.load()
        assert len(bundle.catalog) == bundle.manifest.index.count
        for name, expected in bundle.manifest.model.files.items():
            assert self.store.has(model_key(bundle.manifest.model.fingerprint, name), expected)
        for name, label in read_labels(self.store, bundle.manifest).current.items():
            assert self.handed_out.setdefault(label, name) == name, f"label {label} has two products"
        return bundle.version


class Place:
    """Makes the same shop again for every step: in a directory, or on the S3 server under a prefix of its own."""

    def __init__(self, folder: Path, bucket: str | None) -> None:
        self._folder, self._bucket = folder, bucket
        self._made = 0
        if bucket:
            self._client = make_client()
        self.encoder = stand_in_encoder(folder / "encoder", DIM)
        original = Shop(DirectoryStore(folder / "original"), self.encoder)
        self.versions = [original.index(*range(last)) for last in (10, 11)]
        original.read()
        self.original = original
        home = Shop(DirectoryStore(shutil.copytree(folder / "original", folder / "home")), self.encoder)
        home.index(*range(11), 20)
        self.home = home.store

    def shop(self) -> Shop:
        self._made += 1
        handed_out = dict(self.original.handed_out)
        if self._bucket is None:
            root = shutil.copytree(self._folder / "original", self._folder / f"store-{self._made}")
            return Shop(DirectoryStore(root), self.encoder, handed_out)
        prefix = f"shop-{self._made}"
        store = S3Store(f"s3://{self._bucket}/{prefix}", FileCache(self._folder / "cache"))
        store.client = self._client  # one for all steps: making it takes longer than they do
        root = self._folder / "original"
        with ThreadPoolExecutor(8) as pool:
            for file in self.original.store.files(""):
                pool.submit(store.put, file.key, root / file.key)
        return Shop(store, self.encoder, handed_out)

    def reopened(self, store: BundleStore) -> BundleStore:
        """As another process has it: connections to a server cannot be shared with a fork."""
        if isinstance(store, DirectoryStore):
            return store
        return S3Store(store.address, FileCache(self._folder / "cache"))


@pytest.fixture(params=["directory", "seaweed"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    if request.param == "directory":
        return Place(tmp_path, None)
    return Place(tmp_path, new_bucket(use(request.getfixturevalue("seaweed_endpoint"), monkeypatch)))


def index(shop: Shop, _: Place) -> None:
    shop.index(*range(11), 30)


def publish(shop: Shop, place: Place) -> None:
    copy_bundle(place.home, shop.store)


def rollback(shop: Shop, place: Place) -> None:
    roll_back(shop.store, place.versions[0])


def prune(shop: Shop, _: Place) -> None:
    delete(shop.store, find_waste(shop.store, keep=1), shop.store.current().version)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # from Python 3.12 on
@pytest.mark.parametrize("operation", [index, publish, rollback, prune])
@pytest.mark.parametrize("kind", ["dies", "dies after", "fails"])
def test_an_operation_that_stops_at_any_step_leaves_a_sound_store(
    place: Place,
    operation: Callable[[Shop, Place], None],
    kind: Kind,
    record_property: Callable[..., None],
) -> None:
    shops: list[Shop] = []
    if kind == "dies after" and isinstance(place.shop().store, DirectoryStore):
        pytest.skip("a directory has no moment between a change and its answer")

    def scene() -> tuple[Path | None, Callable[[], object]]:
        shop = place.shop()
        shops.append(shop)
        inside = Shop(place.reopened(shop.store), shop.encoder)
        root = shop.store.root if isinstance(shop.store, DirectoryStore) else None
        return root, lambda: operation(inside, place)

    def check(_: int) -> None:
        shop = shops.pop()
        shop.read()
        operation(shop, place)
        shop.read()
        shop.index(*range(5, 11), 40)
        shop.read()
        check_nothing_stays(shop)

    steps = at_every_step(scene, kind, check)
    record_property("steps", f"{operation.__name__} {kind}: {steps}")
    print(f"{type(place.shop().store).__name__}: {operation.__name__} {kind}: {steps} steps")  # noqa: T201  pytest -s
    assert steps >= 2


def check_nothing_stays(shop: Shop) -> None:
    """Two days later, a prune leaves the files of the bundles that it keeps and nothing else."""
    current = shop.store.current().version
    delete(shop.store, find_waste(shop.store, keep=1, now=datetime.now(UTC) + LATER), current)
    assert shop.read() == current
    expected = {"current.json"}
    for version, manifest in complete(list_versions(shop.store)).items():
        expected |= {bundle_key(version, name) for name in (*manifest.files, MANIFEST_FILE)}
        expected |= {model_key(manifest.model.fingerprint, name) for name in manifest.model.files}
    assert {file.key for file in shop.store.files("")} == expected
    assert shop.store.leftovers() == []
