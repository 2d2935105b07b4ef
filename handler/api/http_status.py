"""The HTTP status of each error class."""

from __future__ import annotations

from handler.errors import (
    BodyTooLarge,
    BundleError,
    ImageTooLarge,
    ImageUndecodable,
    InvalidRequest,
    NothingFound,
    NothingToUndo,
    OriginForbidden,
    PhotoSearchBusy,
    SessionError,
    SessionExpired,
    SessionFull,
    SessionModelChanged,
    SessionTampered,
    TextSearchUnavailable,
    UnknownProduct,
    UnsupportedMediaType,
    VitrineError,
)

# The nearest listed base class decides; all other errors are server faults: 500.
HTTP_STATUS: dict[type[VitrineError], int] = {
    InvalidRequest: 422,
    NothingToUndo: 409,
    NothingFound: 404,
    BodyTooLarge: 413,
    UnsupportedMediaType: 415,
    OriginForbidden: 403,
    UnknownProduct: 404,
    SessionError: 400,
    SessionTampered: 403,
    SessionExpired: 410,
    SessionModelChanged: 409,
    SessionFull: 409,
    ImageTooLarge: 413,
    ImageUndecodable: 422,
    TextSearchUnavailable: 409,
    PhotoSearchBusy: 429,
    BundleError: 503,
}


def status_of(kind: type[VitrineError]) -> int:
    """The HTTP status of an error class: that of the first listed class in its method resolution order, else 500."""
    return next((HTTP_STATUS[base] for base in kind.__mro__ if base in HTTP_STATUS), 500)
