"""What the environment tells the steps of a re-index."""

from __future__ import annotations

import pytest

from export.reindex.settings import ReindexSettings
from handler.errors import ConfigurationError

GIVEN = {"VITRINE_CATALOG": "s3://shop/catalog", "VITRINE_BUNDLES": "s3://shop/vitrine"}


def test_an_empty_variable_counts_as_not_set() -> None:
    """`sam local` passes one where the template leaves a variable out."""
    settings = ReindexSettings.from_env({**GIVEN, "VITRINE_ENCODER": "", "VITRINE_STATE": ""})
    assert settings == ReindexSettings.from_env(GIVEN)


def test_an_empty_catalog_is_missing() -> None:
    with pytest.raises(ConfigurationError, match="VITRINE_CATALOG: Field required"):
        ReindexSettings.from_env({**GIVEN, "VITRINE_CATALOG": ""})
