"""The map from the encoder's vectors to the index's: fitted once, kept, checked before use."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from rich.progress import Progress

from export.bundle.fit_whitening import MIN_VECTORS, fit_whitening
from export.index_catalog import index_catalog
from export.photos.read_catalog import read_catalog
from handler.errors import BundleCorrupt, SessionModelChanged
from handler.local.local_state import LocalState
from handler.manifest import WHITENING_FILE, bundle_key
from handler.open_bundle import OpenBundle
from handler.pages import continue_session, start_session
from handler.photos.encoder import Encoder
from handler.photos.images import MAX_PIXELS, decode, preprocess
from handler.photos.whitening import Whitening
from handler.runtime import Runtime
from handler.schemas import NextPage, StartSession
from handler.settings import Settings
from handler.stores.store import DirectoryStore
from tests.conftest import KEY, draw_photos, run_index

if TYPE_CHECKING:
    from pathlib import Path


def unit(rng: np.random.Generator, count: int, dim: int) -> np.ndarray:
    vectors = rng.normal(size=(count, dim)) * np.geomspace(1, 0.01, dim) + 2
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@examples(deadline=None, max_examples=30)
@given(count=st.integers(MIN_VECTORS, 200), dim=st.integers(2, 64), seed=st.integers(0, 99))
def test_vectors_are_centred_and_come_out_with_length_one(count: int, dim: int, seed: int) -> None:
    vectors = unit(np.random.default_rng(seed), count, dim)
    whitening = fit_whitening(vectors)
    assert whitening is not None
    np.testing.assert_allclose(whitening.centre, vectors.mean(axis=0), atol=1e-6)
    white = whitening.apply(vectors)
    np.testing.assert_allclose(np.linalg.norm(white, axis=1), 1, atol=1e-4)
    # The mean of `vectors` has a length near 1. What remains here is due to the lengths, which differ before scaling.
    assert np.linalg.norm(white.mean(axis=0)) < np.linalg.norm(vectors.mean(axis=0)) / 2


def test_weak_directions_count_for_more_and_strong_ones_for_less() -> None:
    vectors = unit(np.random.default_rng(0), 2_000, 16)
    white = fit_whitening(vectors).apply(vectors)  # type: ignore[union-attr]

    def spread(of: np.ndarray) -> float:
        variances = np.linalg.eigvalsh(np.cov(of.T))
        return float(variances.max() / np.maximum(variances, 1e-12).min())

    assert 1 < spread(white) < spread(vectors) ** 0.75


def test_few_photos_get_no_whitening() -> None:
    vectors = unit(np.random.default_rng(0), MIN_VECTORS, 8)
    assert fit_whitening(vectors[1:]) is None
    assert fit_whitening(vectors) is not None


@pytest.mark.parametrize("rounding", [0, 1e-7], ids=["equal", "equal but for rounding"])
def test_photos_that_do_not_differ_get_no_whitening(rounding: float) -> None:
    rng = np.random.default_rng(0)
    vectors = np.repeat(unit(rng, 1, 8), 100, axis=0) + rounding * rng.normal(size=(100, 8))
    assert fit_whitening(vectors.astype(np.float32)) is None


def test_two_pictures_many_times_each_are_whitened_apart() -> None:
    """One direction varies, seven do not: what does not vary must not be amplified without bound."""
    vectors = np.repeat(unit(np.random.default_rng(0), 2, 8), 50, axis=0)
    whitening = fit_whitening(vectors)
    assert whitening is not None
    white = whitening.apply(vectors)
    np.testing.assert_allclose(white[:50] @ white[50:].T, -1, atol=1e-4)
    stretch = np.linalg.svd(whitening.matrix, compute_uv=False)
    assert stretch.max() / stretch.min() < 10


def test_it_survives_its_file(tmp_path: Path) -> None:
    vectors = unit(np.random.default_rng(0), 100, 8)
    whitening = fit_whitening(vectors)
    assert whitening is not None
    whitening.save(tmp_path / WHITENING_FILE)
    again = Whitening.load(tmp_path / WHITENING_FILE, 8)
    np.testing.assert_array_equal(again.apply(vectors), whitening.apply(vectors))


@pytest.mark.parametrize(
    "table",
    [
        np.zeros((8, 8), np.float32),
        np.zeros((9, 8), np.float64),
        np.full((9, 8), np.nan, np.float32),
        np.asarray([{"a": 1}], dtype=object),
    ],
    ids=["shape", "type", "nan", "pickle"],
)
def test_a_file_that_is_no_whitening_is_refused(tmp_path: Path, table: np.ndarray) -> None:
    np.save(tmp_path / "w.npy", table, allow_pickle=True)
    with pytest.raises(BundleCorrupt, match=r"w\.npy"):
        Whitening.load(tmp_path / "w.npy", 8)


@pytest.fixture
def shop(tmp_path: Path, encoder_directory: Path) -> tuple[Path, Path]:
    """Photos that a test may change, and the store they were indexed into."""
    photos = draw_photos(tmp_path / "photos")
    (photos / "catalog.jsonl").unlink()
    run_index(photos, tmp_path / "bundles", encoder_directory)
    return photos, tmp_path / "bundles"


def current(store: Path) -> OpenBundle:
    directory = DirectoryStore(store)
    return OpenBundle(directory, directory.current().version)


def test_a_session_goes_on_when_the_catalog_grows(shop: tuple[Path, Path], encoder_directory: Path) -> None:
    """A whitening fitted anew would move every vector, and end every session."""
    photos, store = shop
    runtime = Runtime(Settings(bundles=str(store), signing_keys=(KEY,), refresh_seconds=0))
    first = start_session(runtime.serving(), StartSession())
    before = current(store)
    shutil.copytree(photos / "red", photos / "rot")
    run_index(photos, store, encoder_directory)
    after = current(store)
    assert after.version != before.version
    assert after.vector_space == before.vector_space
    request = NextPage(session=first.session, liked=[first.items[0].id])
    assert len(continue_session(runtime.serving(), request).items) == 10


def test_refitting_publishes_another_space_and_says_so_to_old_sessions(
    shop: tuple[Path, Path], encoder_directory: Path
) -> None:
    photos, store = shop
    runtime = Runtime(Settings(bundles=str(store), signing_keys=(KEY,), refresh_seconds=0))
    first = start_session(runtime.serving(), StartSession())
    shutil.copytree(photos / "red", photos / "rot")
    cache = LocalState(store).embedding_cache
    report = index_catalog(
        read_catalog(photos), DirectoryStore(store), encoder_directory, cache, Progress(disable=True), refit=True
    )
    assert report.published
    with pytest.raises(SessionModelChanged):
        continue_session(runtime.serving(), NextPage(session=first.session))


def test_the_indexs_vectors_are_the_encoders_whitened(shop: tuple[Path, Path], encoder_directory: Path) -> None:
    photos, store = shop
    bundle = current(store)
    path = store / bundle_key(bundle.version, WHITENING_FILE)
    whitening = Whitening.load(path, bundle.manifest.model.dim)
    labels, vectors = bundle.index.vectors(bundle.index.everything.labels)
    assert len(labels) == 80
    products = bundle.catalog.by_labels(labels)
    encoder = Encoder(encoder_directory)
    how = encoder.spec.preprocessing
    pictures = [(photos / products[label].image).read_bytes() for label in labels]
    raw = encoder.encode(np.stack([preprocess(decode(one, max_pixels=MAX_PIXELS), how) for one in pictures]))
    np.testing.assert_allclose(vectors, whitening.apply(raw), atol=1e-3)
    assert not np.allclose(vectors, raw, atol=0.1)


def test_a_products_own_photo_finds_that_product_first(shop: tuple[Path, Path]) -> None:
    """An upload has to take every step that the catalog's photos took, the whitening included."""
    photos, store = shop
    bundle = current(store)
    found = bundle.index.nearest(bundle.embed_photo((photos / "blue" / "03.jpg").read_bytes()), 1)
    assert bundle.catalog.by_labels([found[0].label])[found[0].label].id == "blue/03"
    assert found[0].score == pytest.approx(1, abs=1e-3)
