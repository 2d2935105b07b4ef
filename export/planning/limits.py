"""Limits that decide which deployment fits, each with the setting that moves it."""

from __future__ import annotations

from dataclasses import dataclass

LAMBDA_MEMORY_MB = 10_240
LAMBDA_STORAGE_MB = 10_240
"""Of /tmp."""
LAMBDA_SECONDS = 900
LAMBDA_ARTIFACT_MB = 262
"""250 MiB, unzipped."""
LAMBDA_MIN_MEMORY_MB = 1_769
"""One full core, the template's default."""
GATEWAY_SECONDS = 30
"""Until an HTTP API answers 503; the API function has 29."""
GATEWAY_RATE = 10_000
"""Requests a second of an account and region (https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html)."""
THROTTLING_RATE = 50
"""The stack's default for ThrottlingRate, requests a second."""
LAMBDA_CONCURRENCY = 1_000
"""Of an account and region, until AWS raises it."""
S3_VECTORS_AN_INDEX = 2_000_000_000


@dataclass(frozen=True)
class Limit:
    """What a deployment needs of something that is limited."""

    name: str
    needs: float
    at_most: float
    unit: str
    setting: str
    """What to change when it is reached."""

    @property
    def holds(self) -> bool:
        return self.needs <= self.at_most

    def __str__(self) -> str:
        return f"{self.name}: {_short(self.needs)} of {_short(self.at_most)} {self.unit}"


def _short(number: float) -> str:
    """At most three digits after the point, and none from 100 on."""
    return f"{number:,.0f}" if number >= 100 else f"{number:,.3g}"
