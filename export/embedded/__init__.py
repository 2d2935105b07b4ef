"""The encoder that comes with Vitrine; README.md says where it comes from."""

from pathlib import Path

EMBEDDED_ENCODER = Path(__file__).parent
