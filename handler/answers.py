"""A shopper's answer, from the ids a client sends to the labels a session keeps; checked on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handler.errors import ContradictoryAnswer, NotShown, UnknownAnswer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handler.products.catalog import Catalog
    from handler.sessions.state import SessionState

_REMEDY = "Answer with the ids of the items that were shown."


def read_answer(
    liked: Sequence[str], disliked: Sequence[str], state: SessionState, catalog: Catalog
) -> tuple[list[int], list[int]]:
    """The labels liked and disliked.

    Raises UnknownAnswer for an id that no product has or had, NotShown for a product this session never showed, and
    ContradictoryAnswer for one that would be both liked and disliked, earlier answers included.
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
                    f"Product {product_id!r} would be both liked and disliked.",
                    field=field,
                    value=product_id,
                    remedy="Send it in one of the two lists; take an earlier answer back with /v1/sessions/undo.",
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
            f"Product {product_id!r} was never shown in this session.",
            field=field,
            value=product_id,
            remedy=_REMEDY,
        )
