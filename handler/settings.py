"""One frozen `Settings`, read once from an environment mapping; every bad variable is named in one error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from handler.errors import ConfigurationError
from handler.recommend.strategies import DEFAULT_STRATEGY, STRATEGIES
from handler.stores.file_cache import DEFAULT_FOLDER, DEFAULT_MEGABYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "VITRINE_"
MIN_KEY_BYTES = 32
LISTS = ("signing_keys", "cors_origins")
_ORIGIN = re.compile(r"\*|https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")


class Settings(BaseModel):
    """What a deployment can set. The variable of a field is `VITRINE_` and its name in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    bundles: str = Field(min_length=1, description="where bundles live: a directory or s3://BUCKET/PREFIX")
    signing_keys_secret: str | None = Field(
        default=None, min_length=1, description="ARN of an AWS secret that holds the signing keys, instead of them"
    )
    signing_keys: tuple[str, ...] = Field(
        default=(),
        validate_default=True,
        repr=False,
        description="comma-separated; the first signs, all verify, so that keys can rotate",
    )
    session_ttl_seconds: int = Field(default=7 * 86_400, ge=60, description="a token older than this has expired")
    refresh_seconds: float = Field(default=30.0, ge=0, description="ask for a new bundle at most this often")
    strategy: str = Field(default=DEFAULT_STRATEGY, description="taken where a request names none")
    image_base_url: str = Field(default="/photos", description="goes before every product's image path")

    cors_origins: tuple[str, ...] = Field(
        default=(), description="comma-separated; web pages from there may call the API from a browser; * for all"
    )
    events: Literal["on", "off"] = Field(default="on", description="one log line a round, see handler/events.py")
    cache: str = Field(default=str(DEFAULT_FOLDER), min_length=1, description="local copies of bundles in S3")
    cache_megabytes: int = Field(default=DEFAULT_MEGABYTES, ge=1, description="how much of them is kept")

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        # A browser compares the text: with a path or a closing slash it would never match, and nobody would know why.
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is not an origin such as https://shop.example, nor *")
        return origins

    @field_validator("signing_keys")
    @classmethod
    def _long_enough(cls, keys: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if bool(keys) == bool(info.data.get("signing_keys_secret")):
            raise ValueError(f"give either this or {PREFIX}SIGNING_KEYS_SECRET")
        if any(len(key.encode()) < MIN_KEY_BYTES for key in keys):
            raise ValueError(f"a key has fewer than {MIN_KEY_BYTES} bytes; make one with `openssl rand -hex 32`")
        return keys

    @field_validator("strategy")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in STRATEGIES:
            raise ValueError(f"there is no strategy {name!r}; there are {', '.join(sorted(STRATEGIES))}")
        return name

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read the `VITRINE_*` variables. Raises ConfigurationError naming every variable that cannot be used."""
        given = {key.removeprefix(PREFIX).lower(): value for key, value in environ.items() if key.startswith(PREFIX)}
        values: dict[str, object] = {key: value for key, value in given.items() if key in cls.model_fields}
        for name in LISTS:
            if name in given:
                values[name] = tuple(part.strip() for part in given[name].split(",") if part.strip())
        unknown = [f"{PREFIX}{key.upper()} is not a setting" for key in given if key not in cls.model_fields]
        try:
            settings = cls.model_validate(values)
        except ValidationError as error:
            bad = [f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_input=False)]
            raise _bad_environment(bad + unknown) from None
        if unknown:
            raise _bad_environment(unknown)
        return settings


def _bad_environment(problems: list[str]) -> ConfigurationError:
    known = ", ".join(PREFIX + name.upper() for name in Settings.model_fields)
    return ConfigurationError(f"The environment cannot be used: {'; '.join(problems)}.", remedy=f"Settings: {known}.")
