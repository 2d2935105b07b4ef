"""What the environment tells the steps of a re-index."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handler.errors import ConfigurationError
from handler.stores.file_cache import DEFAULT_FOLDER, DEFAULT_MEGABYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "VITRINE_"


class ReindexSettings(BaseModel):
    """The variable of a field is `VITRINE_` and its name in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    catalog: str = Field(
        min_length=1, description="the photos: s3://BUCKET/PREFIX, with catalog.csv in it if there is one"
    )
    bundles: str = Field(min_length=1, description="where bundles live: s3://BUCKET/PREFIX")
    state: str | None = Field(
        default=None, min_length=1, description="what a run keeps for the next; default: `reindex` below the bundles"
    )
    model: Path | None = Field(
        default=None, description="an encoder's directory; default: the current bundle's encoder"
    )
    encoder: str | None = Field(
        default=None,
        pattern="^[0-9a-f]{32}$",
        description="fingerprint of an encoder in the bundles' store, instead of it",
    )
    publish_minutes: float = Field(default=0, ge=0, description="shortest time between the starts of two builds")
    index: str | None = Field(
        default=None, min_length=1, description="server for vectors and products: milvus+http://HOST:PORT"
    )
    index_token: str = Field(default="", repr=False, description="its API key, or USER:PASSWORD")
    index_token_secret: str | None = Field(
        default=None, min_length=1, description="ARN of the AWS secret that holds that token, instead of it"
    )
    cache: Path = Field(default=DEFAULT_FOLDER, description="local copies of bundles in S3")
    cache_megabytes: int = Field(default=DEFAULT_MEGABYTES, ge=1, description="size limit of these copies")

    @property
    def state_address(self) -> str:
        return self.state or f"{self.bundles.rstrip('/')}/reindex"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """An empty variable counts as not set. Raises ConfigurationError naming every variable that cannot be used."""
        names = {PREFIX + name.upper(): name for name in cls.model_fields}
        try:
            return cls.model_validate({names[key]: value for key, value in environ.items() if key in names and value})
        except ValidationError as error:
            bad = [f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_input=False)]
            raise ConfigurationError(
                f"The environment cannot be used: {'; '.join(bad)}.", remedy=f"Settings: {', '.join(names)}."
            ) from None
