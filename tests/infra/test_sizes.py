"""Sizes follow from CatalogSize; photos of every indexed format are served, product tables are not."""

from __future__ import annotations

import fnmatch
import itertools
from typing import Any

import pytest

from export.photos.read_catalog import IMAGE_SUFFIXES
from export.photos.read_table import TABLE_SUFFIXES
from tests.infra.template import load, of_type

TEMPLATE = load()
SIZES: dict[int, dict[str, int]] = {
    int(products): {name: int(size) for name, size in sizes.items()}  # a variable's value has to be text
    for products, sizes in TEMPLATE["Mappings"]["Sizes"].items()
}
# Bytes a product at 384 dimensions: the index (M = 16) needs 4 * 384 for the vector, 140 for its links and 8 for its
# label; the rest is its row and its words in the catalog (347 for export.bench.serving's products), and the vectors of
# the catalog's words. A process that serves 100,000 products had 492 MB resident.
BUNDLE_BYTES = 2_100
CATALOG_BYTES = 350
RESIDENT_BYTES = 3_800
ENCODER_MEGABYTES = 90
# The limit of export/bench/build_memory.py, which measured 2,879 for 100,000 products. What does not grow with them,
# fitting 1,664 dimensions (257 MB with the libraries), is over before the index grows to its peak.
BUILD_BYTES = 3_600
RAW_DIM, INDEX_DIM = 1_664, 256  # the embedded encoder's vectors, before and after the catalog's projection
LAMBDA_STORAGE, LAMBDA_MEMORY, SNAPSTART_STORAGE = (512, 10_240), (128, 10_240), 512


@pytest.mark.parametrize("products", SIZES)
def test_two_bundles_and_an_encoder_fit_into_the_apis_storage(products: int) -> None:
    sizes = SIZES[products]
    assert 2 * products * BUNDLE_BYTES / 1e6 + ENCODER_MEGABYTES <= sizes["ApiStorage"] * 1.048576
    assert 2 * products * BUNDLE_BYTES / 1e6 <= sizes["ApiCache"] < sizes["ApiStorage"]
    assert products * RESIDENT_BYTES / 1e6 + 110 <= sizes["ApiMemory"]


@pytest.mark.parametrize("products", SIZES)
def test_a_build_has_the_memory_and_the_storage_that_it_needs(products: int) -> None:
    """Storage: vectors before and after the projection, the new bundle, the earlier catalog, and VACUUM's copy."""
    sizes = SIZES[products]
    joined = 4 * (RAW_DIM + INDEX_DIM) + BUNDLE_BYTES - 4 * (384 - INDEX_DIM)
    plain = 4 * 384 + BUNDLE_BYTES  # an encoder of 384 dimensions is projected in place
    storage = products * (max(joined, plain) + 2 * CATALOG_BYTES) / 1e6 + ENCODER_MEGABYTES
    assert products * BUILD_BYTES / 1e6 + 250 <= sizes["BuildMemory"] * 1.048576
    assert storage <= sizes["BuildStorage"] * 1.048576


@pytest.mark.parametrize("products", SIZES)
def test_sizes_are_ones_that_lambda_accepts(products: int) -> None:
    for name, (low, high) in {"Storage": LAMBDA_STORAGE, "Memory": LAMBDA_MEMORY}.items():
        assert all(low <= SIZES[products][part + name] <= high for part in ("Api", "Build"))


def test_the_rules_allow_snapstart_only_where_its_storage_limit_holds() -> None:
    (assertion,) = TEMPLATE["Rules"]["SnapStartNeedsSmallStorage"]["Assertions"]
    allowed = int(assertion["Assert"]["Equals"][1])
    assert {products for products, sizes in SIZES.items() if sizes["ApiStorage"] <= SNAPSTART_STORAGE} == {allowed}


def test_every_catalog_size_that_can_be_chosen_has_its_sizes() -> None:
    assert list(SIZES) == [int(value) for value in TEMPLATE["Parameters"]["CatalogSize"]["AllowedValues"]]


def served(name: str) -> bool:
    """Whether the bucket's policy lets CloudFront read `catalog/NAME`. IAM's * and ? are fnmatch's."""
    (policy,) = of_type(TEMPLATE, "AWS::S3::BucketPolicy").values()
    found: list[dict[str, Any]] = [part["If"][1] for part in policy["PolicyDocument"]["Statement"] if "If" in part]
    patterns = [resource["Sub"].removeprefix("${Bucket.Arn}/") for part in found for resource in part["Resource"]]
    return any(fnmatch.fnmatchcase(f"catalog/{name}", pattern) for pattern in patterns)


@pytest.mark.parametrize("suffix", sorted(IMAGE_SUFFIXES))
def test_cloudfront_may_read_every_indexed_format_in_any_case(suffix: str) -> None:
    cases = ("".join(letters) for letters in itertools.product(*({c, c.upper()} for c in suffix)))
    assert all(served(f"dresses/red{written}") for written in cases)


@pytest.mark.parametrize("name", [*(f"catalog{suffix}" for suffix in TABLE_SUFFIXES), "notes.txt", "prices.json"])
def test_cloudfront_may_not_read_the_product_table(name: str) -> None:
    assert not served(name)
