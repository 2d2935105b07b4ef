"""Every `code` a problem document can carry, with its HTTP status and what it means to a client. Codes never change."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple

from handler import errors
from handler.api.http_status import status_of

if TYPE_CHECKING:
    from handler.errors import VitrineError

_MEANINGS: Final[dict[type[VitrineError], str]] = {
    errors.InvalidRequest: "The body, a parameter or a form field is invalid; `field` names it.",
    errors.InvalidFilter: "The filter names an unknown field, or compares a field with a value of the wrong kind.",
    errors.UnknownAnswer: "The answer names an id that no product has or had.",
    errors.ContradictoryAnswer: "The same product is both liked and disliked, earlier answers included.",
    errors.NotShown: "The answer names a product that this session has not shown.",
    errors.NothingToUndo: "The session's first page is in front: there is no answer to take back.",
    errors.NothingFound: "No product that the session has not shown yet answers the search.",
    errors.BodyTooLarge: "The request body exceeds the size limit.",
    errors.UnsupportedMediaType: "The path does not accept this content type.",
    errors.OriginForbidden: "The request bypassed the shop's CDN. Use the shop's public address.",
    errors.UnknownProduct: "No product has the id in the path.",
    errors.SessionMalformed: "Not a session token issued by this API.",
    errors.SessionTampered: "The token was changed, or its signing key has been retired. Start a new session.",
    errors.SessionExpired: "The token is older than the shop keeps sessions. Start a new session.",
    errors.SessionModelChanged: "The shop's vectors have changed; tastes do not carry over. Start a new session.",
    errors.SessionFull: "The session has shown too many products for one token. Start a new session.",
    errors.ImageTooLarge: "The photo exceeds the limit on bytes or pixels. Scale it down.",
    errors.ImageUndecodable: "The photo is broken, or its format is not supported.",
    errors.TextSearchUnavailable: "The shop's catalog was indexed before there was text search.",
    errors.PhotoSearchBusy: "Too many photos are being searched. Try again after the seconds in `Retry-After`.",
    errors.BundleNotFound: "The shop has not published a catalog yet. Try again later.",
    errors.BundleCorrupt: "A file of the catalog differs from the one published. Try again later.",
    errors.BundleIncompatible: "Another version of Vitrine wrote the catalog. Try again later.",
    errors.CacheTooSmall: "The catalog does not fit into the server's local storage. Try again later.",
    errors.StoreUnavailable: "The store that holds the catalog is unavailable. Try again later.",
    errors.IndexUnavailable: "The server that holds the products does not answer. Try again later.",
    errors.ConfigurationError: "The deployment's settings are invalid.",
}


class ProblemCode(NamedTuple):
    code: str
    status: int
    meaning: str


def http_errors() -> frozenset[type[VitrineError]]:
    """The error classes that a client can meet."""
    return frozenset(_MEANINGS)


PROBLEM_CODES: Final = (
    *(ProblemCode(kind.code, status_of(kind), meaning) for kind, meaning in _MEANINGS.items()),
    ProblemCode("not_found", HTTPStatus.NOT_FOUND, "The path does not exist."),
    ProblemCode("method_not_allowed", HTTPStatus.METHOD_NOT_ALLOWED, "The path does not support this method."),
    ProblemCode("internal", HTTPStatus.INTERNAL_SERVER_ERROR, "An unexpected server error. Try again later."),
)
"""One entry for each code and status; `unknown_product` comes as 404 for a path and as 422 for an answer."""


def code_table() -> str:
    """The codes as a Markdown table."""
    rows = [f"| `{code}` | {status:d} | {meaning} |" for code, status, meaning in PROBLEM_CODES]
    return "\n".join(["| code | status | meaning |", "|---|---|---|", *rows])
