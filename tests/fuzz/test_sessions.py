"""The suite's share of the sessions across change; `scripts/play-sessions` plays thousands."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings

from tests.fuzz.sessions_machine import SessionsAcrossChange

TestSessionsAcrossChange = SessionsAcrossChange.TestCase
TestSessionsAcrossChange.settings = settings(
    max_examples=6,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # the command makes a failure small
    suppress_health_check=[HealthCheck.too_slow],
)
