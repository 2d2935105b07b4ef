"""What `scripts/sam-local` plays: photos into a real S3 server, a re-index and two rounds through `sam local invoke`.

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

from tests import s3_servers
from tests.conftest import draw_photos
from tests.handler.support import event

BUILT = Path(".aws-sam/build/template.yaml")
BUCKET = "vitrine-local"
KEYS = "/vitrine/local/signing-keys"


def main() -> None:
    options = parse_options()
    with tempfile.TemporaryDirectory() as folder, s3_servers.seaweed(Path(folder), options.host) as s3:
        os.environ.update(s3_servers.environment(s3))
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        upload(Path(folder) / "photos")
        parameters = ThreadedMotoServer(options.host, 0, verbose=False)
        parameters.start()
        try:
            play(options, point_at(s3, "http://{}:{}".format(*parameters.get_host_and_port())))
        finally:
            parameters.stop()


def upload(folder: Path) -> None:
    """80 photos and their manifest, where the stack's bucket has them."""
    for path in draw_photos(folder).rglob("*.*"):
        boto3.client("s3").upload_file(str(path), BUCKET, f"catalog/{path.relative_to(folder)}")


def point_at(s3: str, parameters: str) -> dict[str, str]:
    """Variables of the functions for these servers, with a signing key as the stack creates it."""
    client = boto3.client("ssm", endpoint_url=parameters)
    client.put_parameter(Name=KEYS, Value=os.urandom(32).hex(), Type="SecureString")
    return {
        **{key: value for key, value in os.environ.items() if key in s3_servers.environment(s3)},
        "AWS_ENDPOINT_URL_SSM": parameters,
        "VITRINE_BUNDLES": f"s3://{BUCKET}/vitrine",
        "VITRINE_CATALOG": f"s3://{BUCKET}/catalog",
        "VITRINE_STATE": f"s3://{BUCKET}/state",
        "VITRINE_SIGNING_KEYS_PARAMETER": KEYS,
        "VITRINE_ORIGIN_SECRETS": "",  # there is no CloudFront in front of `sam local`
        "VITRINE_ENCODER": "",  # `sam local` does not evaluate the template's condition
    }


def play(options: argparse.Namespace, variables: dict[str, str]) -> None:
    command = [options.sam_python, "infra/local/local_template.py", str(BUILT)]
    subprocess.run([*command, *(f"{key}={value}" for key, value in variables.items())], check=True)
    planned = invoke(options, "plan", "PlanFunction", {})
    expect(planned["status"] == "embed", "everything is to be embedded")
    invoke(options, "embed", "EmbedFunction", planned["part"])
    built = invoke(options, "build", "BuildFunction", planned)
    expect((built["status"], built["behind"]) == ("published", 0), f"a bundle is published: {json.dumps(built)}")
    first = page(options, "first page, cold", event("start_session"))
    liked = [item["id"] for item in first["items"][:2]]
    second = page(options, "second round, cold", event("next_page", {"session": first["session"], "liked": liked}))
    shown = [item["id"] for page in (first, second) for item in page["items"]]
    expect(len(first["items"]) == len(second["items"]) == 10, "each page has ten products")
    expect(len(set(shown)) == len(shown), "no product is shown twice")
    expect((first["round"], second["round"]) == (1, 2), "the token carries the round")
    similar = [item for item in second["items"] if item["reason"] == "similar"]
    expect(len(similar) == 5 and all(set(item["because"]) <= set(liked) for item in similar), "five follow the likes")


def page(options: argparse.Namespace, title: str, gateway_event: dict[str, Any]) -> dict[str, Any]:
    answer = invoke(options, title, "ApiFunction", gateway_event)
    if answer.get("statusCode") != 200:
        sys.exit(f"sam-local: {title}: {answer}")
    shown: dict[str, Any] = json.loads(answer["body"])
    for item in shown["items"]:
        print(f"  {item['id']:10} {item['reason']:8} {', '.join(item['because'])}")
    print(f"  round {shown['round']}, {shown['remaining']} remaining, token of {len(shown['session'])} characters")
    return shown


def invoke(options: argparse.Namespace, title: str, function: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The function's answer, from a container of its own."""
    command = [options.sam, "local", "invoke", function, "--template", str(BUILT.with_name("local.yaml"))]
    command += ["--event", "-", "--skip-pull-image", "--parameter-overrides", f"Runtime={options.runtime}"]
    # Credentials of this process would make SAM ask AWS about itself.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    environment["AWS_DEFAULT_REGION"] = "us-east-1"
    started = time.monotonic()
    done = subprocess.run(
        command, input=json.dumps(payload), env=environment, capture_output=True, text=True, check=False
    )
    # `sam local invoke` exits with 0 when the function fails: only its answer tells.
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1]) if done.stdout.strip() else {}
    if not answer or "errorMessage" in answer:
        sys.exit(f"sam-local: {title}: {done.stdout[-2000:]}\n{done.stderr[-6000:]}")
    report = next((line for line in done.stderr.splitlines() if line.startswith("REPORT")), "")
    print(f"{title}: {time.monotonic() - started:.1f} s with its container; {' '.join(report.split()[3:])}")
    return answer


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
