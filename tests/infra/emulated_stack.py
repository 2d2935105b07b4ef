"""The stack as CloudFormation creates it, in the emulator: what `sam deploy` does, without AWS."""

from __future__ import annotations

import copy
import json
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from infra.build_function import FUNCTIONS
from tests.infra.ministack import ROOT, build_function, zipped
from tests.infra.template import load, of_type

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from infra.build_function import Function
    from tests.infra.ministack import Ministack

SAM_PYTHON = ROOT / "build" / "sam" / "bin" / "python"
CODE_BUCKET = "artifacts"
REINDEX_STEPS = ("PlanFunction", "EmbedFunction", "BuildFunction", "PruneFunction")

DROPPED_TYPES = {
    "AWS::CodeDeploy::Application": "the emulator has no CodeDeploy: an alias moves all its traffic at once",
    "AWS::CodeDeploy::DeploymentGroup": "as above",
}
"""Resource types that the emulator refuses, with the reason."""

DROPPED_ATTRIBUTES = {
    "UpdatePolicy": "hands an alias to CodeDeploy, which is dropped",
}
"""Attributes of resources that name a dropped resource."""

REPLACED_ORIGINS = {
    "photos": "the emulator's CloudFront answers 502 for a bucket's hostname; it reaches the same bucket by its path",
    "api": "the emulator's CloudFront answers 502 for execute-api; it reaches the same API by its path",
}
"""Origins of the distribution that point at the emulator instead, with the reason."""


def expanded(code: str, parameters: Mapping[str, str], ministack: Ministack) -> dict[str, Any]:
    """template.yaml as the emulator takes it: expanded by SAM, less what the lists above name."""
    command = [str(SAM_PYTHON), "infra/expand_template.py", f"code=s3://{CODE_BUCKET}/{code}"]
    command += [f"{name}={value}" for name, value in parameters.items()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return adapted(json.loads(done.stdout), ministack)


def adapted(template: dict[str, Any], ministack: Ministack) -> dict[str, Any]:
    """Drop and replace what the lists name. Raises AssertionError for an entry that matches nothing any more."""
    template = copy.deepcopy(template)
    resources: dict[str, Any] = template["Resources"]
    found = {resource["Type"] for resource in resources.values()}
    assert set(DROPPED_TYPES) <= found, f"No longer in the template: {set(DROPPED_TYPES) - found}"
    for name in list(resources):
        if resources[name]["Type"] in DROPPED_TYPES:
            del resources[name]
    for resource in resources.values():
        for attribute in DROPPED_ATTRIBUTES:
            resource.pop(attribute, None)
    port = int(ministack.endpoint.rpartition(":")[2])
    paths = {"photos": {"Fn::Sub": "/${Bucket}"}, "api": {"Fn::Sub": "/_aws/execute-api/${Api}/$default"}}
    for origin in resources["Distribution"]["Properties"]["DistributionConfig"]["Origins"]:
        assert origin["Id"] in REPLACED_ORIGINS
        origin |= {"DomainName": "127.0.0.1", "OriginPath": paths[origin["Id"]]}
        for key in ("S3OriginConfig", "OriginAccessControlId"):
            origin.pop(key, None)
        origin["CustomOriginConfig"] = {"OriginProtocolPolicy": "http-only", "HTTPPort": port}
    return template


def upload_code(ministack: Ministack, directory: Path, code: str, more: Mapping[str, str] | None = None) -> None:
    """Build every function of template.yaml into `directory` and put its zip where `expanded` looks for it.

    The steps of the re-index have one artifact. `more` are texts by file name that are added to it.
    """
    s3 = ministack.client("s3")
    s3.create_bucket(Bucket=CODE_BUCKET)
    zips: dict[Function | None, bytes] = {}
    for name in of_type(load(), "AWS::Serverless::Function"):
        kind = FUNCTIONS.get(name)
        if kind not in zips:
            built = directory / name if (directory / name).is_dir() else build_function(name, directory)
            for file, text in (more or {}).items() if name in REINDEX_STEPS else ():
                (built / file).write_text(text)
            zips[kind] = zipped(built)
        s3.put_object(Bucket=CODE_BUCKET, Key=f"{code}/{name}.zip", Body=zips[kind])


@dataclass(frozen=True)
class Stack:
    """A stack in the emulator, by name."""

    ministack: Ministack
    name: str

    def deploy(self, template: dict[str, Any], parameters: Mapping[str, str] | None = None) -> str:
        """Create or update the stack; the status that CloudFormation ends with, e.g. UPDATE_ROLLBACK_COMPLETE."""
        client = self.ministack.client("cloudformation")
        key = f"{self.name}.json"
        s3 = self.ministack.client("s3")  # a template above 51,200 bytes has to come from S3
        s3.put_object(Bucket=CODE_BUCKET, Key=key, Body=json.dumps(template).encode())
        action = client.update_stack if self.status() else client.create_stack
        action(
            StackName=self.name,
            TemplateURL=f"{self.ministack.endpoint}/{CODE_BUCKET}/{key}",
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in (parameters or {}).items()],
        )
        return self.wait()

    def wait(self) -> str:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            status = self.status()
            if not status.endswith("_IN_PROGRESS"):
                return status
            time.sleep(0.2)
        raise AssertionError(f"{self.name} is still {self.status()} after 300 s: {self.failures()}")

    def status(self) -> str:
        """ "" where there is no such stack, or it was deleted."""
        client = self.ministack.client("cloudformation")
        try:
            (found,) = client.describe_stacks(StackName=self.name)["Stacks"]
        except client.exceptions.ClientError:
            return ""
        status: str = found["StackStatus"]
        return "" if status == "DELETE_COMPLETE" else status

    def failures(self) -> list[str]:
        """What went wrong, resource by resource."""
        client = self.ministack.client("cloudformation")
        events = client.describe_stack_events(StackName=self.name)["StackEvents"]
        return [
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"
            for event in events
            if event["ResourceStatus"].endswith("_FAILED")
        ]

    def resource(self, logical_id: str) -> str:
        """The physical name of a resource."""
        client = self.ministack.client("cloudformation")
        detail = client.describe_stack_resource(StackName=self.name, LogicalResourceId=logical_id)
        physical: str = detail["StackResourceDetail"]["PhysicalResourceId"]
        return physical

    def outputs(self) -> dict[str, str]:
        client = self.ministack.client("cloudformation")
        (found,) = client.describe_stacks(StackName=self.name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}

    def delete(self) -> str:
        self.ministack.client("cloudformation").delete_stack(StackName=self.name)
        return self.wait()

    def through_cloudfront(self, path: str, body: object = None) -> Answer:
        """A browser's request to the distribution, over what the emulator takes for HTTPS."""
        domain = self.outputs()["Step3Open"].removeprefix("https://").rstrip("/")
        return _request(self.ministack.endpoint, domain, path, body)

    def past_cloudfront(self, path: str, body: object = None) -> Answer:
        """A request straight to the gateway's own hostname."""
        port = self.ministack.endpoint.rpartition(":")[2]
        return _request(self.ministack.endpoint, f"{self.resource('Api')}.execute-api.localhost:{port}", path, body)

    def upload(self, photos: Path) -> None:
        """What the output Step1UploadPhotos says to do."""
        s3, bucket = self.ministack.client("s3"), self.resource("Bucket")
        for path in photos.rglob("*.*"):
            s3.upload_file(str(path), bucket, f"catalog/{path.relative_to(photos)}")

    def index(self) -> None:
        """What the output Step2Index says to do, and waiting for it."""
        execution = self.reindex()
        assert execution.output["build"]["status"] == "published", execution.output

    def start_reindex(self, event: object = None) -> str:
        """Start the state machine, as the schedule does; the execution's ARN."""
        client = self.ministack.client("stepfunctions")
        started = client.start_execution(stateMachineArn=self.resource("Reindex"), input=json.dumps(event or {}))
        arn: str = started["executionArn"]
        return arn

    def reindex(self, event: object = None, *, status: str = "SUCCEEDED") -> Execution:
        """Run the state machine to its end, which has to be `status`."""
        return self.finished(self.start_reindex(event), status=status)

    def finished(self, arn: str, *, status: str = "SUCCEEDED") -> Execution:
        client = self.ministack.client("stepfunctions")
        deadline = time.monotonic() + 1_200
        while (found := client.describe_execution(executionArn=arn))["status"] == "RUNNING":
            assert time.monotonic() < deadline, "The execution still runs after 20 minutes."
            time.sleep(0.1)
        assert found["status"] == status, (found["status"], found.get("error"), found.get("cause"))
        runs = client.list_map_runs(executionArn=arn)["mapRuns"]
        details = [client.describe_map_run(mapRunArn=run["mapRunArn"]) for run in runs]
        counts = [
            {name: count for name, count in detail["itemCounts"].items() if count and name != "resultsWritten"}
            for detail in details
        ]
        reports = [
            json.loads(client.describe_execution(executionArn=child["executionArn"]).get("output") or "{}")
            for run in runs
            for child in client.list_executions(mapRunArn=run["mapRunArn"])["executions"]
        ]
        return Execution(json.loads(found.get("output") or "{}"), found.get("error"), counts, reports)

    def versions(self) -> tuple[list[str], str]:
        """The API function's published versions, and the one that the alias serves."""
        client, function = self.ministack.client("lambda"), self.resource("ApiFunction")
        found = [version["Version"] for version in client.list_versions_by_function(FunctionName=function)["Versions"]]
        served: str = client.get_alias(FunctionName=function, Name="live")["FunctionVersion"]
        return [version for version in found if version != "$LATEST"], served

    def invoke(self, logical_id: str, event: object) -> Any:
        """A function's answer. Raises AssertionError if it failed."""
        client = self.ministack.client("lambda")
        answer = client.invoke(FunctionName=self.resource(logical_id), Payload=json.dumps(event))
        text = answer["Payload"].read().decode()
        assert "FunctionError" not in answer, text
        return json.loads(text)


@dataclass(frozen=True)
class Execution:
    """One finished execution of the re-index's state machine."""

    output: Any
    error: str | None
    map_counts: list[dict[str, int]]
    """What each map run says of its items: `total`, `succeeded`, `failed`; those that are not 0."""
    parts: list[Any]
    """What the map's items reported."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def _request(endpoint: str, host: str, path: str, body: object) -> Answer:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Host": host, "X-Forwarded-Proto": "https", "Content-Type": "application/json"}
    request = urllib.request.Request(endpoint + quote(path), data, headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
            return Answer(answer.status, dict(answer.headers), answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, dict(error.headers), error.read())
