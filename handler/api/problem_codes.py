"""Every `code` that a problem document can carry over HTTP, and what it means to a client. A code never changes."""

from __future__ import annotations

from typing import Final

PROBLEM_CODES: Final = {
    "invalid_request": (422, "The body, a parameter or a form field is not what this path takes; `field` says which."),
    "invalid_filter": (422, "The filter names no field of the catalog, or compares it with the wrong kind."),
    "unknown_product": (422, "An answer to an id that no product has or had. As a 404: no product has the path's id."),
    "contradictory_answer": (422, "The same product liked and disliked, earlier answers included."),
    "not_shown": (422, "An answer to a product that this session never showed."),
    "nothing_to_undo": (409, "The session's first page has no answer before it."),
    "session_malformed": (400, "The session is no token of this API."),
    "session_tampered": (403, "The token was changed, or its signing key is no longer in use. Start a new session."),
    "session_expired": (410, "The token is older than the shop keeps sessions. Start a new session."),
    "session_model_changed": (409, "The shop changed its model; tastes do not carry over. Start a new session."),
    "image_too_large": (413, "The photo has more bytes or pixels than are read. Scale it down."),
    "image_undecodable": (422, "The photo is broken, or of a format that is not read."),
    "body_too_large": (413, "The whole request has more bytes than are read."),
    "unsupported_media_type": (415, "The path reads no body of this content type."),
    "not_found": (404, "There is no such path."),
    "method_not_allowed": (405, "The path does not take this method."),
    "bundle_not_found": (503, "The shop has published no catalog yet. Try again later."),
    "bundle_corrupt": (503, "A file of the catalog is not the one published. Try again later."),
    "bundle_incompatible": (503, "The catalog was written by another version. Try again later."),
    "configuration": (500, "The deployment's settings cannot work."),
    "internal": (500, "Something went wrong on the server's side. Try again later."),
}
"""code: (the status it mostly comes with, meaning)."""


def code_table() -> str:
    """The codes as a Markdown table."""
    rows = [f"| `{code}` | {status} | {meaning} |" for code, (status, meaning) in PROBLEM_CODES.items()]
    return "\n".join(["| code | status | meaning |", "|---|---|---|", *rows])
