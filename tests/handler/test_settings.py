"""Settings: one error names every variable that cannot be used, and no key ever shows in it."""

from __future__ import annotations

import pytest

from handler.errors import ConfigurationError
from handler.settings import Settings

KEY = "0123456789abcdef0123456789abcdef"
GOOD = {"VITRINE_BUNDLES": "/srv/bundles", "VITRINE_SIGNING_KEYS": KEY}


def test_two_variables_are_enough() -> None:
    settings = Settings.from_env({**GOOD, "PATH": "/bin", "AWS_REGION": "eu-central-1"})
    assert (settings.bundles, settings.signing_keys) == ("/srv/bundles", (KEY,))
    assert settings.session_ttl_seconds == 7 * 86_400
    assert (settings.cors_origins, settings.events) == ((), "on")


def test_every_variable_is_read() -> None:
    settings = Settings.from_env(
        {
            "VITRINE_BUNDLES": " bundles ",
            "VITRINE_SIGNING_KEYS": f"{KEY}-new, {KEY}-old ,",
            "VITRINE_SESSION_TTL_SECONDS": "600",
            "VITRINE_REFRESH_SECONDS": "0.5",
            "VITRINE_IMAGE_BASE_URL": "https://images.example",
            "VITRINE_CORS_ORIGINS": "https://shop.example, http://localhost:5173",
            "VITRINE_EVENTS": "off",
        }
    )
    assert settings.signing_keys == (f"{KEY}-new", f"{KEY}-old")
    assert (settings.bundles, settings.session_ttl_seconds, settings.refresh_seconds) == ("bundles", 600, 0.5)
    assert settings.image_base_url == "https://images.example"
    assert settings.cors_origins == ("https://shop.example", "http://localhost:5173")
    assert settings.events == "off"


def test_an_empty_variable_counts_as_not_set() -> None:
    """`sam local` passes one where the template leaves a variable out."""
    empty = {"VITRINE_INDEX": "", "VITRINE_INDEX_TOKEN_SECRET": "", "VITRINE_SIGNING_KEYS_PARAMETER": ""}
    assert Settings.from_env({**GOOD, **empty}) == Settings.from_env(GOOD)


def test_everything_wrong_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_env(
            {
                "VITRINE_SIGNING_KEYS": "short",
                "VITRINE_SESSION_TTL_SECONDS": "a week",
                "VITRINE_REFRESH_SECONDS": "-1",
                "VITRINE_BUNDELS": "/srv/bundles",
            }
        )
    message = str(caught.value)
    for name in ("BUNDLES", "SIGNING_KEYS", "SESSION_TTL_SECONDS", "REFRESH_SECONDS", "BUNDELS is not a setting"):
        assert f"VITRINE_{name}" in message
    assert "openssl rand" in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VITRINE_BUNDLES", "  "),
        ("VITRINE_SIGNING_KEYS", ""),
        ("VITRINE_SIGNING_KEYS", " , "),
        ("VITRINE_SIGNING_KEYS", f"{KEY},{KEY[:-1]}"),
        ("VITRINE_SESSION_TTL_SECONDS", "59"),
        ("VITRINE_SESSION_TTL_SECONDS", "1.5"),
        ("VITRINE_REFRESH_SECONDS", "nan"),
        ("VITRINE_EVENTS", "no"),
        ("VITRINE_CORS_ORIGINS", "https://shop.example/"),
        ("VITRINE_CORS_ORIGINS", "shop.example"),
        ("VITRINE_CORS_ORIGINS", "https://shop.example,null"),
        ("VITRINE_CORS_ORIGINS", "https://*.example"),
        ("VITRINE_TYPO", "1"),
    ],
)
def test_one_bad_variable_is_named_alone(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_env({**GOOD, name: value})
    assert name in caught.value.detail
    others = {"VITRINE_BUNDLES", "VITRINE_SIGNING_KEYS"} - {name}
    assert not any(other in caught.value.detail for other in others)


def test_keys_are_in_no_error_and_no_repr() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_env({**GOOD, "VITRINE_SIGNING_KEYS": f"{KEY},tooshortsecret"})
    assert "tooshortsecret" not in str(caught.value)
    assert KEY not in str(caught.value)
    assert KEY not in repr(Settings.from_env(GOOD))


def test_a_key_of_32_bytes_may_have_fewer_characters() -> None:
    assert Settings.from_env({**GOOD, "VITRINE_SIGNING_KEYS": "ü" * 16}).signing_keys == ("ü" * 16,)
