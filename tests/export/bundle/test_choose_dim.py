"""`vitrine index --dim`: fewer dimensions that find the same neighbors, kept from run to run."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from rich.progress import Progress
from typer.testing import CliRunner

from export.bundle.choose_dim import KEPT, STEP, kept
from export.bundle.fit_projection import MIN_VECTORS, fit_projection
from export.cli.main import app
from export.index_catalog import index_catalog
from export.photos.read_catalog import read_catalog
from handler.errors import ConfigurationError
from handler.local.local_state import LocalState
from handler.open_bundle import OpenBundle
from handler.stores.store import DirectoryStore
from tests.conftest import draw_photos

if TYPE_CHECKING:
    from pathlib import Path

    from export.bundle.fit_projection import Dim

DIM = 96


def clustered(decay: float, count: int = 1_500) -> np.ndarray:
    """Unit vectors around 60 centers whose directions weigh 1 to `decay`, away from the origin as embeddings are."""
    rng = np.random.default_rng(0)
    weights = np.geomspace(1, decay, DIM)
    vectors = rng.normal(size=(60, DIM))[rng.integers(60, size=count)] + 0.7 * rng.normal(size=(count, DIM))
    vectors = vectors * weights @ np.linalg.qr(rng.normal(size=(DIM, DIM)))[0] + 1
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_all_dimensions_sorted_by_variance_compare_as_before() -> None:
    vectors = clustered(0.01)
    whole, sorted_ = fit_projection(vectors), fit_projection(vectors, dim=DIM)
    assert whole is not None
    assert sorted_ is not None
    before, after = whole.apply(vectors), sorted_.apply(vectors)
    np.testing.assert_allclose(after[:50] @ after.T, before[:50] @ before.T, atol=1e-4)
    variances = ((vectors - sorted_.center) @ sorted_.matrix.T).var(axis=0)
    assert (np.diff(variances) <= 1e-9).all()


@pytest.mark.parametrize("decay", [0.001, 0.02])
def test_auto_is_the_fewest_dimensions_that_keep_the_neighbors(decay: float) -> None:
    vectors = clustered(decay)
    whole, chosen = fit_projection(vectors, dim=DIM), fit_projection(vectors, dim="auto")
    assert whole is not None
    assert chosen is not None
    sorted_ = (vectors - whole.center) @ whole.matrix.T
    assert kept(sorted_, chosen.dim) >= KEPT > kept(sorted_, chosen.dim - STEP)
    assert chosen.dim < DIM
    np.testing.assert_array_equal(chosen.matrix, whole.matrix[: chosen.dim])


def test_auto_keeps_everything_where_all_directions_matter() -> None:
    chosen = fit_projection(clustered(1.0), dim="auto")
    assert chosen is not None
    assert chosen.dim == DIM


def test_as_many_dimensions_keep_every_neighbor_also_of_copies() -> None:
    vectors = np.repeat(clustered(0.1, 100), 30, axis=0)
    assert kept(vectors, DIM) == 1


@pytest.mark.parametrize("dim", [0, DIM + 1])
def test_dimensions_that_the_encoder_lacks_are_refused(dim: int) -> None:
    with pytest.raises(ConfigurationError, match=f"{DIM} dimensions; {dim} cannot be kept"):
        fit_projection(clustered(1.0), dim=dim)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    photos = draw_photos(tmp_path / "photos")
    (photos / "catalog.jsonl").unlink()
    return photos


def index(photos: Path, store: Path, encoder: Path, dim: Dim, *, refit: bool = False) -> OpenBundle:
    directory = DirectoryStore(store)
    cache = LocalState(store).embedding_cache
    index_catalog(read_catalog(photos), directory, encoder, cache, Progress(disable=True), refit=refit, dim=dim)
    return OpenBundle(directory, directory.current().version)


def test_a_bundle_keeps_its_dimensions_until_it_is_fitted_again(
    photos: Path, tmp_path: Path, encoder_directory: Path
) -> None:
    store = tmp_path / "bundles"
    first = index(photos, store, encoder_directory, 16)
    assert (first.index.dim, first.manifest.model.dim) == (16, 48)
    photo = (photos / "blue" / "03.jpg").read_bytes()
    found = first.index.nearest(first.embed_photo(photo), 1)[0].label
    assert first.catalog.by_labels([found])[found].id == "blue/03"
    shutil.copytree(photos / "red", photos / "rot")
    for dim in (None, "auto", 16):
        again = index(photos, store, encoder_directory, dim)
        assert (again.index.dim, again.vector_space) == (16, first.vector_space)
    with pytest.raises(ConfigurationError, match="has 16 dimensions, not 24") as refused:
        index(photos, store, encoder_directory, 24)
    assert "--refit" in (refused.value.remedy or "")
    refitted = index(photos, store, encoder_directory, 24, refit=True)
    assert refitted.index.dim == 24
    assert refitted.vector_space != first.vector_space


def test_too_few_photos_cannot_be_reduced(photos: Path, tmp_path: Path, encoder_directory: Path) -> None:
    for path in sorted(photos.glob("*/*.jpg"))[MIN_VECTORS - 1 :]:
        path.unlink()
    with pytest.raises(ConfigurationError, match=f"at least {MIN_VECTORS}"):
        index(photos, tmp_path / "bundles", encoder_directory, 16)
    assert index(photos, tmp_path / "bundles", encoder_directory, None).index.dim == 48


@pytest.mark.parametrize("dim", ["many", "0", "1.5"])
def test_a_dim_that_is_no_number_is_refused(dim: str, photos: Path, tmp_path: Path) -> None:
    refused = CliRunner().invoke(app, ["index", str(photos), "--out", str(tmp_path / "bundles"), "--dim", dim])
    assert refused.exit_code == 2
    assert "auto" in refused.output
    assert not (tmp_path / "bundles").exists()
