"""botocore with less data: the same clients of the services that are asked."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import botocore
import botocore.session
import pytest
from botocore.loaders import Loader

from infra.strip_packages import AWS_SERVICES, strip

if TYPE_CHECKING:
    from botocore.session import Session

WHOLE = Path(botocore.__file__).parent / "data"
REGIONS = ("us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1", "eu-west-9")


@pytest.fixture(scope="module")
def stripped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is left of the data of the services, of one more and of what they share."""
    packages = tmp_path_factory.mktemp("packages")
    data = packages / "botocore" / "data"
    data.mkdir(parents=True)
    for name in (*AWS_SERVICES, "sqs"):
        shutil.copytree(WHOLE / name, data / name)
    for path in WHOLE.glob("*.json"):
        shutil.copy(path, data)
    strip(packages)
    return data


def session(data: Path) -> Session:
    loader = Loader(extra_search_paths=[str(data)], include_default_search_paths=False)
    loader.BUILTIN_DATA_PATH = str(data)  # botocore treats its own data in another way than a user's
    session = botocore.session.Session()
    session.register_component("data_loader", loader)
    return session


def described(data: Path, service: str, region: str) -> dict[str, Any]:
    client: Any = session(data).create_client(
        service,  # type: ignore[call-overload]
        region_name=region,
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    model = client.meta.service_model
    facts: dict[str, Any] = {
        "endpoint": client.meta.endpoint_url,
        "signature": client.meta.config.signature_version,
        "errors": sorted(vars(client.exceptions)),
        "operations": {
            name: (
                operation.http,
                operation.input_shape and sorted(operation.input_shape.members),
                operation.output_shape and sorted(operation.output_shape.members),
            )
            for name in model.operation_names
            for operation in [model.operation_model(name)]
        },
    }
    if service == "s3":
        url = urlsplit(client.generate_presigned_url("get_object", Params={"Bucket": "shop", "Key": "current.json"}))
        facts["object"] = (url.scheme, url.netloc, url.path)
    return facts


@pytest.mark.parametrize("service", sorted(AWS_SERVICES))
def test_clients_are_the_same(stripped: Path, service: str) -> None:
    for region in REGIONS:
        assert described(stripped, service, region) == described(WHOLE, service, region)


def test_nothing_else_is_left(stripped: Path) -> None:
    assert {path.name for path in stripped.iterdir() if path.is_dir()} == AWS_SERVICES
    assert not [*stripped.rglob("*.gz"), *stripped.rglob("examples-1.json")]
    texts = [path.read_text() for path in stripped.rglob("*.json")]
    assert not [text for text in texts if re.search('"documentation(Url)?":"[^"]', text)]
    assert sum(map(len, texts)) < 1_200_000
