"""The bundle contract: what the export side promises the serving side, and how both name the files.

bundles/<version>/manifest.json  index.hnsw  catalog.sqlite  projection.npy  words.npz
models/<fingerprint>/...         see handler/model_files.py
current.json
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, StringConstraints, ValidationError

from handler.errors import BundleCorrupt, BundleIncompatible
from handler.file_ref import Contract, FileRef, Name, Sha256, files_digest
from handler.model_files import ModelRef

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

SCHEMA_VERSION: Final = 2
"""Version 1 knows no projection, only a square whitening, and refuses bundles of version 2."""
READABLE_SCHEMAS: Final = (1, 2)
MANIFEST_FILE = "manifest.json"
INDEX_FILE = "index.hnsw"
CATALOG_FILE = "catalog.sqlite"
PROJECTION_FILE = "projection.npy"
WHITENING_FILE = "whitening.npy"
"""The projection's name in bundles of schema version 1."""
WORDS_FILE = "words.npz"
BUNDLE_FILES: Final = frozenset({INDEX_FILE, CATALOG_FILE, PROJECTION_FILE, WHITENING_FILE, WORDS_FILE})
"""All that a manifest may list: a misspelt optional file must not pass for one that is absent."""
CURRENT_KEY = "current.json"

MAX_LABELS = 2**27
"""134 million products in a shop's life. A set of labels takes a byte for each: an absurd one would take all memory."""


class Recall(Contract):
    """Share of the true k nearest neighbors that the index found when it was built."""

    k: int = Field(gt=0)
    queries: int = Field(gt=0)
    value: float = Field(ge=0, le=1)


class QuickSearch(Contract):
    """A search that keeps fewer candidates, and the queries that it answers as well as a full one."""

    ef: int = Field(gt=0, description="candidates kept while searching")
    cosine: float = Field(ge=-1, le=1, description="of query and last of `recall.k` neighbors found: the least")


class IndexInfo(Contract):
    """hnswlib saves neither its space nor `ef`: the loader has to be told."""

    space: Literal["ip"] = "ip"
    dim: int = Field(gt=0)
    count: int = Field(gt=0)
    m: int = Field(gt=1, le=256, description="M: links that a vector gets on each layer")
    ef_construction: int = Field(gt=0)
    ef: int = Field(gt=0, description="candidates kept while searching")
    recall: Recall
    quick: QuickSearch | None = None


FieldKind = Literal["keyword", "number", "boolean"]
Tokenizer = Literal["unicode61", "porter"]


class FieldInfo(Contract):
    """A catalog field that filters can use."""

    name: str
    kind: FieldKind
    values: tuple[str, ...] | None = Field(default=None, description="all values of a keyword field that has few")
    minimum: float | None = None
    maximum: float | None = None


class CatalogInfo(Contract):
    count: int = Field(gt=0)
    next_label: int = Field(gt=0, le=MAX_LABELS, description="the label that the next new product gets")
    fields: tuple[FieldInfo, ...] = ()
    tokenizer: Tokenizer | None = Field(
        default=None, description="of the text index; None in a bundle that was written before there was text search"
    )


class CollectionRef(Contract):
    """A Milvus collection. The bundle's catalog file then only records which labels were handed out."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][0-9A-Za-z_]{0,95}$")]
    retired: int = Field(ge=0, description="products that left the catalog; they have a collection of their own")


class Manifest(Contract):
    """`manifest.json`: the bundle's table of contents, written when all else is in place."""

    schema_version: Literal[1, 2] = SCHEMA_VERSION
    version: Name
    created_at: datetime
    contents: Sha256 = Field(description="over all that decides what is served; equal for a re-index of the same")
    model: ModelRef
    index: IndexInfo
    catalog: CatalogInfo
    files: dict[Name, FileRef]
    collection: CollectionRef | None = Field(
        default=None, description="where the index and the products are served from instead of files"
    )

    def model_post_init(self, _context: Any) -> None:
        if self.index.dim != self.model.dim and PROJECTION_FILE not in self.files:
            raise ValueError(
                f"index has {self.index.dim} dimensions, the model {self.model.dim}, and there is no {PROJECTION_FILE}"
            )
        if {PROJECTION_FILE, WHITENING_FILE} <= self.files.keys():
            raise ValueError(f"{PROJECTION_FILE} and {WHITENING_FILE} are both listed under files")
        if self.index.count != self.catalog.count:
            raise ValueError(f"index has {self.index.count} vectors, the catalog {self.catalog.count} products")
        needed = {CATALOG_FILE} if self.collection else {INDEX_FILE, CATALOG_FILE}
        _check_names(self.files, BUNDLE_FILES, needed)

    @property
    def projection_file(self) -> str | None:
        """The name of the file that maps the encoder's vectors to the index's; None if they are the same."""
        return next((name for name in (PROJECTION_FILE, WHITENING_FILE) if name in self.files), None)

    @property
    def vector_space(self) -> str:
        """The identity of the space that the index's vectors live in: encoder and projection, 32 hex digits.

        Bundles of the same vector space share sessions. Without a projection it equals `model.fingerprint`. The
        projection counts under one name, so that sessions survive a re-index that rewrites `whitening.npy`.
        """
        files = dict(self.model.files)
        if self.projection_file is not None:
            files[WHITENING_FILE] = self.files[self.projection_file]
        return files_digest(files)

    @classmethod
    def parse(cls, data: bytes, version: str, sha256: str | None = None) -> Manifest:
        """Parse the manifest of `version`, which must have the digest `sha256` if one is given.

        Raises BundleIncompatible for another schema version, BundleCorrupt for any other defect.
        """
        found = manifest_digest(data)
        if sha256 not in (None, found):
            raise BundleCorrupt(
                f"{MANIFEST_FILE} of bundle {version} has SHA-256 {found[:12]}; {CURRENT_KEY} names {sha256[:12]}.",
                value=found,
                limit=sha256,
                remedy="Publish the bundle again, or roll back to an older one.",
            )
        try:
            schema = _SchemaVersion.model_validate_json(data).schema_version
            if schema not in READABLE_SCHEMAS:
                raise BundleIncompatible(
                    f"Bundle {version} has schema version {schema}; this Vitrine reads up to {SCHEMA_VERSION}.",
                    value=schema,
                    limit=SCHEMA_VERSION,
                    remedy="Index again with this version, or run the one that wrote it.",
                )
            manifest = cls.model_validate_json(data)
        except ValidationError as error:
            raise BundleCorrupt(f"{MANIFEST_FILE} of bundle {version} is not valid: {error}") from error
        if manifest.version != version:
            raise BundleCorrupt(f"{MANIFEST_FILE} of bundle {version} says it is {manifest.version}.")
        return manifest


class _SchemaVersion(BaseModel):
    schema_version: int


def manifest_digest(data: bytes) -> str:
    """The SHA-256 of a manifest's bytes, as the pointer carries it."""
    return hashlib.sha256(data).hexdigest()


def bundle_key(version: str, name: str) -> str:
    return f"bundles/{version}/{name}"


def _check_names(files: Mapping[str, FileRef], known: AbstractSet[str], required: AbstractSet[str]) -> None:
    if unknown := files.keys() - known:
        raise ValueError(f"files lists {', '.join(sorted(unknown))}; this Vitrine knows {', '.join(sorted(known))}")
    if missing := required - files.keys():
        raise ValueError(f"files must list {', '.join(sorted(missing))}")
