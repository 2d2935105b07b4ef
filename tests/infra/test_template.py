"""What neither cfn-lint nor checkov sees in the stack."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from export.reindex.settings import ReindexSettings
from handler.api.app import create_app
from handler.metrics import UNITS
from handler.runtime import Runtime
from handler.settings import Settings
from tests.infra.template import as_list, load, of_type, statements

TEMPLATE = load()
FUNCTIONS = of_type(TEMPLATE, "AWS::Serverless::Function")
ROLES = of_type(TEMPLATE, "AWS::IAM::Role")
XRAY = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}


def test_only_the_refusal_of_plain_http_speaks_of_everybody() -> None:
    policies = of_type(TEMPLATE, "AWS::S3::BucketPolicy")
    assert policies
    for policy in policies.values():
        for statement in policy["PolicyDocument"]["Statement"]:
            for found in [statement] if "Effect" in statement else [statement["If"][1]]:
                if "*" in str(found["Principal"]):
                    assert found["Effect"] == "Deny"
                    assert found["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
                else:
                    assert "AWS:SourceArn" in found["Condition"]["StringEquals"]


@pytest.mark.parametrize("role", ROLES)
def test_no_role_may_do_everything_or_to_everything(role: str) -> None:
    for statement in statements(TEMPLATE, role):
        actions = set(as_list(statement["Action"]))
        assert statement["Effect"] == "Allow"
        assert not [action for action in actions if "*" in action]
        if statement["Resource"] == "*":
            assert actions <= XRAY or all(action.startswith("ec2:") for action in actions)
        for resource in as_list(statement["Resource"]):
            assert resource == "*" or {"Sub", "GetAtt", "Ref"} & resource.keys()
    assert not ROLES[role].get("ManagedPolicyArns")


def test_every_function_has_its_own_role() -> None:
    roles = [function["Role"]["GetAtt"] for function in FUNCTIONS.values()]
    assert len(set(roles)) == len(FUNCTIONS)
    for name, role in ROLES.items():
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        service = "scheduler" if name.endswith("ScheduleRole") else "states" if name == "ReindexRole" else "lambda"
        assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}
    assert not any("Policies" in function for function in FUNCTIONS.values())


def test_the_api_function_reads_bundles_and_nothing_else_of_the_bucket() -> None:
    of_s3 = [found for found in statements(TEMPLATE, "ApiRole") if "s3:" in str(found["Action"])]
    assert [(found["Action"], found["Resource"]) for found in of_s3] == [
        ("s3:GetObject", {"Sub": "${Bucket.Arn}/vitrine/*"})
    ]
    assert FUNCTIONS["ApiFunction"]["Environment"]["Variables"]["VITRINE_BUNDLES"] == {"Sub": "s3://${Bucket}/vitrine"}


def places(role: str, action: str) -> set[str]:
    """Below which keys of the bucket a role may do it."""
    found = [one for one in statements(TEMPLATE, role) if action in as_list(one["Action"])]
    return {place["Sub"].removeprefix("${Bucket.Arn}/") for one in found for place in as_list(one["Resource"])}


@pytest.mark.parametrize(
    ("role", "written"),
    [
        ("PlanRole", {"state/plans/*", "state/due.json"}),
        ("EmbedRole", {"state/plans/*", "state/vectors/*"}),
        ("BuildRole", {"vitrine/*", "state/due.json", "state/last-look.json"}),
        ("PruneRole", set()),
        ("ApiRole", set()),
    ],
)
def test_every_step_writes_only_what_is_its_own(role: str, written: set[str]) -> None:
    assert places(role, "s3:PutObject") == written


def test_only_prune_may_delete_and_neither_photos_nor_the_pointer() -> None:
    assert [role for role in ROLES if "s3:Delete" in json.dumps(ROLES[role])] == ["PruneRole"]
    assert places("PruneRole", "s3:DeleteObject") == {"vitrine/bundles/*", "vitrine/models/*", "state/vectors/*"}


def test_the_state_machine_may_call_the_functions_that_it_calls_and_no_others() -> None:
    machine = of_type(TEMPLATE, "AWS::Serverless::StateMachine")["Reindex"]
    called = set(re.findall(r'"GetAtt": "(\w+)\.Arn"', json.dumps(machine["Definition"])))
    (allowed,) = [one for one in statements(TEMPLATE, "ReindexRole") if one["Action"] == "lambda:InvokeFunction"]
    assert {f"{name}.Arn" for name in called} == {resource["GetAtt"] for resource in allowed["Resource"]}
    assert called == {"PlanFunction", "EmbedFunction", "BuildFunction", "PruneFunction"}
    (start,) = [one for one in statements(TEMPLATE, "ReindexRole") if one["Action"] == "states:StartExecution"]
    assert start["Resource"]["Sub"].endswith(f":stateMachine:{machine['Name']['Sub']}")


def test_every_retry_backs_off_with_jitter_and_failed_parts_are_tolerated_up_to_one_in_a_hundred() -> None:
    states = of_type(TEMPLATE, "AWS::Serverless::StateMachine")["Reindex"]["Definition"]["States"]
    embed = states["EmbedParts"]["ItemProcessor"]["States"]["Embed"]
    tasks = [*(state for state in states.values() if state["Type"] == "Task"), embed]
    for retry in (retry for task in tasks for retry in task["Retry"]):
        assert (retry["BackoffRate"] >= 2, retry["JitterStrategy"]) == (True, "FULL")
    assert embed["Retry"][0]["MaxAttempts"] >= 2  # a photo that kills its process is found by the second retry
    assert states["EmbedParts"]["ToleratedFailurePercentage"] == 1


def test_old_state_expires() -> None:
    (bucket,) = of_type(TEMPLATE, "AWS::S3::Bucket").values()
    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert (rules["finished-plans"]["Prefix"], rules["finished-plans"]["ExpirationInDays"]) == ("state/plans/", 2)
    assert rules["overwritten-state"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 2}
    assert not [rule for rule in rules.values() if "ExpirationInDays" in rule and rule["Id"] != "finished-plans"]


def test_only_the_api_function_can_be_reached_from_outside() -> None:
    """Re-index and rotation are started by AWS services alone: no path, no URL, no permission for anybody else."""
    for function in FUNCTIONS.values():
        assert "FunctionUrlConfig" not in function
        assert "Events" not in function
    permissions = of_type(TEMPLATE, "AWS::Lambda::Permission")
    assert [(found["FunctionName"]["Ref"], found["Principal"]) for found in permissions.values()] == [
        ("ApiFunction.Alias", "apigateway.amazonaws.com"),
    ]
    integrations = of_type(TEMPLATE, "AWS::ApiGatewayV2::Integration")
    assert [found["IntegrationUri"] for found in integrations.values()] == [{"Ref": "ApiFunction.Alias"}]
    (route,) = of_type(TEMPLATE, "AWS::ApiGatewayV2::Route").values()
    assert route["RouteKey"] == "$default"
    assert all("SourceAccount" in found and "SourceArn" in found for found in permissions.values())


def test_the_gateway_throttles_and_leaves_cors_to_the_application() -> None:
    """Two places that answer preflights disagree sooner or later; the application also exposes its headers."""
    (api,) = of_type(TEMPLATE, "AWS::ApiGatewayV2::Api").values()
    assert "CorsConfiguration" not in api, "the gateway would answer preflights itself, and know less than the app"
    variables = TEMPLATE["Resources"]["ApiFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["VITRINE_CORS_ORIGINS"] == {"Ref": "CorsOrigins"}
    assert "*" not in str(TEMPLATE["Parameters"]["CorsOrigins"]["Default"])
    (stage,) = of_type(TEMPLATE, "AWS::ApiGatewayV2::Stage").values()
    assert stage["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": {"Ref": "ThrottlingRate"},
        "ThrottlingBurstLimit": {"Ref": "ThrottlingBurst"},
    }


def test_the_api_has_no_path_that_would_need_a_login(settings: Settings) -> None:
    """The gateway lets everybody in, so a path that changes or tells more than a shopper may is a hole."""
    paths = create_app(Runtime(settings)).openapi()["paths"]
    public = r"/v1/(sessions(/next|/undo|/show)?|search/(image|text)|items/\{product_id\}(/similar)?|health|bundle)"
    assert not [path for path in paths if not re.fullmatch(public, path)]
    assert {method for path in paths.values() for method in path} <= {"get", "post"}


def test_the_functions_are_given_only_settings_that_they_have() -> None:
    steps = ("PlanFunction", "EmbedFunction", "BuildFunction", "PruneFunction")
    known: dict[str, type[Settings | ReindexSettings]] = {
        "ApiFunction": Settings,
        **dict.fromkeys(steps, ReindexSettings),
    }
    for name, settings in known.items():
        given = {key for key in FUNCTIONS[name]["Environment"]["Variables"] if key.startswith("VITRINE_")}
        assert given <= {f"VITRINE_{field.upper()}" for field in settings.model_fields}
        assert "SIGNING_KEYS" not in given  # a key in a variable is a key in every console
    api: dict[str, Any] = FUNCTIONS["ApiFunction"]["Environment"]["Variables"]
    assert "VITRINE_SIGNING_KEYS_PARAMETER" in api
    assert api["OPENBLAS_NUM_THREADS"] == "1"


def test_functions_that_ask_milvus_can_reach_it_and_read_its_token_at_run_time() -> None:
    for name in ("Api", "Build", "Prune"):
        function, role = FUNCTIONS[f"{name}Function"], TEMPLATE["Resources"][f"{name}Role"]["Properties"]
        given = function["Environment"]["Variables"]
        assert given["VITRINE_INDEX"]["If"][:2] == ["WithMilvus", {"Ref": "MilvusAddress"}]
        assert given["VITRINE_INDEX_TOKEN_SECRET"]["If"][0] == "WithMilvusToken"
        assert "VITRINE_INDEX_TOKEN" not in given  # a token in a variable is a token in every console
        assert function["VpcConfig"]["If"][0] == "WithVpc"
        statements = [one["If"] for one in role["Policies"][0]["PolicyDocument"]["Statement"] if "If" in one]
        allowed = {condition: statement["Action"] for condition, statement, _ in statements}
        assert allowed["WithMilvusToken"] == "secretsmanager:GetSecretValue"
        assert "ec2:CreateNetworkInterface" in allowed["WithVpc"]


def test_every_function_logs_to_a_group_that_forgets() -> None:
    groups = of_type(TEMPLATE, "AWS::Logs::LogGroup")
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups.values())
    for function in FUNCTIONS.values():
        assert function["LoggingConfig"]["LogGroup"]["Ref"] in groups


def test_every_alarm_notifies_and_the_dashboard_is_json() -> None:
    alarms = of_type(TEMPLATE, "AWS::CloudWatch::Alarm")
    assert len(alarms) >= 6
    assert all(alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}] for alarm in alarms.values())
    assert alarms["LookOverdueAlarm"]["TreatMissingData"] == "breaching"
    written = {alarm["MetricName"] for alarm in alarms.values() if alarm["Namespace"] == "Vitrine"}
    assert written == {"StaleSeconds", "PublishOverdueHours"} <= UNITS.keys()
    for dashboard in of_type(TEMPLATE, "AWS::CloudWatch::Dashboard").values():
        assert json.loads(dashboard["DashboardBody"]["Sub"])["widgets"]


def test_a_new_version_gets_its_traffic_step_by_step_and_the_old_one_is_deleted() -> None:
    function = FUNCTIONS["ApiFunction"]
    assert function["VersionDeletionPolicy"] == "Delete"
    alarms = function["DeploymentPreference"]["Alarms"]["If"]
    assert alarms[1] == [{"Ref": "ServerErrorsAlarm"}, {"Ref": "SlowAlarm"}]
    assert TEMPLATE["Parameters"]["Deployment"]["Default"] != "AllAtOnce"


def test_every_parameter_of_the_api_function_makes_a_new_version() -> None:
    """Or the alias keeps serving a version with the old value: SAM compares the template's text only."""
    function = dict(FUNCTIONS["ApiFunction"])
    described = set(re.findall(r"\$\{(\w+)\}", function.pop("VersionDescription")["Sub"]))
    rollout = {"DeploymentPreference"}  # how traffic moves, not what a version is
    text = json.dumps({key: value for key, value in function.items() if key not in rollout})
    used = {name for name in TEMPLATE["Parameters"] if f'"{name}"' in text or f"${{{name}}}" in text}
    conditions = {name for name, condition in TEMPLATE["Conditions"].items() if f'"{name}"' in text}
    used |= {
        name
        for name in TEMPLATE["Parameters"]
        for c in conditions
        if f'"{name}"' in json.dumps(TEMPLATE["Conditions"][c])
    }
    used |= {"Runtime", "Tracing"}  # Globals
    # They are too long to describe, so their description asks for another value of Milvus.
    used -= {"MilvusAddress", "MilvusTokenSecretArn", "SubnetIds", "SecurityGroupIds"}
    assert described == used
    longest = {"Runtime": 10, "CatalogSize": 7, "ApiMemory": 5, "SnapStart": 3, "Tracing": 11, "Strategy": 8}
    longest |= {"SessionTtlSeconds": 10, "CloudFront": 3, "ImageBaseUrl": 80, "CorsOrigins": 100, "Milvus": 8}
    assert sum(longest[name] + 1 for name in described) <= 256
    for name in ("ImageBaseUrl", "CorsOrigins", "Milvus"):
        assert TEMPLATE["Parameters"][name]["MaxLength"] == longest[name]


def test_nothing_that_costs_when_idle_is_on_by_default() -> None:
    defaults = {name: parameter["Default"] for name, parameter in TEMPLATE["Parameters"].items()}
    assert (defaults["SnapStart"], defaults["Tracing"], defaults["Dashboard"]) == ("off", "PassThrough", "off")
    assert defaults["CloudFront"] == "on"


def test_every_parameter_has_a_default_and_every_skip_a_reason() -> None:
    assert all("Default" in parameter for parameter in TEMPLATE["Parameters"].values())
    for resource in TEMPLATE["Resources"].values():
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", []):
            assert len(skip["comment"]) > 20
