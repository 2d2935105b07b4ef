"""All errors that Vitrine raises on purpose.

    VitrineError
    ├── InvalidRequest            a request that is not valid
    │   ├── InvalidFilter         a filter with an unknown field or a value of the wrong kind
    │   ├── UnknownAnswer         an answer with an id that no product has or had
    │   ├── ContradictoryAnswer   the same product liked and disliked
    │   ├── NotShown              an answer about a product that this session has not shown
    │   ├── NothingToUndo         there is no answer to take back
    │   ├── NothingFound          no unseen product answers a search
    │   ├── BodyTooLarge          a request body above the size limit
    │   └── UnsupportedMediaType  a content type or encoding that the path does not accept
    ├── OriginForbidden           a request that did not come through the deployment's CDN
    ├── UnknownProduct            no product has this id
    ├── SessionError
    │   ├── SessionMalformed      not a token issued by this API
    │   ├── SessionTampered       an invalid signature
    │   ├── SessionExpired        older than the deployment allows
    │   ├── SessionModelChanged   its vectors belong to another vector space
    │   └── SessionFull           its token would be longer than a token may be
    ├── ImageError
    │   ├── ImageTooLarge         more bytes or pixels than the limit
    │   └── ImageUndecodable      an unsupported or broken image
    ├── TextSearchUnavailable     the bundle cannot be searched by words
    ├── PhotoSearchBusy           more photos at once than the process has room for
    ├── ConfigurationError        invalid environment variables or options
    ├── BundleError
    │   ├── BundleNotFound        nothing has been published here
    │   ├── BundleCorrupt         a file differs from the one in its manifest
    │   ├── BundleIncompatible    written by another version of Vitrine
    │   ├── CacheTooSmall         a bundle does not fit into the local cache
    │   ├── StoreUnavailable      the store that holds the bundles does not answer, or refuses
    │   └── IndexUnavailable      the server that holds the bundle's vectors and products does not answer
    ├── PublishConflict           another publisher was faster
    ├── CatalogError              a catalog that cannot be indexed as it stands
    ├── RecallTooLow              the index would lose too many neighbors
    └── ExportError
        ├── ModelUnavailable      the checkpoint is not available
        ├── ModelUnsupported      not an image encoder that can be exported
        ├── ParityTooLow          the ONNX file does not reproduce PyTorch's neighbors
        └── FineTuningUseless     held-out photos gained nothing from fine-tuning

An error carries the wrong value, the limit and the remedy where they apply. Exceptions of other libraries (Pillow,
onnxruntime, sqlite3, botocore) are translated where their function is called and nowhere else.
"""

from __future__ import annotations


class VitrineError(Exception):
    """Base of the tree. `code` is stable and meant for machines; the message is for people."""

    code = "internal"
    retry_after: int | None = None
    """Seconds after which the same request may succeed, where that can be told."""

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


class NothingFound(InvalidRequest):
    code = "nothing_found"


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


class SessionFull(SessionError):
    code = "session_full"


class ImageError(VitrineError):
    code = "image_invalid"


class ImageTooLarge(ImageError):
    code = "image_too_large"


class ImageUndecodable(ImageError):
    code = "image_undecodable"


class TextSearchUnavailable(VitrineError):
    code = "text_search_unavailable"


class PhotoSearchBusy(VitrineError):
    code = "photo_search_busy"
    retry_after = 2


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


class IndexUnavailable(BundleError):
    code = "index_unavailable"
    retry_after = 5


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


class FineTuningUseless(ExportError):
    code = "fine_tuning_useless"
