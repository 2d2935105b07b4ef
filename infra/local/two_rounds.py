"""What `scripts/sam-local` plays: a bundle into a real S3 server, then two rounds through `sam local invoke`.

Every invocation is a cold start: SAM makes a new container for each. The second round sends the token of the first, so
it also shows that nothing but the token carries a session from one environment to the next.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import boto3
from moto.server import ThreadedMotoServer
from rich.progress import Progress

from export.index_catalog import index_catalog
from export.read_catalog import read_catalog
from handler.open_store import open_store
from tests import s3_servers
from tests.conftest import draw_photos
from tests.handler.support import event
from tests.tiny_encoder import write_tiny_encoder

BUILT = Path(".aws-sam/build/template.yaml")
BUCKET = "vitrine-local"


def main() -> None:
    options = parse_options()
    with tempfile.TemporaryDirectory() as folder, s3_servers.seaweed(Path(folder), options.host) as s3:
        os.environ.update(s3_servers.environment(s3))
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        publish(f"s3://{BUCKET}/vitrine", Path(folder))
        secrets = ThreadedMotoServer(options.host, 0, verbose=False)
        secrets.start()
        try:
            play(options, point_at(s3, "http://{}:{}".format(*secrets.get_host_and_port())))
        finally:
            secrets.stop()


def publish(bundles: str, folder: Path) -> None:
    photos = draw_photos(folder / "photos")
    source = read_catalog(photos / "catalogue.jsonl")
    encoder = write_tiny_encoder(folder / "encoder")
    index_catalog(source, open_store(bundles), encoder, folder / "embeddings.sqlite", Progress(disable=True))


def point_at(s3: str, secrets: str) -> dict[str, str]:
    """Variables of the function for these servers, with a signing key as the stack would make it."""
    client = boto3.client("secretsmanager", endpoint_url=secrets)
    arn = client.create_secret(Name="signing-keys", SecretString=os.urandom(32).hex())["ARN"]
    return {
        **{key: value for key, value in os.environ.items() if key in s3_servers.environment(s3)},
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": secrets,
        "VITRINE_BUNDLES": f"s3://{BUCKET}/vitrine",
        "VITRINE_SIGNING_KEYS_SECRET": arn,
    }


def play(options: argparse.Namespace, variables: dict[str, str]) -> None:
    command = [options.sam_python, "infra/local/local_template.py", str(BUILT)]
    subprocess.run([*command, *(f"{key}={value}" for key, value in variables.items())], check=True)
    first = invoke(options, "first page, cold", event("start_session"))
    liked = [item["id"] for item in first["items"][:2]]
    second = invoke(options, "second round", event("next_page", {"session": first["session"], "liked": liked}))
    shown = [item["id"] for page in (first, second) for item in page["items"]]
    expect(len(first["items"]) == len(second["items"]) == 10, "each page has ten products")
    expect(len(set(shown)) == len(shown), "no product is shown twice")
    expect((first["round"], second["round"]) == (1, 2), "the token carries the round")
    similar = [item for item in second["items"] if item["reason"] == "similar"]
    expect(len(similar) == 5 and all(set(item["because"]) <= set(liked) for item in similar), "five follow the likes")


def invoke(options: argparse.Namespace, title: str, gateway_event: dict[str, Any]) -> dict[str, Any]:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(gateway_event, file)
        file.flush()
        command = [options.sam, "local", "invoke", "ApiFunction", "--template", str(BUILT.with_name("local.yaml"))]
        # Credentials of this process would make SAM ask AWS about itself.
        environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        started = time.monotonic()
        done = subprocess.run(
            [
                *command,
                "--event",
                file.name,
                "--skip-pull-image",
                "--parameter-overrides",
                f"Runtime={options.runtime}",
            ],
            env={**environment, "AWS_DEFAULT_REGION": "us-east-1"},
            capture_output=True,
            text=True,
            check=False,
        )
    # `sam local invoke` exits with 0 when the function fails: only its answer tells.
    answer = json.loads(done.stdout.strip().splitlines()[-1]) if done.stdout.strip() else {}
    if answer.get("statusCode") != 200:
        sys.exit(f"sam-local: {title}: {done.stdout[-2000:]}\n{done.stderr[-6000:]}")
    report = next((line for line in done.stderr.splitlines() if line.startswith("REPORT")), "")
    page: dict[str, Any] = json.loads(answer["body"])
    print(f"{title}: 200, {time.monotonic() - started:.1f} s with its container; {' '.join(report.split()[3:])}")
    for item in page["items"]:
        print(f"  {item['id']:10} {item['reason']:8} {', '.join(item['because'])}")
    print(f"  round {page['round']}, {page['remaining']} remaining, token of {len(page['session'])} characters")
    return page


def expect(holds: bool, what: str) -> None:
    if not holds:
        sys.exit(f"sam-local: NOT so: {what}")
    print(f"so it is: {what}")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("host", "sam", "sam-python", "runtime"):
        parser.add_argument(f"--{name}", required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
