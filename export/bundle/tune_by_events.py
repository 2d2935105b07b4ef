"""Tuning a bundle to what its shoppers chose, from a log of events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from export.bundle.event_log import read_event_log
from export.bundle.tune_bundle import TunableBundle, Tuning
from export.bundle.tune_to_choices import MAX_SESSIONS, MIN_SESSIONS, choices_of, fit_to_choices, try_choices
from export.store.versions import list_versions
from handler.errors import CatalogError

if TYPE_CHECKING:
    from pathlib import Path

    from rich.progress import Progress

    from export.bundle.event_log import EventLog
    from handler.stores.store import BundleStore


@dataclass(frozen=True)
class Evidence:
    """What a log of events gave."""

    sessions: int
    """Sessions with a choice: a like on a page after an earlier like."""
    choices: int
    broken: int
    """Lines that name themselves events and break the contract."""
    unknown: int
    """Products of the log that the catalog does not have."""


def tune_by_events(store: BundleStore, log: Path, progress: Progress) -> tuple[Tuning, Evidence]:
    """Tune the current bundle of `store` to the choices in a log of events, and publish it if the trial wins.

    Raises what `tune_by_field` raises, OSError, and CatalogError for a log of fewer than MIN_SESSIONS sessions or of
    another store.
    """
    events = read_event_log(log)
    current = TunableBundle(store)
    _check_bundles(events, store, log)
    row_of = {label: row for row, label in enumerate(current.labels)}
    sessions = events.sessions
    if len(sessions) > MAX_SESSIONS:
        drawn = np.random.default_rng(0).choice(len(sessions), MAX_SESSIONS, replace=False)
        sessions = tuple(sessions[number] for number in drawn)
    choices = choices_of(sessions, row_of)
    logged = {label for pages in sessions for page in pages for label in (*page.shown, *page.liked)}
    found = len({choice.session for choice in choices})
    evidence = Evidence(found, len(choices), events.broken, len(logged - row_of.keys()))
    if found < MIN_SESSIONS:
        raise CatalogError(
            f"{log} has {found} sessions with a like on a page after an earlier like, of {len(events.sessions)}; it "
            f"takes {MIN_SESSIONS} to tune by. {events.broken} lines are damaged, {evidence.unknown} products unknown.",
            field="by_events",
            value=found,
            limit=MIN_SESSIONS,
            remedy="Pass the log of a longer time.",
        )
    trial = try_choices(current.vectors, choices)
    if not trial.wins:
        return Tuning(trial, None), evidence
    return Tuning(trial, current.publish(fit_to_choices(current.vectors, choices), progress)), evidence


def _check_bundles(events: EventLog, store: BundleStore, log: Path) -> None:
    """Labels mean products of their own store: a log of another one would tune to nonsense."""
    known = {version.name for version in list_versions(store)}
    if events.bundles and not events.bundles & known:
        raise CatalogError(
            f"{log} is from bundles that this store does not have, such as {min(events.bundles)}.",
            field="by_events",
            value=min(events.bundles),
            remedy="Pass a log of a shop that serves this store's bundles, written since the last `vitrine prune`.",
        )
