"""The token of a Milvus server: out of the environment, and read when it is needed."""

from __future__ import annotations

import boto3
import pytest

from handler.errors import ConfigurationError
from handler.milvus.server_token import server_token
from tests.s3_servers import use


def test_the_token_of_a_setting_is_taken_as_it_is() -> None:
    assert server_token("root:Milvus", None)() == "root:Milvus"


def test_the_token_of_a_secret_is_read_and_trimmed(moto_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use(moto_endpoint, monkeypatch)
    secret = boto3.client("secretsmanager").create_secret(Name="milvus", SecretString="shop:s3cret\n")["ARN"]
    assert server_token("", secret)() == "shop:s3cret"


def test_a_secret_that_cannot_be_read_is_named_with_the_remedy(
    moto_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(moto_endpoint, monkeypatch)
    read = server_token("", "arn:aws:secretsmanager:us-east-1:123456789012:secret:none")
    with pytest.raises(ConfigurationError, match=r"secret:none.*Grant .* secretsmanager:GetSecretValue"):
        read()
