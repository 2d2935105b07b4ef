"""The projection of the encoder's vectors: fitted once, kept, checked before use."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from rich.progress import Progress

from export.bench.synthetic import publish_vectors
from export.bundle.fit_projection import MIN_VECTORS, fit_projection, project
from export.bundle.write_bundle import describe_model
from export.index_catalog import index_catalog
from export.photos.embed_catalog import embed_catalog
from export.photos.embedding_cache import EmbeddingCache
from export.photos.read_catalog import read_catalog
from handler.errors import BundleCorrupt, SessionModelChanged
from handler.local.local_state import LocalState
from handler.manifest import CURRENT_KEY, MANIFEST_FILE, PROJECTION_FILE, WHITENING_FILE, Manifest, bundle_key
from handler.open_bundle import OpenBundle
from handler.pages import continue_session, start_session
from handler.photos.encoder import Encoder
from handler.photos.images import MAX_PIXELS, decode, preprocess
from handler.photos.projection import Projection
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
def test_vectors_are_centerd_and_come_out_with_length_one(count: int, dim: int, seed: int) -> None:
    vectors = unit(np.random.default_rng(seed), count, dim)
    projection = fit_projection(vectors)
    assert projection is not None
    np.testing.assert_allclose(projection.center, vectors.mean(axis=0), atol=1e-6)
    white = projection.apply(vectors)
    np.testing.assert_allclose(np.linalg.norm(white, axis=1), 1, atol=1e-4)
    # The mean of `vectors` has a length near 1. What remains here is due to the lengths, which differ before scaling.
    assert np.linalg.norm(white.mean(axis=0)) < np.linalg.norm(vectors.mean(axis=0)) / 2


def test_weak_directions_count_for_more_and_strong_ones_for_less() -> None:
    vectors = unit(np.random.default_rng(0), 2_000, 16)
    white = fit_projection(vectors).apply(vectors)  # type: ignore[union-attr]

    def spread(of: np.ndarray) -> float:
        variances = np.linalg.eigvalsh(np.cov(of.T))
        return float(variances.max() / np.maximum(variances, 1e-12).min())

    assert 1 < spread(white) < spread(vectors) ** 0.75


def test_few_photos_get_no_projection() -> None:
    vectors = unit(np.random.default_rng(0), MIN_VECTORS, 8)
    assert fit_projection(vectors[1:]) is None
    assert fit_projection(vectors) is not None


@pytest.mark.parametrize("rounding", [0, 1e-7], ids=["equal", "equal but for rounding"])
def test_photos_that_do_not_differ_get_no_projection(rounding: float) -> None:
    rng = np.random.default_rng(0)
    vectors = np.repeat(unit(rng, 1, 8), 100, axis=0) + rounding * rng.normal(size=(100, 8))
    assert fit_projection(vectors.astype(np.float32)) is None


def test_two_pictures_many_times_each_are_whitened_apart() -> None:
    """One direction varies, seven do not: what does not vary must not be amplified without bound."""
    vectors = np.repeat(unit(np.random.default_rng(0), 2, 8), 50, axis=0)
    projection = fit_projection(vectors)
    assert projection is not None
    white = projection.apply(vectors)
    np.testing.assert_allclose(white[:50] @ white[50:].T, -1, atol=1e-4)
    stretch = np.linalg.svd(projection.matrix, compute_uv=False)
    assert stretch.max() / stretch.min() < 10


def test_a_projection_survives_its_file(tmp_path: Path) -> None:
    vectors = unit(np.random.default_rng(0), 100, 8)
    projection = fit_projection(vectors)
    assert projection is not None
    projection.save(tmp_path / PROJECTION_FILE)
    again = Projection.load(tmp_path / PROJECTION_FILE, encoder_dim=8, dim=8)
    np.testing.assert_array_equal(again.apply(vectors), projection.apply(vectors))


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
def test_a_file_other_than_a_projection_is_refused(tmp_path: Path, table: np.ndarray) -> None:
    np.save(tmp_path / "p.npy", table, allow_pickle=True)
    with pytest.raises(BundleCorrupt, match=r"p\.npy"):
        Projection.load(tmp_path / "p.npy", encoder_dim=8, dim=8)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), b"something else"])
def test_bytes_other_than_an_array_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p.npy").write_bytes(content)
    with pytest.raises(BundleCorrupt, match=r"p\.npy"):
        Projection.load(tmp_path / "p.npy", encoder_dim=8, dim=8)


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


def test_a_session_continues_when_the_catalog_grows(shop: tuple[Path, Path], encoder_directory: Path) -> None:
    """A projection fitted again would move every vector, and end every session."""
    photos, store = shop
    runtime = Runtime(Settings(bundles=str(store), signing_keys=(KEY,), refresh_seconds=0))
    first = start_session(runtime.serving(), StartSession())
    before = current(store)
    shutil.copytree(photos / "red", photos / "rot")
    run_index(photos, store, encoder_directory)
    after = current(store)
    assert after.version != before.version
    assert after.vector_space == before.vector_space
    request = NextPage(session=first["session"], liked=[first["items"][0]["id"]])
    assert len(continue_session(runtime.serving(), request)["items"]) == 10


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
        continue_session(runtime.serving(), NextPage(session=first["session"]))


def test_the_index_holds_projected_vectors(shop: tuple[Path, Path], encoder_directory: Path) -> None:
    photos, store = shop
    bundle = current(store)
    path = store / bundle_key(bundle.version, PROJECTION_FILE)
    projection = Projection.load(path, encoder_dim=bundle.manifest.model.dim, dim=bundle.manifest.index.dim)
    labels, vectors = bundle.index.vectors(bundle.index.everything.labels)
    assert len(labels) == 80
    products = bundle.catalog.by_labels(labels)
    encoder = Encoder(encoder_directory)
    how = encoder.spec.preprocessing
    pictures = [(photos / products[label].image).read_bytes() for label in labels]
    raw = encoder.encode(np.stack([preprocess(decode(one, max_pixels=MAX_PIXELS), how) for one in pictures]))
    np.testing.assert_allclose(vectors, projection.apply(raw), atol=1e-3)
    assert not np.allclose(vectors, raw, atol=0.1)


def test_a_products_own_photo_finds_that_product_first(shop: tuple[Path, Path]) -> None:
    """An upload has to take every step that the catalog's photos took, the projection included."""
    photos, store = shop
    bundle = current(store)
    found = bundle.index.nearest(bundle.embed_photo((photos / "blue" / "03.jpg").read_bytes()), 1)
    assert bundle.catalog.by_labels([found[0].label])[found[0].label].id == "blue/03"
    assert found[0].score == pytest.approx(1, abs=1e-3)


def test_a_projection_may_drop_dimensions(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    projection = Projection(rng.normal(size=8).astype(np.float32), rng.normal(size=(3, 8)).astype(np.float32))
    vectors = unit(rng, 50, 8)
    moved = (vectors - projection.center) @ projection.matrix.T
    expected = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    np.testing.assert_allclose(projection.apply(vectors), expected, atol=1e-6)
    projected = project(vectors.copy(), projection)
    assert projected.shape == (50, 3)
    np.testing.assert_array_equal(projected, projection.apply(vectors))
    projection.save(tmp_path / PROJECTION_FILE)
    again = Projection.load(tmp_path / PROJECTION_FILE, encoder_dim=8, dim=3)
    np.testing.assert_array_equal(again.apply(vectors), projection.apply(vectors))
    with pytest.raises(BundleCorrupt, match=r"expected \(5, 8\)"):
        Projection.load(tmp_path / PROJECTION_FILE, encoder_dim=8, dim=4)


def test_a_bundle_with_fewer_dimensions_than_its_encoder_serves_pages_and_photos(
    shop: tuple[Path, Path], encoder_directory: Path, tmp_path: Path
) -> None:
    photos, store = shop
    catalog = read_catalog(photos)
    model = describe_model(encoder_directory)
    with EmbeddingCache(LocalState(store).embedding_cache) as cache:
        embedded = embed_catalog(
            catalog, model.fingerprint, lambda: Encoder(encoder_directory), cache, Progress(disable=True)
        )
    projection = fit_projection(embedded.vectors)
    assert projection is not None
    narrow = Projection(projection.center, np.linalg.svd(projection.matrix)[2][:16].copy())
    target = tmp_path / "narrow"
    publish_vectors(
        target, embedded.rows, narrow.apply(embedded.vectors), encoder_directory, Progress(disable=True), narrow
    )
    bundle = current(target)
    assert (bundle.manifest.model.dim, bundle.manifest.index.dim, bundle.index.dim) == (48, 16, 16)
    assert bundle.embed_photo((photos / "blue" / "03.jpg").read_bytes()).shape == (16,)
    runtime = Runtime(Settings(bundles=str(target), signing_keys=(KEY,)))
    page = start_session(runtime.serving(), StartSession())
    answer = NextPage(session=page["session"], liked=[page["items"][0]["id"]])
    assert len(continue_session(runtime.serving(), answer)["items"]) == 10


def make_old(store: Path) -> Manifest:
    """Rewrite the current bundle as the first release wrote it: schema version 1, `whitening.npy`."""
    version = DirectoryStore(store).current().version
    folder = store / "bundles" / version
    (folder / PROJECTION_FILE).rename(folder / WHITENING_FILE)
    manifest = json.loads((folder / MANIFEST_FILE).read_text())
    manifest["schema_version"] = 1
    manifest["files"][WHITENING_FILE] = manifest["files"].pop(PROJECTION_FILE)
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest))
    (store / CURRENT_KEY).write_text(json.dumps({"version": version}))
    return Manifest.parse((folder / MANIFEST_FILE).read_bytes(), version)


def test_a_bundle_of_the_first_release_opens_and_its_sessions_survive_a_re_index(
    shop: tuple[Path, Path], encoder_directory: Path
) -> None:
    photos, store = shop
    made = current(store)
    photo = (photos / "blue" / "03.jpg").read_bytes()
    embedded = made.embed_photo(photo)
    old = make_old(store)
    assert old.vector_space == made.vector_space
    np.testing.assert_allclose(current(store).embed_photo(photo), embedded, atol=1e-6)
    shutil.copytree(photos / "red", photos / "rot")
    run_index(photos, store, encoder_directory)
    new = current(store)
    assert (new.manifest.schema_version, new.manifest.projection_file) == (2, PROJECTION_FILE)
    assert new.vector_space == old.vector_space
    assert new.manifest.files[PROJECTION_FILE] == old.files[WHITENING_FILE]


def test_dimensions_that_no_projection_explains_are_refused(shop: tuple[Path, Path]) -> None:
    _, store = shop
    manifest = current(store).manifest.model_dump(mode="json")
    manifest["index"]["dim"] = 16
    manifest["files"].pop(PROJECTION_FILE)
    with pytest.raises(BundleCorrupt, match=r"no projection\.npy"):
        Manifest.parse(json.dumps(manifest).encode(), manifest["version"])
    manifest["files"] |= dict.fromkeys((PROJECTION_FILE, WHITENING_FILE), manifest["files"]["index.hnsw"])
    with pytest.raises(BundleCorrupt, match="both listed"):
        Manifest.parse(json.dumps(manifest).encode(), manifest["version"])
