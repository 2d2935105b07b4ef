"""Simulated shoppers as a source of event logs: sessions through the real API, and the lines that it logs."""

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING

import numpy as np

from export.bench.arms import REFERENCE
from export.bench.play import session
from export.bench.shop import LocalShop
from handler.logs import EVENTS, JsonLines

if TYPE_CHECKING:
    from pathlib import Path

    from export.bench.bench_catalog import BenchCatalog
    from export.bench.shoppers import Shopper

ROUNDS = 12
"""Pages after which a shopper leaves, target found or not."""


def log_sessions(log: Path, catalog: BenchCatalog, shopper: Shopper, count: int, seed: int = 0) -> None:
    """Write the events of `count` sessions with random targets to `log`, all in the reference arm."""
    shop = LocalShop(catalog.stores[REFERENCE.vectors], catalog.signing_key)
    targets = np.random.default_rng([seed, count]).integers(len(catalog.ids), size=count)
    logger = logging.getLogger(EVENTS)
    before = logger.level, logger.propagate
    handler = logging.FileHandler(log, "w", encoding="ascii")
    handler.setFormatter(JsonLines())
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        for number, target in enumerate(targets.tolist()):
            # The seed of a session is also its name in the log: no two sessions may share it.
            turns = session(shop, catalog, shopper, REFERENCE, target, seed=seed + 1_000_003 * (number + 1))
            next((turn for turn in itertools.islice(turns, ROUNDS) if turn.found), None)
    finally:
        logger.removeHandler(handler)
        handler.close()
        logger.setLevel(before[0])
        logger.propagate = before[1]
