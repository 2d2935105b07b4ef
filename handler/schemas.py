"""Request and response bodies. Descriptions and limits end up in the OpenAPI document, from which clients are built."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from orjson import Fragment  # noqa: TC002  pydantic evaluates the annotations
from pydantic import BaseModel, ConfigDict, Field, InstanceOf, StringConstraints, WithJsonSchema
from typing_extensions import TypedDict  # pydantic asks for it before Python 3.12

from handler.manifest import FieldInfo
from handler.sessions.tokens import MAX_TOKEN_CHARS
from handler.words.text_index import MAX_TEXT

MAX_COUNT = 50
MAX_ANSWER = 200

ProductId = Annotated[str, StringConstraints(min_length=1, max_length=512)]
Ids = Annotated[list[ProductId], Field(max_length=MAX_ANSWER)]
Count = Annotated[int, Field(ge=1, le=MAX_COUNT, description="products on the page")]
FilterScalar = bool | float | str
FilterField = FilterScalar | list[FilterScalar] | dict[str, float]
FilterBody = Annotated[
    dict[str, FilterField],
    Field(
        description="all conditions must hold; a list matches any of its values; numbers take lt, lte, gt, gte",
        examples=[{"category": ["dress", "skirt"], "price": {"lt": 50}}],
    ),
]
Strategy = Annotated[
    str | None,
    Field(description="how a page follows taste; GET /v1/bundle lists the strategies and names the default"),
]
Diverse = Annotated[bool, Field(description="vary the similar products")]
SearchText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_TEXT,
        description="products whose text has all the words, or the beginnings of them, and products that look like it",
    ),
]
Token = Annotated[str, Field(max_length=MAX_TOKEN_CHARS, description="the `session` of the last response")]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class StartSession(_Request):
    count: Count = 10
    filter: FilterBody | None = None
    strategy: Strategy = None
    diverse: Diverse = False
    seed: Annotated[str, Field(max_length=128)] | None = Field(
        default=None, description="the same seed gives the same session; for tests and demonstrations"
    )


class _Answer(_Request):
    liked: Ids = []
    disliked: Ids = []
    count: Count = 10
    similar: int | None = Field(
        default=None,
        ge=0,
        le=MAX_COUNT,
        description="how many products follow taste; the rest are random or explore; default: half",
    )
    filter: FilterBody | None = None
    strategy: Strategy = None
    diverse: Diverse = False


class NextPage(_Answer):
    session: Token


class PhotoSearch(_Answer):
    image: str = Field(description="the photo's bytes in base64, or a data URL: JPEG, PNG, WebP or GIF, at most 5 MB")
    session: Token | None = Field(
        default=None, description="the session that likes the photo; without one, a plain search"
    )


class TextSearch(_Answer):
    text: SearchText
    session: Token | None = Field(default=None, description="the session that searches; without one, a plain search")


class Undo(_Request):
    session: Token


class ShowPage(_Request):
    session: Token


# Dictionaries for the answers that shoppers wait for: creating a model takes ten times as long, and writing the JSON of
# a dataclass six times.
class Item(TypedDict):
    id: str
    image_url: str
    fields: Annotated[InstanceOf[Fragment], WithJsonSchema({"type": "object", "additionalProperties": True})]
    reason: Annotated[
        Literal["similar", "random", "explore", "searched"] | None,
        Field(description="why it is on the page; searched: because of the words that the session searched for"),
    ]
    score: Annotated[
        float | None,
        Field(
            description="the value it was ranked by: an inner product with a query, a probability, or 1 / (60 + rank) "
            "summed over the rankings of a text search"
        ),
    ]
    because: Annotated[list[str], Field(description="the liked products closest to it")]
    share: Annotated[
        float | None,
        Field(
            description="for an exploring product: the share of the remaining probability that a like of it would keep"
        ),
    ]


class Page(TypedDict):
    session: Annotated[str, Field(description="send it with the next request; nothing else is stored")]
    round: Annotated[int, Field(description="counted from 1")]
    items: list[Item]
    remaining: Annotated[int, Field(description="products that pass the filter and have not been shown yet")]
    searched: Annotated[
        str | None,
        Field(description="the beginning of the words that the session searched for last; they count as one like"),
    ]


class SimilarItems(TypedDict):
    items: list[Item]


class Health(BaseModel):
    status: Literal["ok", "degraded"] = Field(description="degraded: serving, but the last refresh failed")
    bundle: str
    reason: str | None = Field(default=None, description="the code of the error that the last refresh met")
    stale_seconds: float | None = Field(default=None, description="since refreshes began to fail")


class BundleInfo(BaseModel):
    version: str
    created_at: str
    products: int
    model: str
    model_fingerprint: str = Field(description="identity of the encoder's files")
    vector_space: str = Field(description="identity of encoder and projection; sessions last while it stays the same")
    dim: int
    recall: float
    fields: list[FieldInfo]
    strategies: list[str]
    default_strategy: str
    options: list[str] = Field(description="further options that a request may set")
    text_search: bool = Field(description="whether the catalog has a text index")


class Problem(BaseModel):
    """RFC 9457 problem details, as application/problem+json."""

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(description="stable, meant for programs")
    field: str | None = None
    value: Any = None
    limit: Any = None
    remedy: str | None = None
