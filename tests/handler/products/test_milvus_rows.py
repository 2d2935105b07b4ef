"""The rows of a Milvus collection that a process keeps. No request is made: the rows are handed over."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.milvus import rows as module
from handler.milvus.client import Milvus
from handler.milvus.rows import Rows

KEPT = 5


class CountedId(str):
    """An id that counts how often it is hashed or compared."""

    __slots__ = ()
    looked_at = 0

    def __hash__(self) -> int:
        CountedId.looked_at += 1
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        CountedId.looked_at += 1
        return super().__eq__(other)


def empty() -> Rows:
    return Rows(Milvus("milvus+file:/never/opened.db"), "products")


def row(label: int, product_id: str) -> dict[str, Any]:
    return {"label": label, "id": product_id, "image": f"{label}.jpg", "fields": "{}", "vector": [1.0, 0.0]}


@given(st.lists(st.lists(st.integers(0, 12), max_size=4, unique=True)))
def test_ids_lead_to_the_rows_remembered_last_and_to_no_others(pages: list[list[int]]) -> None:
    rows = empty()
    order: dict[int, None] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ROWS_KEPT", KEPT)
        for page in pages:
            rows.remember(row(label, f"p/{label}") for label in page)
            for label in page:
                order.pop(label, None)
                order[label] = None
    kept = list(order)[-KEPT:]
    assert rows.with_ids([*(f"p/{label}" for label in range(13)), "unknown"]) == {f"p/{label}": label for label in kept}
    rows.forget()
    assert rows.with_ids(f"p/{label}" for label in range(13)) == {}


def test_looking_up_an_id_looks_at_no_other_ids() -> None:
    """A round looks up the ids of its answer, and a process keeps thousands of rows."""
    rows = empty()
    rows.remember(row(label, CountedId(f"p/{label}")) for label in range(1_000))
    CountedId.looked_at = 0
    assert rows.with_ids(["p/17"]) == {"p/17": 17}
    assert CountedId.looked_at < 10
