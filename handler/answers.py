"""A shopper's answer: from the ids that a client sends to the labels that a session keeps, with checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handler.errors import ContradictoryAnswer, NotShown, UnknownAnswer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handler.products.engine import ProductCatalog
    from handler.sessions.state import SessionState

_REMEDY = "Answer with the ids of the items that were shown."


def read_answer(
    liked: Sequence[str], disliked: Sequence[str], state: SessionState, catalog: ProductCatalog
) -> tuple[list[int], list[int]]:
    """The labels liked and disliked.

    Raises UnknownAnswer for an id that no product has or had, NotShown for a product that this session has not shown,
    and ContradictoryAnswer for a product both liked and disliked, earlier answers included.
    """
    labels = catalog.labels_of([*liked, *disliked])
    for field, ids in (("liked", liked), ("disliked", disliked)):
        for product_id in ids:
            _check(field, product_id, labels, state)
    likes = [labels[product_id] for product_id in liked]
    dislikes = [labels[product_id] for product_id in disliked]
    for field, ids, against in (
        ("liked", liked, {*dislikes, *state.disliked}),
        ("disliked", disliked, {*likes, *state.liked}),
    ):
        for product_id in ids:
            if labels[product_id] in against:
                raise ContradictoryAnswer(
                    f"Product {product_id!r} is both liked and disliked.",
                    field=field,
                    value=product_id,
                    remedy="Send it in one list only, or take the earlier answer back with /v1/sessions/undo.",
                )
    return likes, dislikes


def _check(field: str, product_id: str, labels: dict[str, int], state: SessionState) -> None:
    if product_id not in labels:
        raise UnknownAnswer(
            f"No product has the id {product_id!r}.",
            field=field,
            value=product_id,
            remedy=_REMEDY,
        )
    if labels[product_id] not in state.shown:
        raise NotShown(
            f"This session has not shown product {product_id!r}.",
            field=field,
            value=product_id,
            remedy=_REMEDY,
        )
