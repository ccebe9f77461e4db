"""The doctor names each planted fault, and reports nothing on a healthy pipeline; a smoke shows every way in."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import boto3
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template
from botocore.exceptions import ClientError

from app import PipelineStack
from environments import read_settings
from genesys_firehose_tools.commands.deployed import connect
from genesys_firehose_tools.lake_objects import unpack
from genesys_firehose_tools.local.deployment import Deployment
from genesys_firehose_tools.local.pipeline import LocalPipeline, temporary_pipeline
from genesys_firehose_tools.operations.deployed_resources import find_resources
from genesys_firehose_tools.operations.doctor.checks import CHECKS
from genesys_firehose_tools.operations.doctor.diagnosis import diagnose
from genesys_firehose_tools.operations.doctor.findings import Finding, State
from genesys_firehose_tools.operations.doctor.inspection import Inspection
from tests.e2e.conftest import eventually
from tests.e2e.test_commands import run
from tests.e2e.test_verification import set_faults
from tests.library.synthesis import ROOT

REPORTED = (State.WARNING, State.FAULT)
EVERYBODY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


@pytest.fixture(scope="module")
def pipeline(own_app: Path) -> Iterator[LocalPipeline]:
    with temporary_pipeline("doctor", own_app) as pipeline:
        yield pipeline


class Site:
    """The deployed pipeline, and the means to break it."""

    def __init__(self, pipeline: LocalPipeline) -> None:
        self.name = pipeline.aws.directory.name
        self.deployment = pipeline.deployment
        self.client = self.deployment.client
        _, self.pipeline = connect(None, None, None, None, self.name)
        self.resources = find_resources(self.client("cloudformation"), self.pipeline)
        described = self.client("firehose").describe_delivery_stream(DeliveryStreamName=self.deployment.stream)
        self.stream: dict[str, Any] = described["DeliveryStreamDescription"]
        self.destination: dict[str, Any] = self.stream["Destinations"][0]["ExtendedS3DestinationDescription"]
        self.role = self.destination["RoleARN"].rsplit("/", 1)[1]
        self.ingest = self.pipeline.output("IngestFunctionName")

    def physical_id(self, kind: str, beginning: str = "") -> str:
        resources = self.resources.of_type(kind)
        return next(each.physical_id for each in resources if each.logical_id.startswith(f"Pipeline{beginning}"))

    def findings(self, now: datetime | None = None) -> list[tuple[str, Finding]]:
        inspection = Inspection(self.deployment, self.pipeline, self.resources, is_local=True, now=now)
        return list(diagnose(inspection))

    def reported(self, now: datetime | None = None) -> dict[str, Finding]:
        return {name: finding for name, finding in self.findings(now) if finding.state in REPORTED}


@pytest.fixture(scope="module")
def site(pipeline: LocalPipeline) -> Site:
    return Site(pipeline)


def test_a_healthy_pipeline_has_no_report_and_ends_with_0(site: Site) -> None:
    completed = run("doctor", "--name", site.name, "--json")
    answer = json.loads(completed.stdout)
    assert [check for check in answer["checks"] if check["state"] in REPORTED] == []
    assert (completed.returncode, answer["state"]) == (0, "ok")
    assert {check["check"] for check in answer["checks"]} == {check.name for check in CHECKS}
    assert all(check["seen"] for check in answer["checks"])
    # What an embedded AWS does not have is not called ok.
    states = {check["check"]: check["state"] for check in answer["checks"]}
    for name in ("certificate", "dns", "alarm-subscribers", "allow-list"):
        assert states[name] == "not applicable"


def test_a_fault_is_named_in_a_table_of_80_columns_and_ends_with_1(site: Site) -> None:
    _, _, plant = FAULTS["versioning_is_suspended"]
    with plant(site):
        completed = run("doctor", "--name", site.name, COLUMNS="80")
    assert completed.returncode == 1
    assert max(map(len, completed.stdout.splitlines())) <= 80
    assert "bucket-versioning" in completed.stdout
    assert "1 fault, " in completed.stdout


Plant = Callable[[Site], AbstractContextManager[None]]
FAULTS: dict[str, tuple[set[str], str, Plant]] = {}


def fault(*checks: str, seen: str) -> Callable[[Callable[[Site], Iterator[None]]], None]:
    """Register a fault with the checks that must report it, and words that they must say."""

    def register(plant: Callable[[Site], Iterator[None]]) -> None:
        FAULTS[plant.__name__] = (set(checks), seen, contextmanager(plant))

    return register


@fault("delivery-role-trust", seen="does not trust firehose.amazonaws.com")
def the_role_trusts_another_service(site: Site) -> Iterator[None]:
    iam = site.client("iam")
    before = iam.get_role(RoleName=site.role)["Role"]["AssumeRolePolicyDocument"]
    after = json.dumps(before).replace("firehose.amazonaws.com", "lambda.amazonaws.com")
    iam.update_assume_role_policy(RoleName=site.role, PolicyDocument=after)
    yield
    iam.update_assume_role_policy(RoleName=site.role, PolicyDocument=json.dumps(before))


@fault("role-policies", seen="lacks the policy")
def a_policy_is_detached(site: Site) -> Iterator[None]:
    iam = site.client("iam")
    [policy] = iam.list_attached_role_policies(RoleName=site.role)["AttachedPolicies"]
    iam.detach_role_policy(RoleName=site.role, PolicyArn=policy["PolicyArn"])
    yield
    iam.attach_role_policy(RoleName=site.role, PolicyArn=policy["PolicyArn"])


@fault(
    "role-policies", seen="lacks Objects as the template has it (s3:AbortMultipartUpload, s3:GetObject, s3:PutObject)"
)
def an_action_is_taken_from_a_policy(site: Site) -> Iterator[None]:
    iam = site.client("iam")
    [policy] = iam.list_attached_role_policies(RoleName=site.role)["AttachedPolicies"]
    arn = policy["PolicyArn"]
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    before = json.dumps(document)
    [objects] = [statement for statement in document["Statement"] if statement["Sid"] == "Objects"]
    objects["Action"] = ["s3:AbortMultipartUpload", "s3:GetObject"]
    for text in (json.dumps(document), before):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)
        if text != before:
            yield


@fault("role-policies", seen="does not give it: the policy planted")
def a_role_gets_another_policy(site: Site) -> Iterator[None]:
    iam = site.client("iam")
    iam.put_role_policy(RoleName=site.role, PolicyName="planted", PolicyDocument=json.dumps(EVERYBODY))
    yield
    iam.delete_role_policy(RoleName=site.role, PolicyName="planted")


@fault("bucket-lock", seen="Rule.DefaultRetention.Mode is missing")
def the_default_retention_is_gone(site: Site) -> Iterator[None]:
    s3, bucket = site.client("s3"), site.deployment.bucket
    before = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})
    yield
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=before)


@fault("bucket-lock", seen="DefaultRetention.Days is 1, not 30")
def the_default_retention_is_shorter(site: Site) -> Iterator[None]:
    s3, bucket = site.client("s3"), site.deployment.bucket
    before = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    after = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=after)
    yield
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=before)


@fault("bucket-versioning", seen="is Suspended")
def versioning_is_suspended(site: Site) -> Iterator[None]:
    s3, bucket = site.client("s3"), site.deployment.bucket
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    yield
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


@fault("bucket-encryption", seen="is not the template's")
def the_bucket_has_another_encryption(site: Site) -> Iterator[None]:
    s3, bucket = site.client("s3"), site.deployment.bucket
    before = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    after = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": True}]}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=after)
    yield
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=before)


@fault("bucket-access", seen="The public access block of")
def the_bucket_may_become_public(site: Site) -> Iterator[None]:
    s3, bucket = site.client("s3"), site.deployment.bucket
    before = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    after = {**before, "BlockPublicPolicy": False}
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=after)
    yield
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=before)


@fault("bucket-access", seen="lacks Deny s3:*")
def the_bucket_takes_plain_http(site: Site) -> Iterator[None]:
    s3, bucket = site.client("s3"), site.deployment.bucket
    before = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    document = json.loads(before)
    document["Statement"] = [each for each in document["Statement"] if "SecureTransport" not in json.dumps(each)]
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))
    yield
    s3.put_bucket_policy(Bucket=bucket, Policy=before)


def _object(site: Site, layer: str, key_id: str, *, locked: bool = True) -> Iterator[None]:
    s3, bucket = site.client("s3"), site.deployment.bucket
    lock = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    if not locked:
        s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})
    key = f"{layer}{datetime.now(UTC):%Y/%m/%d/%H}/planted"
    arn = f"arn:aws:kms:{site.deployment.region}:{site.deployment.account}:key/{key_id}"
    put = s3.put_object(Bucket=bucket, Key=key, Body=b"", ServerSideEncryption="aws:kms", SSEKMSKeyId=arn)
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=lock)
    yield
    s3.delete_object(Bucket=bucket, Key=key, VersionId=put["VersionId"], BypassGovernanceRetention=True)


@fault("object-encryption", seen="is encrypted with arn:aws:kms:")
def an_object_has_another_key(site: Site) -> Iterator[None]:
    yield from _object(site, "raw/", site.physical_id("AWS::KMS::Key", "DataLakeClean"))


@fault("errors", seen="1 objects came under errors/ within a day: processing-failed")
def a_record_could_not_be_delivered(site: Site) -> Iterator[None]:
    yield from _object(site, "errors/processing-failed/", site.physical_id("AWS::KMS::Key", "DataLakeClean"))


def test_an_object_of_some_age_without_a_retention_is_found(site: Site) -> None:
    with contextmanager(_object)(site, "raw/", site.physical_id("AWS::KMS::Key", "DataLakeRaw"), locked=False):
        reported = site.reported(datetime.now(UTC) + timedelta(minutes=11))
    assert set(reported) == {"object-retention"}
    assert reported["object-retention"].seen.endswith("planted has the retention none, not GOVERNANCE.")


@fault("keys", seen="The key of masked events and delivery errors is Disabled")
def a_key_is_disabled(site: Site) -> Iterator[None]:
    key = site.physical_id("AWS::KMS::Key", "DataLakeClean")
    site.client("kms").disable_key(KeyId=key)
    yield
    site.client("kms").enable_key(KeyId=key)


@fault("keys", seen="is PendingDeletion")
def a_key_is_about_to_be_deleted(site: Site) -> Iterator[None]:
    key = site.physical_id("AWS::KMS::Key", "OperationsKey")
    site.client("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    yield
    site.client("kms").cancel_key_deletion(KeyId=key)
    site.client("kms").enable_key(KeyId=key)


@fault("keys", seen="is not rotated")
def a_key_is_not_rotated(site: Site) -> Iterator[None]:
    key = site.physical_id("AWS::KMS::Key", "DataLakeRaw")
    site.client("kms").disable_key_rotation(KeyId=key)
    yield
    site.client("kms").enable_key_rotation(KeyId=key)


@fault("signing-key", seen="The secret of the signing key is deleted")
def the_signing_key_is_deleted(site: Site) -> Iterator[None]:
    secret = site.deployment.secret
    site.client("secretsmanager").delete_secret(SecretId=secret, RecoveryWindowInDays=7)
    yield
    site.client("secretsmanager").restore_secret(SecretId=secret)


@fault("api-stage", seen="ThrottlingRateLimit is 0, not 500")
def the_api_lets_nothing_through(site: Site) -> Iterator[None]:
    api = site.physical_id("AWS::ApiGateway::RestApi")
    for rate in ("0", "500"):
        operation = {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": rate}
        site.client("apigateway").update_stage(restApiId=api, stageName="v1", patchOperations=[operation])
        if rate == "0":
            yield


def _rule(site: Site) -> dict[str, str]:
    return {"Name": site.physical_id("AWS::Events::Rule", "Watch")}


@fault("rules", seen="is disabled")
def a_schedule_is_disabled(site: Site) -> Iterator[None]:
    site.client("events").disable_rule(**_rule(site))
    yield
    site.client("events").enable_rule(**_rule(site))


@fault("rules", seen="has no target")
def a_rule_has_no_target(site: Site) -> Iterator[None]:
    events, rule = site.client("events"), {"Rule": _rule(site)["Name"]}
    targets = events.list_targets_by_rule(**rule)["Targets"]
    events.remove_targets(**rule, Ids=[target["Id"] for target in targets])
    yield
    events.put_targets(**rule, Targets=targets)


@fault("queues", seen="MessageRetentionPeriod is 60, not 1209600")
def the_queue_keeps_messages_for_a_minute(site: Site) -> Iterator[None]:
    sqs, queue = site.client("sqs"), site.deployment.queue
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"MessageRetentionPeriod": "60"})
    yield
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"MessageRetentionPeriod": "1209600"})


@fault("queues", seen="RedrivePolicy.deadLetterTargetArn is missing")
def the_queue_has_no_dead_letter_queue(site: Site) -> Iterator[None]:
    sqs, queue = site.client("sqs"), site.deployment.queue
    answer = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["RedrivePolicy"])
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": ""})
    yield
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=answer["Attributes"])


@fault("dead-letters", seen="1 messages are in the dead-letter queue")
def a_message_nobody_can_read(site: Site) -> Iterator[None]:
    sqs, queue = site.client("sqs"), site.deployment.dlq
    sqs.send_message(QueueUrl=queue, MessageBody="unreadable")
    yield
    sqs.purge_queue(QueueUrl=queue)


@fault("queue-consumer", seen="is Disabl")
def nobody_takes_messages_out_of_the_queue(site: Site) -> Iterator[None]:
    mapping = site.physical_id("AWS::Lambda::EventSourceMapping")
    site.client("lambda").update_event_source_mapping(UUID=mapping, Enabled=False)
    yield
    site.client("lambda").update_event_source_mapping(UUID=mapping, Enabled=True)


@fault("deduplication-table", seen="The time to live of")
def the_table_forgets_nothing(site: Site) -> Iterator[None]:
    dynamodb, table = site.client("dynamodb"), site.deployment.table
    specification = {"AttributeName": "expires_at", "Enabled": False}
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=specification)
    yield
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification={**specification, "Enabled": True})


@fault("function-settings", seen="PipelineTransform")
def a_function_has_less_memory(site: Site) -> Iterator[None]:
    name = site.physical_id("AWS::Lambda::Function", "Transform")
    for size in (128, 1024):
        site.client("lambda").update_function_configuration(FunctionName=name, MemorySize=size)
        assert eventually(lambda: _is_settled(site, name))
        if size == 128:
            yield


def _is_settled(site: Site, function: str) -> bool:
    answer = site.client("lambda").get_function_configuration(FunctionName=function)
    return (answer["State"], answer["LastUpdateStatus"]) == ("Active", "Successful")


@fault("function-settings", "health", seen="Environment.Variables.STREAM_NAMES")
def the_ingest_function_puts_to_another_stream(site: Site) -> Iterator[None]:
    functions = site.client("lambda")
    variables = functions.get_function_configuration(FunctionName=site.ingest)["Environment"]["Variables"]
    for name in ("no-such-stream", variables["STREAM_NAMES"]):
        functions.update_function_configuration(
            FunctionName=site.ingest, Environment={"Variables": {**variables, "STREAM_NAMES": name}}
        )
        assert eventually(lambda: _is_settled(site, site.ingest))
        if name == "no-such-stream":
            yield


@fault("alarms", seen="/QueueAge is on")
def an_alarm_is_on(site: Site) -> Iterator[None]:
    name = site.physical_id("AWS::CloudWatch::Alarm", "AlarmsQueueAge")
    cloudwatch = site.client("cloudwatch")
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="planted")
    yield
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="INSUFFICIENT_DATA", StateReason="mended")


@fault("alarm-settings", seen="have their actions off")
def an_alarm_tells_nobody(site: Site) -> Iterator[None]:
    name = site.physical_id("AWS::CloudWatch::Alarm", "AlarmsQueueAge")
    site.client("cloudwatch").disable_alarm_actions(AlarmNames=[name])
    yield
    site.client("cloudwatch").enable_alarm_actions(AlarmNames=[name])


@fault("partner-source", seen="AWS answers DescribeEventSource with ResourceNotFoundException")
def the_partner_source_is_gone(site: Site) -> Iterator[None]:
    source = {"Name": site.pipeline.output("PartnerBusName"), "Account": site.deployment.account}
    site.client("events").delete_partner_event_source(**source)
    yield
    site.client("events").create_partner_event_source(**source)


@fault("dead-letters", "queues", seen="AWS answers GetQueueAttributes with")
def the_dead_letter_queue_is_gone(site: Site) -> Iterator[None]:
    sqs, queue = site.client("sqs"), site.deployment.dlq
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    sqs.delete_queue(QueueUrl=queue)
    yield
    kept = {name: attributes[name] for name in ("KmsMasterKeyId", "MessageRetentionPeriod", "Policy")}
    sqs.create_queue(QueueName=queue.rsplit("/", 1)[1], Attributes=kept)


@fault("alarm-settings", seen="Alarms are gone: GenesysFirehose-local/Pipeline/Alarms/QueueAge")
def an_alarm_is_gone(site: Site) -> Iterator[None]:
    cloudwatch, name = site.client("cloudwatch"), site.physical_id("AWS::CloudWatch::Alarm", "AlarmsQueueAge")
    [before] = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    cloudwatch.delete_alarms(AlarmNames=[name])
    yield
    known = cloudwatch.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
    cloudwatch.put_metric_alarm(**{key: value for key, value in before.items() if key in known})


@fault("rebuild", seen="The last rebuild is ABORTED")
def the_last_rebuild_was_stopped(site: Site) -> Iterator[None]:
    machine, client = site.pipeline.output("RebuildStateMachineArn"), site.client("stepfunctions")
    # An hour that has objects takes a while.
    started = client.start_execution(stateMachineArn=machine, input=json.dumps({"prefixes": ["raw/2"]}))
    client.stop_execution(executionArn=started["executionArn"])
    assert eventually(lambda: _status(site, started["executionArn"]) == "ABORTED")
    yield
    done = client.start_execution(stateMachineArn=machine, input=json.dumps({"prefixes": []}))
    assert eventually(lambda: _status(site, done["executionArn"]) == "SUCCEEDED")


def _status(site: Site, execution: str) -> str:
    return str(site.client("stepfunctions").describe_execution(executionArn=execution)["status"])


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_and_named(site: Site, name: str) -> None:
    checks, seen, plant = FAULTS[name]
    with plant(site):
        reported = site.reported()
    assert set(reported) == checks
    assert seen in " ".join(finding.seen for finding in reported.values())
    assert all(finding.means and finding.fix for finding in reported.values())


def test_a_smoke_shows_where_the_event_of_every_way_in_has_landed(site: Site) -> None:
    completed = run("smoke", "--name", site.name, "--json")
    assert completed.returncode == 0, completed.stdout + completed.stderr
    passages = {passage["ingress"]: passage for passage in json.loads(completed.stdout)["passages"]}
    assert {name: passage["state"] for name, passage in passages.items()} == dict.fromkeys(
        ("queue", "webhook", "bus"), "ok"
    )
    s3 = site.client("s3")
    for ingress, partition in (("queue", "verification"), ("webhook", "unknown"), ("bus", "agent_state")):
        stages = {stage["name"]: stage for stage in passages[ingress]["stages"]}
        assert ("accepted" in stages) == (ingress == "webhook")
        assert stages["clean/"]["key"].startswith(f"clean/event_type={partition}/date=")
        for layer in ("raw/", "clean/"):
            assert 0 <= stages[layer]["seconds"] < 60
            assert stages[layer]["retention"].startswith("GOVERNANCE until ")
            assert stages[layer]["encryption"].startswith("aws:kms with arn:aws:kms:")
            s3.head_object(Bucket=site.deployment.bucket, Key=stages[layer]["key"])
    landed = s3.get_object(Bucket=site.deployment.bucket, Key=stages_of(passages["webhook"])["clean/"]["key"])
    record = json.loads(unpack(landed["Body"].read()))
    assert (record["event"]["eventType"], record["schema_drift"], record["closed_fields"]) == ("smoke.event", [], [])


def stages_of(passage: Mapping[str, Any]) -> dict[str, Any]:
    return {stage["name"]: stage for stage in passage["stages"]}


# What only a metric tells is put into the past, and looked at from there: the embedded AWS keeps metrics for good.
METRICS: dict[str, tuple[str, str, dict[str, float], str]] = {
    "an error of a function": ("function-errors", "AWS/Lambda", {"Errors": 2}, "failed 2 times within an hour"),
    "an unknown field": ("schema-drift", "GenesysFirehose", {"SchemaDrift": 3}, "3 unknown fields"),
    "an unknown shape": ("unknown-shapes", "GenesysFirehose", {"UnknownShape": 4}, "4 events of no known shape"),
    "an integration that is off": ("genesys-side", "GenesysFirehose", {"IntegrationActive": 0}, "is not active"),
    "names that may not be listed": (
        "names",
        "GenesysFirehose",
        {"NamesForbidden": 1, "NamesWhole": 1},
        "1 of 7 kinds",
    ),
    "records that do not land": ("last-delivery", "AWS/Firehose", {"IncomingRecords": 5}, "Firehose took 5 records"),
}


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_that_tells_of_a_fault_is_heard(site: Site, name: str) -> None:
    check, namespace, values, seen = METRICS[name]
    moment = datetime.now(UTC) + (1 + list(METRICS).index(name)) * timedelta(days=2)
    name, value = {
        "GenesysFirehose": ("Pipeline", site.pipeline.path),
        "AWS/Lambda": ("FunctionName", site.ingest),
        "AWS/Firehose": ("DeliveryStreamName", site.deployment.stream),
    }[namespace]
    dimension = {"Name": name, "Value": value}
    data = [
        {"MetricName": metric, "Value": value, "Timestamp": moment - timedelta(minutes=40), "Dimensions": [dimension]}
        for metric, value in values.items()
    ]
    site.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=data)
    reported = site.reported(moment)
    assert reported.keys() == {check}
    assert seen in reported[check].seen


def test_a_smoke_that_does_not_arrive_names_the_cause(site: Site) -> None:
    set_faults(site.deployment, processor_failure=1.0)
    try:
        completed = run("smoke", "--name", site.name, "--json", "--wait", "10")
    finally:
        set_faults(site.deployment)
    assert completed.returncode == 1
    [queue, webhook, bus] = json.loads(completed.stdout)["passages"]
    assert (queue["state"], webhook["state"], bus["state"]) == ("failed", "failed", "failed")
    assert "came under clean/ within 10 s" in queue["reason"]
    assert "the transform function failed" in queue["reason"]
    assert webhook["stages"][0]["name"] == "accepted"


def test_a_rotation_is_told_until_the_previous_key_is_refused(site: Site) -> None:
    secrets, secret = site.client("secretsmanager"), site.deployment.secret
    secrets.put_secret_value(SecretId=secret, SecretString="a new key that is long enough")
    assert "The key before is accepted until" in site.reported()["previous-key"].seen
    assert "previous-key" not in site.reported(datetime.now(UTC) + timedelta(hours=25))


def _operators_policy() -> dict[str, Any]:
    """Return the policy that `grant_operate` writes for the deployed pipeline, with the logical ids of its template."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    app = cdk.App(context=context, analytics_reporting=False)
    stack = PipelineStack(app, read_settings(context["environments"], "local"))
    stack.pipeline.grant_operate(iam.ManagedPolicy(stack, "Operators"))
    template = Template.from_stack(stack).to_json()
    [policy] = [each for name, each in template["Resources"].items() if name.startswith("Operators")]
    return dict(policy)


def test_the_rights_of_an_operator_suffice_and_reach_no_content(pipeline: LocalPipeline, site: Site) -> None:
    cloudformation = site.client("cloudformation")
    template = cloudformation.get_template(StackName=site.pipeline.stack, TemplateStage="Original")["TemplateBody"]
    template["Resources"]["Operators"] = _operators_policy()
    # A template in the request itself may have 51,200 bytes.
    site.client("s3").create_bucket(Bucket="templates")
    site.client("s3").put_object(Bucket="templates", Key="operators.json", Body=json.dumps(template))
    cloudformation.update_stack(
        StackName=site.pipeline.stack,
        TemplateURL=f"{site.deployment.endpoint_url}/templates/operators.json",
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
    )
    assert eventually(lambda: _stack_status(site) == "UPDATE_COMPLETE")
    resources = cloudformation.describe_stack_resources(StackName=site.pipeline.stack)["StackResources"]
    [arn] = [each["PhysicalResourceId"] for each in resources if each["LogicalResourceId"] == "Operators"]
    _name_as_the_embedded_aws_does(site, arn)
    site.client("iam").create_user(UserName="operator")
    site.client("iam").attach_user_policy(UserName="operator", PolicyArn=arn)
    key = site.client("iam").create_access_key(UserName="operator")["AccessKey"]
    # There is no TLS on the loopback interface, which the policies of bucket and queues demand.
    site.client("s3").delete_bucket_policy(Bucket=site.deployment.bucket)
    for queue in (site.deployment.queue, site.deployment.dlq):
        site.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})
    pipeline.aws.enforce_iam()

    operator = Operator(site.deployment, key["AccessKeyId"], key["SecretAccessKey"])
    findings = list(diagnose(Inspection(operator, site.pipeline, site.resources, is_local=True)))
    denied = {finding.seen for _, finding in findings if "could not be checked" in finding.seen}
    assert denied == set()
    assert {name for name, _ in findings} == {check.name for check in CHECKS}
    for service, call, request in (
        ("secretsmanager", "get_secret_value", {"SecretId": site.deployment.secret}),
        ("s3", "put_object", {"Bucket": site.deployment.bucket, "Key": "raw/mine"}),
        ("sqs", "receive_message", {"QueueUrl": site.deployment.dlq}),
        ("sqs", "send_message", {"QueueUrl": site.deployment.queue, "MessageBody": "mine"}),
        ("kms", "decrypt", {"CiphertextBlob": b"x", "KeyId": site.physical_id("AWS::KMS::Key", "DataLakeRaw")}),
        ("lambda", "invoke", {"FunctionName": site.ingest}),
    ):
        with pytest.raises(ClientError, match=r"AccessDenied|not authorized"):
            getattr(operator.client(service), call)(**request)


def _name_as_the_embedded_aws_does(site: Site, policy_arn: str) -> None:
    """Name in a policy what the embedded AWS asks for and AWS does not."""
    client = site.client("iam")
    document = client.get_policy_version(PolicyArn=policy_arn, VersionId="v1")["PolicyVersion"]["Document"]
    # It knows no bus of a rule, no rule of a target, and takes one mapping for all of them.
    asked = ["events:DescribeRule", "events:ListTargetsByRule", "lambda:ListEventSourceMappings"]
    document["Statement"].append({"Effect": "Allow", "Action": asked, "Resource": "*"})
    text = json.dumps(document).replace("::event-source/", f":{site.deployment.account}:rule/default/")
    text = re.sub(r"(:stack/[^/]+/)[0-9a-f-]{36}", r"\1*", text)
    for secret in site.client("secretsmanager").list_secrets()["SecretList"]:
        text = text.replace(f'"{secret["Name"]}"', f'"{secret["ARN"]}"')
    client.create_policy_version(PolicyArn=policy_arn, PolicyDocument=text, SetAsDefault=True)


def _stack_status(site: Site) -> str:
    [stack] = site.client("cloudformation").describe_stacks(StackName=site.pipeline.stack)["Stacks"]
    return str(stack["StackStatus"])


class Operator:
    """The clients of a user of the embedded AWS."""

    def __init__(self, deployment: Deployment, key_id: str, secret: str) -> None:
        self._deployment = deployment
        self._credentials = {"aws_access_key_id": key_id, "aws_secret_access_key": secret}

    def client(self, service: str) -> Any:
        # The local Firehose evaluates nothing; the embedded AWS has one of its own that does.
        return boto3.client(
            service,
            endpoint_url=self._deployment.endpoint_url,
            region_name=self._deployment.region,
            **self._credentials,
        )
