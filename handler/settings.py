"""Settings of a deployment, read once from its environment variables and validated together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from handler.errors import ConfigurationError
from handler.recommend.strategies import DEFAULT_STRATEGY, STRATEGIES
from handler.sessions.signing_keys import MIN_KEY_BYTES
from handler.stores.file_cache import DEFAULT_FOLDER, DEFAULT_MEGABYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "VITRINE_"
LISTS = ("signing_keys", "cors_origins", "origin_secrets")
_ORIGIN = re.compile(r"\*|https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")


class Settings(BaseModel):
    """A deployment's settings. The variable of a field is `VITRINE_` and its name in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    bundles: str = Field(min_length=1, description="store of bundles: a directory or s3://BUCKET/PREFIX")
    index: str | None = Field(
        default=None,
        min_length=1,
        description="server of bundles that name a collection: milvus+http://HOST:PORT",
    )
    index_token: str = Field(default="", repr=False, description="its API key, or USER:PASSWORD")
    index_token_secret: str | None = Field(
        default=None, min_length=1, description="ARN of the AWS secret that holds that token, instead of it"
    )
    signing_keys_secret: str | None = Field(
        default=None, min_length=1, description="ARN of the AWS secret that holds the signing keys"
    )
    signing_keys_parameter: str | None = Field(
        default=None, min_length=1, description="name of the SSM SecureString that holds the signing keys"
    )
    signing_keys: tuple[str, ...] = Field(
        default=(),
        validate_default=True,
        repr=False,
        description="comma-separated; the first signs, all verify, so that keys can rotate",
    )
    session_ttl_seconds: int = Field(default=7 * 86_400, ge=60, description="a token older than this has expired")
    refresh_seconds: float = Field(default=30.0, ge=0, description="shortest time between two checks for a new bundle")
    strategy: str = Field(default=DEFAULT_STRATEGY, description="used when a request names none")
    image_base_url: str = Field(default="/photos", description="prepended to every product's image path")
    cors_origins: tuple[str, ...] = Field(
        default=(), description="comma-separated origins whose pages may call the API from a browser; * for all"
    )
    origin_secrets: tuple[str, ...] = Field(
        default=(),
        repr=False,
        description="comma-separated; requests need one of them in X-Origin-Secret, which only the CDN adds",
    )
    events: Literal["on", "off"] = Field(default="on", description="one log line a round, see handler/events.py")
    metrics: Literal["on", "off"] = Field(default="on", description="CloudWatch metrics in the log, on Lambda only")
    cache: str = Field(default=str(DEFAULT_FOLDER), min_length=1, description="local copies of bundles in S3")
    cache_megabytes: int = Field(default=DEFAULT_MEGABYTES, ge=1, description="size limit of these copies")
    memory_megabytes: int | None = Field(
        default=None, ge=128, description="memory of the process; two indexes that exceed it are never loaded together"
    )

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        # A browser compares the text, so an origin with a path or a trailing slash would silently never match.
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is not an origin such as https://shop.example, nor *")
        return origins

    @field_validator("signing_keys")
    @classmethod
    def _long_enough(cls, keys: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        sources = [keys, info.data.get("signing_keys_secret"), info.data.get("signing_keys_parameter")]
        if sum(map(bool, sources)) != 1:
            raise ValueError(f"set this, {PREFIX}SIGNING_KEYS_SECRET or {PREFIX}SIGNING_KEYS_PARAMETER, and only one")
        if any(len(key.encode()) < MIN_KEY_BYTES for key in keys):
            raise ValueError(f"a key has fewer than {MIN_KEY_BYTES} bytes; create one with `openssl rand -hex 32`")
        return keys

    @field_validator("strategy")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in STRATEGIES:
            raise ValueError(f"unknown strategy {name!r}; known: {', '.join(sorted(STRATEGIES))}")
        return name

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read the `VITRINE_*` variables. Raises a ConfigurationError that names all unknown or invalid ones.

        An empty variable counts as not set: `sam local` passes one for each that the template leaves out.
        """
        given = {key.removeprefix(PREFIX).lower(): value for key, value in environ.items() if key.startswith(PREFIX)}
        values: dict[str, object] = {key: value for key, value in given.items() if key in cls.model_fields and value}
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
    return ConfigurationError(f"Invalid environment: {'; '.join(problems)}.", remedy=f"Settings: {known}.")
