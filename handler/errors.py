"""Every error Vitrine raises on purpose, drawn here, and the HTTP status that each becomes.

    VitrineError
    ├── InvalidRequest            something in a request cannot be used as it is
    │   ├── InvalidFilter         a filter names no field of the catalog, or compares it with the wrong kind
    │   ├── UnknownAnswer         an answer to an id that no product has or had
    │   ├── ContradictoryAnswer   the same product liked and disliked
    │   ├── NotShown              an answer to a product this session never showed
    │   ├── NothingToUndo         no answer to take back
    │   ├── BodyTooLarge          more bytes in a request than are read
    │   └── UnsupportedMediaType  a body of a kind that this path does not read
    ├── OriginForbidden           a request that did not come through the deployment's CDN
    ├── UnknownProduct            no product has this id
    ├── SessionError
    │   ├── SessionMalformed      not one of our tokens at all
    │   ├── SessionTampered       the signature does not fit
    │   ├── SessionExpired        older than the deployment allows
    │   └── SessionModelChanged   made with an encoder whose vectors mean something else
    ├── ImageError
    │   ├── ImageTooLarge         more bytes or pixels than the limit
    │   └── ImageUndecodable      not an image we read, or a broken one
    ├── ConfigurationError        environment variables or options that cannot work
    ├── BundleError
    │   ├── BundleNotFound        nothing published here
    │   ├── BundleCorrupt         a file is not the one that its manifest names
    │   ├── BundleIncompatible    written by another version of Vitrine
    │   ├── CacheTooSmall         a bundle does not fit into the local cache
    │   └── StoreUnavailable      the store that holds the bundles does not answer, or refuses
    ├── PublishConflict           another publisher got there first
    ├── CatalogError              a catalog that cannot be indexed as it stands
    ├── RecallTooLow              the index would lose too many neighbours
    └── ExportError
        ├── ModelUnavailable      the checkpoint cannot be had
        ├── ModelUnsupported      not an image encoder we can export
        └── ParityTooLow          the ONNX file does not do what PyTorch does

An error carries the value that was wrong, the limit it broke and the remedy, as far as each applies. Foreign
exceptions (Pillow's, onnxruntime's, sqlite's, botocore's) are translated where the foreign call is made and nowhere
else.
"""

from __future__ import annotations


class VitrineError(Exception):
    """Base of the tree. `code` is stable and meant for machines; the message is for people."""

    code = "internal"

    def __init__(
        self,
        detail: str,
        *,
        field: str | None = None,
        value: object = None,
        limit: object = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.value = value
        self.limit = limit
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.detail} {self.remedy}" if self.remedy else self.detail


class InvalidRequest(VitrineError):
    code = "invalid_request"


class InvalidFilter(InvalidRequest):
    code = "invalid_filter"


class UnknownAnswer(InvalidRequest):
    code = "unknown_product"


class ContradictoryAnswer(InvalidRequest):
    code = "contradictory_answer"


class NotShown(InvalidRequest):
    code = "not_shown"


class NothingToUndo(InvalidRequest):
    code = "nothing_to_undo"


class BodyTooLarge(InvalidRequest):
    code = "body_too_large"


class UnsupportedMediaType(InvalidRequest):
    code = "unsupported_media_type"


class OriginForbidden(VitrineError):
    code = "origin_forbidden"


class UnknownProduct(VitrineError):
    code = "unknown_product"


class SessionError(VitrineError):
    code = "session_invalid"


class SessionMalformed(SessionError):
    code = "session_malformed"


class SessionTampered(SessionError):
    code = "session_tampered"


class SessionExpired(SessionError):
    code = "session_expired"


class SessionModelChanged(SessionError):
    code = "session_model_changed"


class ImageError(VitrineError):
    code = "image_invalid"


class ImageTooLarge(ImageError):
    code = "image_too_large"


class ImageUndecodable(ImageError):
    code = "image_undecodable"


class ConfigurationError(VitrineError):
    code = "configuration"


class BundleError(VitrineError):
    code = "bundle_invalid"


class BundleNotFound(BundleError):
    code = "bundle_not_found"


class BundleCorrupt(BundleError):
    code = "bundle_corrupt"


class BundleIncompatible(BundleError):
    code = "bundle_incompatible"


class CacheTooSmall(BundleError):
    code = "cache_too_small"


class StoreUnavailable(BundleError):
    code = "store_unavailable"


class PublishConflict(VitrineError):
    code = "publish_conflict"


class CatalogError(VitrineError):
    code = "catalog_invalid"


class RecallTooLow(VitrineError):
    code = "recall_too_low"


class ExportError(VitrineError):
    code = "export_failed"


class ModelUnavailable(ExportError):
    code = "model_unavailable"


class ModelUnsupported(ExportError):
    code = "model_unsupported"


class ParityTooLow(ExportError):
    code = "parity_too_low"


# The nearest class in an error's own ancestry decides; what is not listed is the server's fault: 500.
HTTP_STATUS: dict[type[VitrineError], int] = {
    InvalidRequest: 422,
    NothingToUndo: 409,
    BodyTooLarge: 413,
    UnsupportedMediaType: 415,
    OriginForbidden: 403,
    UnknownProduct: 404,
    SessionError: 400,
    SessionTampered: 403,
    SessionExpired: 410,
    SessionModelChanged: 409,
    ImageTooLarge: 413,
    ImageUndecodable: 422,
    BundleError: 503,
    ConfigurationError: 500,
}


def status_of(kind: type[VitrineError]) -> int:
    """The HTTP status of an error class: that of the first listed class in its method resolution order, else 500."""
    return next((HTTP_STATUS[base] for base in kind.__mro__ if base in HTTP_STATUS), 500)
