"""Queues, table, secrets, keys and log groups: encrypted, closed, and kept when the stack goes."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager

from genesys_firehose_cdk import GenesysFirehosePipeline, HmacKey, SignatureProps, TransformProps, WebhookProps
from ingest.queue_consumer import LONGEST_RETRY_SECONDS
from tests.library.synthesis import Template, as_list, flat, new_stack, statements, synthesize, template_of

DATA_TYPES = [
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::SecretsManager::Secret",
]


@pytest.mark.parametrize("type_name", DATA_TYPES)
def test_whatever_holds_data_is_retained(default: Template, type_name: str) -> None:
    resources = default.resources(type_name)
    assert resources
    for logical_id, resource in resources.items():
        assert resource["DeletionPolicy"] == "RetainExceptOnCreate", logical_id
        assert resource["UpdateReplacePolicy"] == "Retain", logical_id


def test_a_failed_first_deployment_leaves_nothing_behind(default: Template, maximal: Template) -> None:
    for template in (default, maximal):
        for logical_id, resource in template.content["Resources"].items():
            # The maximal pipeline is given a key of the test's own.
            assert not logical_id.startswith("Pipeline") or resource.get("DeletionPolicy") != "Retain", logical_id


@pytest.mark.parametrize("type_name", DATA_TYPES)
def test_whatever_holds_data_goes_with_the_stack_when_told_so(type_name: str) -> None:
    for resource in synthesize(removal_policy=cdk.RemovalPolicy.DESTROY).resources(type_name).values():
        assert resource["DeletionPolicy"] == "Delete"


def test_every_key_that_encrypts_rotates(maximal: Template) -> None:
    keys = [key["Properties"] for key in maximal.resources("AWS::KMS::Key").values()]
    encrypting = [key for key in keys if key.get("KeyUsage") != "SIGN_VERIFY"]
    assert len(encrypting) == len(keys) - 1
    assert all(key["EnableKeyRotation"] is True for key in encrypting)


@pytest.mark.parametrize("queue", ["Buffer/Queue", "Buffer/DeadLetterQueue"])
def test_queue_is_encrypted_keeps_14_days_and_refuses_plain_http(default: Template, queue: str) -> None:
    properties = default.properties("AWS::SQS::Queue", queue)
    assert "OperationsKey" in flat(properties["KmsMasterKeyId"])
    assert properties["MessageRetentionPeriod"] == 14 * 24 * 3600
    [statement] = default.properties("AWS::SQS::QueuePolicy", f"{queue}/Policy")["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_message_is_hidden_six_times_as_long_as_its_consumer_runs_and_tried_for_five_days(default: Template) -> None:
    queue = default.properties("AWS::SQS::Queue", "Buffer/Queue")
    function = default.properties("AWS::Lambda::Function", "Ingest/Function")
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
    environment = function["Environment"]["Variables"]
    assert int(environment["RETRY_DELAY_SECONDS"]) == queue["VisibilityTimeout"]
    receives = queue["RedrivePolicy"]["maxReceiveCount"]
    assert receives <= 1000
    assert 5 <= receives * LONGEST_RETRY_SECONDS / 86_400 < 7
    assert "DeadLetterQueue" in flat(queue["RedrivePolicy"]["deadLetterTargetArn"])


def test_table_is_on_demand_recoverable_and_forgets_by_itself(default: Template) -> None:
    table = default.properties("AWS::DynamoDB::Table")
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["KeySchema"] == [{"AttributeName": "dedup_key", "KeyType": "HASH"}]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    # A failed first deployment could not remove a protected table.
    assert not table.get("DeletionProtectionEnabled")


@pytest.mark.parametrize("name", ["SigningKey", "TokenizationKey"])
def test_hmac_key_is_generated_with_64_characters_under_its_own_kms_key(default: Template, name: str) -> None:
    secret = default.properties("AWS::SecretsManager::Secret", f"{name}/Secret")
    assert secret["GenerateSecretString"] == {"PasswordLength": 64, "ExcludePunctuation": True}
    assert flat(secret["KmsKeyId"]).startswith(f"<Pipeline{name}")
    assert "SecretString" not in secret


def test_existing_secrets_are_read_with_the_rights_they_need() -> None:
    stack = new_stack()
    complete = secretsmanager.Secret.from_secret_attributes(
        stack,
        "Complete",
        secret_complete_arn="arn:aws:secretsmanager:eu-west-1:111122223333:secret:signing-AbCdEf",
        encryption_key=cdk.aws_kms.Key(stack, "Key"),
    )
    partial = secretsmanager.Secret.from_secret_name_v2(stack, "Partial", "tokenization")
    GenesysFirehosePipeline(
        stack,
        "Pipeline",
        webhook=WebhookProps(signature=SignatureProps(existing_secret=complete)),
        transform=TransformProps(existing_tokenization_secret=partial),
    )
    template = template_of(stack)
    assert template.resources("AWS::SecretsManager::Secret") == {}
    ingest = statements(template.properties("AWS::IAM::ManagedPolicy", "Ingest/Policy")["PolicyDocument"])
    assert ingest["ReadHmacKey"]["Resource"].endswith(":secret:signing-AbCdEf")
    assert "DecryptHmacKey" in ingest
    transform = statements(template.properties("AWS::IAM::ManagedPolicy", "Transform/Policy")["PolicyDocument"])
    assert flat(transform["ReadHmacKey"]["Resource"]).endswith(":secret:tokenization-??????")
    assert "DecryptHmacKey" not in transform


def test_the_senders_side_can_be_allowed_to_read_the_signing_key() -> None:
    stack = new_stack()
    key = HmacKey(stack, "SigningKey", description="signing")
    key.grant_read(iam.Role(stack, "Sender", assumed_by=iam.AccountRootPrincipal()))
    template = template_of(stack)
    policy = template.properties("AWS::IAM::Policy", "Sender/DefaultPolicy")["PolicyDocument"]
    actions = [action for statement in policy["Statement"] for action in as_list(statement["Action"])]
    assert set(actions) == {"secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"}
    key_statements = template.properties("AWS::KMS::Key")["KeyPolicy"]["Statement"]
    [decrypt] = [statement for statement in key_statements if "Sender" in str(statement["Principal"])]
    assert decrypt["Action"] == "kms:Decrypt"
    assert "kms:ViaService" in decrypt["Condition"]["StringEquals"]


def test_every_log_group_is_encrypted_and_expires(maximal: Template) -> None:
    groups = maximal.resources("AWS::Logs::LogGroup")
    assert groups
    for group in groups.values():
        assert "OperationsKey" in flat(group["Properties"]["KmsKeyId"])
        assert group["Properties"]["RetentionInDays"] == 365


def _key_policy(template: Template) -> dict[str, dict[str, Any]]:
    return statements(template.properties("AWS::KMS::Key", "OperationsKey/Key")["KeyPolicy"])


def test_services_may_use_the_operations_key_for_this_account(default: Template) -> None:
    policy = _key_policy(default)
    logs = policy["CloudWatchLogs"]
    assert {flat(name) for name in logs["Principal"]["Service"]} == {
        "logs.amazonaws.com",
        "logs.<AWS::Region>.amazonaws.com",
    }
    assert flat(logs["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]).endswith(
        ":logs:<AWS::Region>:<AWS::AccountId>:log-group:*"
    )
    alarms = policy["CloudWatchAlarms"]
    assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert alarms["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_eventbridge_may_use_the_operations_key_without_the_condition_it_does_not_support(default: Template) -> None:
    statement = _key_policy(default)["EventBridge"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert set(statement["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert "Condition" not in statement
