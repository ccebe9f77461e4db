"""The deployment tries the delivery and says what it found, or what is wrong; with IAM evaluating every call."""

import json
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from genesys_firehose_tools.local.deployment import Deployment
from genesys_firehose_tools.local.pipeline import LocalPipeline, temporary_pipeline
from tests.e2e.test_least_privilege import Function, Role, allow_plain_http, name_secrets_by_arn

RESOURCE = "Custom::DeliveryVerification"
WAIT_SECONDS = "20"


@pytest.fixture(scope="module")
def pipeline(own_app: Path) -> Iterator[LocalPipeline]:
    with temporary_pipeline("verification", own_app) as pipeline:
        yield pipeline


class Verification:
    """The verification's stack, which can be made to run again as a change on the way makes it."""

    def __init__(self, deployment: Deployment) -> None:
        self._stack = f"{deployment.stack}-Verification"
        self._cloudformation = deployment.client("cloudformation")

    def status(self) -> str:
        [stack] = self._cloudformation.describe_stacks(StackName=self._stack)["Stacks"]
        return str(stack["StackStatus"])

    def outputs(self) -> dict[str, str]:
        [stack] = self._cloudformation.describe_stacks(StackName=self._stack)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def run_again(self) -> str:
        """Update the stack with another fingerprint and return how it ended."""
        template = self._cloudformation.get_template(StackName=self._stack, TemplateStage="Original")["TemplateBody"]
        [logical_id] = [name for name, each in template["Resources"].items() if each["Type"] == RESOURCE]
        text = json.dumps(template).replace(logical_id, f"Delivery{secrets.token_hex(8)}")
        text = re.sub(r'"WAIT_SECONDS": "\d+"', f'"WAIT_SECONDS": "{WAIT_SECONDS}"', text)
        self._cloudformation.update_stack(
            StackName=self._stack, TemplateBody=text, Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
        )
        while self.status().endswith("_IN_PROGRESS"):
            time.sleep(0.5)
        return self.status()

    def reason(self) -> str:
        """Why the last run failed, in the words of the stack's events."""
        events: list[dict[str, Any]] = self._cloudformation.describe_stack_events(StackName=self._stack)["StackEvents"]
        failures = [event for event in events if "FAILED" in event["ResourceStatus"]]
        return str(max(failures, key=lambda event: event["Timestamp"])["ResourceStatusReason"])


@pytest.fixture
def verification(deployment: Deployment) -> Verification:
    return Verification(deployment)


def set_faults(deployment: Deployment, **faults: float) -> None:
    answer = urllib3.request("PUT", f"{deployment.firehose_url}/_local/faults", json=faults)
    assert answer.status == 200, answer.data


def _name_log_groups(role: Role, sid: str) -> None:
    """Name a log group as the embedded AWS wants it, and AWS does not: by nothing but itself."""
    for statement in role.document["Statement"]:
        if statement["Sid"] == sid:
            arns = statement["Resource"]
            statement["Resource"] = [
                arn.partition(":log-stream:")[0].removesuffix(":*")
                for arn in ([arns] if isinstance(arns, str) else arns)
            ]
    role.grant(role.document)


def test_a_deployment_says_how_long_an_event_took_and_how_its_objects_are_locked_and_encrypted(
    deployment: Deployment, verification: Verification
) -> None:
    assert verification.status() == "CREATE_COMPLETE"
    outputs = verification.outputs()
    assert 0 <= int(outputs["Seconds"]) < 60
    keys = set()
    for layer in ("Raw", "Clean"):
        assert outputs[f"{layer}Retention"].startswith("GOVERNANCE until ")
        encryption, _, key = outputs[f"{layer}Encryption"].partition(" with ")
        assert encryption == "aws:kms"
        keys.add(key)
    assert len(keys) == 2
    assert deployment.verification.startswith(f"delivered in {outputs['Seconds']} s: raw/ GOVERNANCE until ")


def test_a_transform_function_that_fails_fails_the_verification_alone_and_is_named(
    deployment: Deployment, verification: Verification
) -> None:
    set_faults(deployment, processor_failure=1.0)
    try:
        assert verification.run_again() == "UPDATE_ROLLBACK_COMPLETE"
    finally:
        set_faults(deployment)
    reason = verification.reason()
    assert f"the delivery stream {deployment.stream} came under clean/ within {WAIT_SECONDS} s" in reason
    assert "Firehose logged Lambda.FunctionError: the transform function failed" in reason
    [stack] = deployment.client("cloudformation").describe_stacks(StackName=deployment.stack)["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"


def test_a_delivery_role_that_may_not_write_is_named_and_once_it_may_the_verification_passes(
    pipeline: LocalPipeline, verification: Verification
) -> None:
    deployment = pipeline.deployment
    allow_plain_http(deployment)
    name_secrets_by_arn(Function(deployment, "transform").role)
    _name_log_groups(Function(deployment, "verification").role, "ReadDeliveryLogs")
    description = deployment.client("firehose").describe_delivery_stream(DeliveryStreamName=deployment.stream)
    [destination] = description["DeliveryStreamDescription"]["Destinations"]
    role = Role.of_arn(deployment, destination["ExtendedS3DestinationDescription"]["RoleARN"])
    _name_log_groups(role, "Logs")
    # The local Firehose has taken on the role before IAM is evaluated, for its log, too: the test above saw to that.
    pipeline.aws.enforce_iam()
    with role.without("s3:PutObject"):
        assert verification.run_again() == "UPDATE_ROLLBACK_COMPLETE"
    reason = verification.reason()
    assert "came under raw/ and clean/ within" in reason
    assert "Firehose logged S3.AccessDenied: S3 denied the delivery role access" in reason
    assert verification.run_again() == "UPDATE_COMPLETE"
