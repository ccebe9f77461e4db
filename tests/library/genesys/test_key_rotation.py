"""The rotation of a managed sender's key: who calls whom, and what the function may do."""

import aws_cdk as cdk
import pytest

from genesys_firehose_cdk import EventSubscriptionProps, GenesysFirehosePipeline, SignatureProps, WebhookProps
from genesys_firehose_cdk.common.hmac_key import KEY_KNOWN_AFTER
from ingest.signing_keys import CACHE_SECONDS
from tests.library.acknowledgement_checks import unacknowledged, unneeded
from tests.library.synthesis import Template, as_list, flat, new_stack, statements, template_of
from tests.library.test_every_property import genesys


def _pipeline(stack: cdk.Stack) -> GenesysFirehosePipeline:
    return GenesysFirehosePipeline(
        stack,
        "Pipeline",
        webhook=WebhookProps(signature=SignatureProps.shared_key(rotation=cdk.Duration.days(90))),
        genesys=genesys(stack, subscription=EventSubscriptionProps()),
    )


@pytest.fixture(scope="module")
def template() -> Template:
    stack = new_stack()
    _pipeline(stack)
    return template_of(stack)


def test_secrets_manager_rotates_every_90_days_and_not_with_the_deployment(template: Template) -> None:
    schedule = template.properties("AWS::SecretsManager::RotationSchedule")
    assert schedule["RotationRules"] == {"AutomaticallyAfterDays": 90}
    assert schedule["RotateImmediatelyOnUpdate"] is False


def test_only_secrets_manager_may_call_the_function_and_only_for_this_secret(template: Template) -> None:
    [permission] = [
        each["Properties"]
        for each in template.resources("AWS::Lambda::Permission").values()
        if each["Properties"]["Principal"] == "secretsmanager.amazonaws.com"
    ]
    schedule = template.properties("AWS::SecretsManager::RotationSchedule")
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert permission["SourceArn"] == schedule["SecretId"]


def test_the_function_may_rotate_this_secret_and_call_two_functions(template: Template) -> None:
    policy = template.properties("AWS::IAM::ManagedPolicy", "KeyRotation/Function/Policy")["PolicyDocument"]
    allowed = {sid: set(as_list(each["Action"])) for sid, each in statements(policy).items()}
    assert allowed == {
        "Logs": {"logs:CreateLogStream", "logs:PutLogEvents"},
        "Tracing": {"xray:PutTraceSegments", "xray:PutTelemetryRecords"},
        "ReadHmacKey": {"secretsmanager:GetSecretValue"},
        "DecryptHmacKey": {"kms:Decrypt"},
        "RotateHmacKey": {
            "secretsmanager:DescribeSecret",
            "secretsmanager:PutSecretValue",
            "secretsmanager:UpdateSecretVersionStage",
        },
        "EncryptHmacKey": {"kms:GenerateDataKey"},
        "TellAndTry": {"lambda:InvokeFunction"},
    }
    called = sorted(flat(each) for each in as_list(statements(policy)["TellAndTry"]["Resource"]))
    assert len(called) == 2
    assert "PipelineIngestFunction" in called[0]
    assert "PipelineSubscriptionHandler" in called[1]


def test_a_key_is_given_to_the_sender_after_the_cache_of_every_environment_has_ended() -> None:
    assert KEY_KNOWN_AFTER.to_seconds() > CACHE_SECONDS


def test_without_a_rotation_there_is_none() -> None:
    stack = new_stack()
    pipeline = GenesysFirehosePipeline(stack, "Pipeline")
    assert pipeline.key_rotation is None
    assert not template_of(stack).resources("AWS::SecretsManager::RotationSchedule")


def test_the_five_packs_find_nothing_that_is_not_acknowledged_and_all_that_is() -> None:
    assert unacknowledged(_pipeline) == []
    assert unneeded(_pipeline) == set()
