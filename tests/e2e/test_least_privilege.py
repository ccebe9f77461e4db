"""The functions' roles grant what they need and nothing that they could do without, as IAM's evaluation shows."""

import base64
import gzip
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pytest
import urllib3

from genesys_firehose_tools.local.deployment import Deployment
from genesys_firehose_tools.local.events import EventGenerator
from genesys_firehose_tools.local.firehose.clients import AssumedRoles
from genesys_firehose_tools.local.firehose.configuration import read_configuration
from genesys_firehose_tools.local.firehose.faults import FaultSwitch
from genesys_firehose_tools.local.firehose.stream import DeliveryStream
from genesys_firehose_tools.local.pipeline import temporary_pipeline
from genesys_firehose_tools.local.values import GeneratedEvent, find_personal_values
from shared.envelope import wrap
from shared.event import describe
from tests.e2e.conftest import Sender
from tests.manual_clock import ManualClock

USED_BY_LAMBDA_ITSELF = frozenset(
    {
        # Lambda writes the log, sends the traces and polls the queue in the function's name, and the services
        # use their keys in it. The embedded AWS does all of that with rights of its own: what it does not
        # evaluate is no proof, so the templates' tests alone stand for these.
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)


@dataclass
class Role:
    """The one policy of a deployed role, and how to take a right from it."""

    deployment: Deployment
    policy_arn: str
    document: dict[str, Any]

    @classmethod
    def of_arn(cls, deployment: Deployment, role_arn: str) -> Self:
        """Find the policy of a role."""
        iam, role = deployment.client("iam"), role_arn.rsplit("/", 1)[1]
        [policy] = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        assert iam.list_role_policies(RoleName=role)["PolicyNames"] == []
        version = iam.get_policy(PolicyArn=policy["PolicyArn"])["Policy"]["DefaultVersionId"]
        document = iam.get_policy_version(PolicyArn=policy["PolicyArn"], VersionId=version)["PolicyVersion"]["Document"]
        return cls(deployment, policy["PolicyArn"], document)

    @property
    def actions(self) -> set[str]:
        """Every action that the role's policy grants."""
        return {action for statement in self.document["Statement"] for action in _actions(statement)}

    def grant(self, document: dict[str, Any]) -> None:
        """Replace the policy."""
        # On AWS the right to do something with a message is the right to do it with a batch of them; the embedded AWS
        # asks for another.
        batched = {"sqs:SendMessage", "sqs:ChangeMessageVisibility"}
        statements = [
            {**each, "Action": sorted(_actions(each) | {f"{action}Batch" for action in _actions(each) & batched})}
            for each in document["Statement"]
        ]
        text = json.dumps({**document, "Statement": statements})
        # It takes the name of a partner event source for that of a rule.
        text = text.replace("::event-source/", f":{self.deployment.account}:rule/default/")
        iam = self.deployment.client("iam")
        iam.create_policy_version(PolicyArn=self.policy_arn, PolicyDocument=text, SetAsDefault=True)
        for version in iam.list_policy_versions(PolicyArn=self.policy_arn)["Versions"]:
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=self.policy_arn, VersionId=version["VersionId"])

    @contextmanager
    def without(self, action: str) -> Iterator[None]:
        """Take one action from the role for the time of a ``with`` block."""
        statements = [
            {**statement, "Action": sorted(_actions(statement) - {action})}
            for statement in self.document["Statement"]
            if _actions(statement) - {action}
        ]
        self.grant({**self.document, "Statement": statements})
        try:
            yield
        finally:
            self.grant(self.document)


class Function:
    """A deployed function and its role."""

    def __init__(self, deployment: Deployment, package: str) -> None:
        functions = deployment.client("lambda").list_functions()["Functions"]
        [function] = [each for each in functions if each["Handler"] == f"{package}.handler.handle"]
        self._client = deployment.client("lambda")
        self.name: str = function["FunctionName"]
        self.role = Role.of_arn(deployment, function["Role"])

    def start_anew(self, **variables: str) -> None:
        """Let the next invocation meet a new execution environment, whose caches are empty."""
        present = self._client.get_function_configuration(FunctionName=self.name)["Environment"]["Variables"]
        self._client.update_function_configuration(
            FunctionName=self.name, Environment={"Variables": {**present, "NONCE": secrets.token_hex(4), **variables}}
        )

    @contextmanager
    def without(self, action: str) -> Iterator[None]:
        """Take one action from the role, and what the function remembers, for the time of a ``with`` block."""
        with self.role.without(action):
            self.start_anew()
            yield
        self.start_anew()


class Delivery:
    """Firehose, delivering with the delivery role's own credentials.

    The credentials come from before the evaluation of IAM: the role trusts Firehose alone, and who asks here is not it.
    """

    def __init__(self, deployment: Deployment) -> None:
        answer = deployment.client("firehose").describe_delivery_stream(DeliveryStreamName=deployment.stream)
        self._deployment = deployment
        self._configuration = read_configuration(answer["DeliveryStreamDescription"])
        self._clients = AssumedRoles(deployment.endpoint_url, deployment.region)
        role_arn = self._configuration.destination.role_arn
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("AWS_ACCESS_KEY_ID", deployment.account)
            environment.setenv("AWS_SECRET_ACCESS_KEY", "any")
            for service in ("s3", "lambda", "logs"):
                self._clients(service, role_arn)
        self.role = Role.of_arn(deployment, role_arn)

    def lands_an_event_in_both_layers(self, event: GeneratedEvent) -> bool:
        """Deliver one event as a stream that begins with it; what can't be delivered is gone with the stream."""
        sender = Sender(self._deployment)
        stream = DeliveryStream(self._configuration, self._clients, ManualClock(time.time()), FaultSwitch())
        stream.accept([_record(event, secrets.token_hex(32))])
        stream.tick(flush=True)
        return bool(sender.landings(event)) and bool(sender.landings(event, "raw/"))


def _actions(statement: dict[str, Any]) -> set[str]:
    action = statement["Action"]
    return {action} if isinstance(action, str) else set(action)


class Trials:
    """What the pipeline must be able to do, each as a question with the answer yes."""

    def __init__(
        self,
        deployment: Deployment,
        ingest: Function,
        rebuild: Function,
        watch: Function,
        names: Function,
        backfill: Function,
    ) -> None:
        self._deployment = deployment
        self._ingest = ingest
        self._rebuild = rebuild
        self._watch = watch
        self._names = names
        self._backfill = backfill
        self._generator = EventGenerator(secrets.randbits(32))

    def event(self) -> GeneratedEvent:
        """Generate an event that nobody has sent."""
        return self._generator.generate("call")

    def _sender(self) -> Sender:
        # Where Firehose is out of reach, the queue is never empty.
        return Sender(self._deployment, settled_within_seconds=3)

    def takes_an_event(self) -> bool:
        return self._post(self.event()) == 200

    def _post(self, event: GeneratedEvent) -> int:
        sender, body = self._sender(), json.dumps(event.body).encode()
        return answered(lambda: sender.post(body))

    def lands_an_event_masked(self) -> bool:
        sender, event = self._sender(), self.event()
        self._post(event)
        records = sender.landings(event)
        return len(records) == 1 and not find_personal_values(json.dumps(records)) & event.personal

    def lands_an_oversize_event(self) -> bool:
        sender, event = self._sender(), self._generator.generate("transcription")
        event.body["eventBody"]["transcripts"][0]["padding"] = "x" * 1_100_000
        return self._post(event) == 200 and [event.marker in json.dumps(r) for r in sender.landings(event)] == [True]

    def is_healthy(self) -> bool:
        return answered(lambda: urllib3.request("GET", self._deployment.health_url)) == 200

    def takes_an_event_while_firehose_does_not(self) -> bool:
        stream = self._deployment.stream
        self._ingest.start_anew(STREAM_NAMES="no-such-stream")
        try:
            return self.takes_an_event()
        finally:
            self._ingest.start_anew(STREAM_NAMES=stream)

    def hides_a_message_that_fails(self) -> bool:
        """Let the function consume a message of our own while Firehose is out of reach."""
        stream = self._deployment.stream
        message = {
            "messageId": "m",
            "receiptHandle": "of nothing",
            "attributes": {"ApproximateReceiveCount": "1"},
            "body": json.dumps(self.event().body),
        }
        self._ingest.start_anew(STREAM_NAMES="no-such-stream")
        try:
            answer = self._deployment.client("lambda").invoke(
                FunctionName=self._ingest.name, Payload=json.dumps({"Records": [message]}), LogType="Tail"
            )
        finally:
            self._ingest.start_anew(STREAM_NAMES=stream)
        assert json.load(answer["Payload"])["batchItemFailures"] == [{"itemIdentifier": "m"}]
        # SQS knows no such message, and says so to whoever may ask.
        log = base64.b64decode(answer["LogResult"]).decode()
        return '"level":"WARN","message":"messages come again early","messages":1' in log

    def sets_aside_what_nobody_can_read(self) -> bool:
        sqs, text = self._deployment.client("sqs"), secrets.token_hex(16)
        sqs.send_message(QueueUrl=self._deployment.queue, MessageBody=text)
        for _ in range(50):
            for message in sqs.receive_message(QueueUrl=self._deployment.dlq).get("Messages", []):
                sqs.delete_message(QueueUrl=self._deployment.dlq, ReceiptHandle=message["ReceiptHandle"])
                if message["Body"] == text:
                    return True
            time.sleep(0.1)
        return False

    def tells_copies_apart(self) -> bool:
        """Put two copies of an audit, whose key has an item of its own, and see one land, known to be the only one."""
        sender, event = self._sender(), self._generator.generate("audit")
        dedup_key = secrets.token_hex(32)
        self._deployment.client("firehose").put_record_batch(
            DeliveryStreamName=self._deployment.stream,
            Records=[{"Data": _record(event, dedup_key)} for _ in range(2)],
        )
        records = sender.landings(event)
        return len(records) == 1 and "deduplicated" not in records[0]

    def tells_copies_without_an_id_apart(self) -> bool:
        """Put two copies of an event that is known by its content, whose keys lie in the item of its second."""
        sender, event = self._sender(), self._generator.generate("acd.end")
        raw = json.dumps(event.body).encode()
        arrival = datetime.now(UTC)
        facts = describe(event.body, ("messageId",), arrival)
        assert facts.keyed_by == "content"
        self._deployment.client("firehose").put_record_batch(
            DeliveryStreamName=self._deployment.stream,
            Records=[{"Data": wrap(raw, facts, "webhook", arrival)} for _ in range(2)],
        )
        records = sender.landings(event)
        return len(records) == 1 and "deduplicated" not in records[0]

    def rebuilds_an_event(self) -> bool:
        sender, event = self._sender(), self.event()
        key = f"raw/2026/01/01/00/{secrets.token_hex(16)}.gz"
        content = gzip.compress(_record(event, secrets.token_hex(32)))
        self._deployment.client("s3").put_object(Bucket=self._deployment.bucket, Key=key, Body=content)
        answer = self._deployment.client("lambda").invoke(
            FunctionName=self._rebuild.name, Payload=json.dumps({"key": key})
        )
        return "FunctionError" not in answer and len(sender.landings(event)) == 1

    def sees_that_the_partner_source_is_active(self) -> bool:
        return self._watch_answers("PartnerSourceActive")

    def sees_that_the_integration_is_active(self) -> bool:
        return self._watch_answers("IntegrationActive")

    def takes_names(self) -> bool:
        answer = self._deployment.client("lambda").invoke(FunctionName=self._names.name)
        return set(json.load(answer["Payload"]).values()) == {"whole"}

    def backfills_conversations(self) -> bool:
        """One of them is too large for Firehose."""
        day = "2026-01-01"
        small, large = (
            {
                "conversationId": secrets.token_hex(16),
                "conversationStart": f"{day}T10:00:00.000Z",
                "participants": [{"participantName": "x" * length}],
            }
            for length in (1, 1_100_000)
        )
        control = f"{self._deployment.genesys_url}/_local/conversations"
        given = {"conversations": [small, large], "next_states": [["FULFILLED"]]}
        urllib3.request("PUT", control, json=given)
        only = {day: [small["conversationId"], large["conversationId"]]}
        answer = self._deployment.client("lambda").invoke(
            FunctionName=self._backfill.name, Payload=json.dumps({"from": day, "to": day, "only": only})
        )
        return "FunctionError" not in answer and json.load(answer["Payload"])["put"] == 2

    def _watch_answers(self, metric: str) -> bool:
        answer = self._deployment.client("lambda").invoke(FunctionName=self._watch.name, LogType="Tail")
        return f'"{metric}":1' in base64.b64decode(answer["LogResult"]).decode()


def _record(event: GeneratedEvent, dedup_key: str) -> bytes:
    """Wrap an event as the ingest function does."""
    envelope = {
        "ingest_id": secrets.token_hex(16),
        "received_at": "2026-01-01T00:00:00.000Z",
        "ingress": "webhook",
        "dedup_key": dedup_key,
        "event_type": "call",
        "event_time": None,
        "topic": None,
        "event": event.body,
    }
    return json.dumps(envelope, separators=(",", ":")).encode() + b"\n"


def answered(request: Callable[[], urllib3.BaseHTTPResponse]) -> int:
    """Return the function's own status: a 502 says that its new execution environment is not up yet."""
    for _ in range(10):
        status = request().status
        if status != 502:
            return status
        time.sleep(0.2)
    return 502


@dataclass
class UnderIam:
    """A pipeline of which every call is evaluated."""

    ingest: Function
    transform: Function
    rebuild: Function
    watch: Function
    names: Function
    backfill: Function
    delivery: Delivery
    trials: Trials


@pytest.fixture(scope="module")
def under_iam(own_app: Path) -> Iterator[UnderIam]:
    with temporary_pipeline("iam", own_app) as pipeline:
        deployment = pipeline.deployment
        ingest = Function(deployment, "ingest")
        transform = Function(deployment, "transform")
        rebuild = Function(deployment, "rebuild")
        watch = Function(deployment, "genesys_watch")
        names = Function(deployment, "genesys_names")
        backfill = Function(deployment, "genesys_backfill")
        for function in (ingest, transform, rebuild, watch, names, backfill):
            name_secrets_by_arn(function.role)
        allow_plain_http(deployment)
        # The local Firehose assumes the delivery role on its first event; IAM's evaluation comes after that.
        trials = Trials(deployment, ingest, rebuild, watch, names, backfill)
        assert trials.lands_an_event_masked()
        delivery = Delivery(deployment)
        # The local Firehose evaluates nothing: the calls of those who put go to the embedded AWS's own.
        ingest.start_anew(AWS_ENDPOINT_URL_FIREHOSE=deployment.endpoint_url)
        # That one hands each record to the transform function by itself, so there are few.
        names.start_anew(AWS_ENDPOINT_URL_FIREHOSE=deployment.endpoint_url, KINDS="queue")
        backfill.start_anew(AWS_ENDPOINT_URL_FIREHOSE=deployment.endpoint_url)
        pipeline.aws.enforce_iam()
        yield UnderIam(ingest, transform, rebuild, watch, names, backfill, delivery, trials)


def name_secrets_by_arn(role: Role) -> None:
    """Put a secret's ARN where the embedded AWS gives its name for a template's reference, as AWS would not."""
    arns = {
        secret["Name"]: secret["ARN"]
        for secret in role.deployment.client("secretsmanager").list_secrets()["SecretList"]
    }
    for statement in role.document["Statement"]:
        if isinstance(statement["Resource"], str):
            statement["Resource"] = arns.get(statement["Resource"], statement["Resource"])
    role.grant(role.document)


def allow_plain_http(deployment: Deployment) -> None:
    """Take the refusal of plain HTTP out of the resources' policies: there is no TLS on the loopback interface."""
    sqs, s3 = deployment.client("sqs"), deployment.client("s3")
    for queue in (deployment.queue, deployment.dlq):
        policy = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])["Attributes"]["Policy"]
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": _without_tls(policy)})
    policy = s3.get_bucket_policy(Bucket=deployment.bucket)["Policy"]
    s3.put_bucket_policy(Bucket=deployment.bucket, Policy=_without_tls(policy))


def _without_tls(policy: str) -> str:
    document = json.loads(policy)
    kept = [statement for statement in document["Statement"] if "aws:SecureTransport" not in json.dumps(statement)]
    assert len(kept) < len(document["Statement"])
    return json.dumps({**document, "Statement": kept}) if kept else ""


def test_the_roles_suffice(under_iam: UnderIam) -> None:
    trials = under_iam.trials

    assert trials.is_healthy()
    assert trials.lands_an_event_masked()
    assert trials.lands_an_oversize_event()
    assert trials.tells_copies_apart()
    assert trials.tells_copies_without_an_id_apart()
    assert trials.takes_an_event_while_firehose_does_not()
    assert trials.hides_a_message_that_fails()
    assert trials.sets_aside_what_nobody_can_read()
    assert trials.rebuilds_an_event()
    assert trials.sees_that_the_partner_source_is_active()
    assert trials.sees_that_the_integration_is_active()
    assert trials.takes_names()
    assert trials.backfills_conversations()


INGEST_NEEDS: dict[str, Callable[[Trials], bool]] = {
    "firehose:DescribeDeliveryStream": Trials.is_healthy,
    "firehose:PutRecordBatch": Trials.lands_an_event_masked,
    "s3:PutObject": Trials.lands_an_oversize_event,
    "secretsmanager:GetSecretValue": Trials.takes_an_event,
    "sqs:ChangeMessageVisibility": Trials.hides_a_message_that_fails,
    "sqs:SendMessage": Trials.takes_an_event_while_firehose_does_not,
}

TRANSFORM_NEEDS: dict[str, Callable[[Trials], bool]] = {
    "dynamodb:BatchGetItem": Trials.tells_copies_apart,
    "dynamodb:PartiQLInsert": Trials.tells_copies_apart,
    "dynamodb:UpdateItem": Trials.tells_copies_without_an_id_apart,
    "s3:GetObject": Trials.lands_an_oversize_event,
    "secretsmanager:GetSecretValue": Trials.lands_an_event_masked,
}

REBUILD_NEEDS = frozenset({"s3:GetObject", "s3:PutObject", "secretsmanager:GetSecretValue"})
# The embedded AWS says of an object that is gone that it is gone, whoever asks; S3 does so to those who may list.
REBUILD_NEEDS_ON_AWS = frozenset({"s3:ListBucket"})

WATCH_NEEDS: dict[str, Callable[[Trials], bool]] = {
    "events:DescribeEventSource": Trials.sees_that_the_partner_source_is_active,
    "secretsmanager:GetSecretValue": Trials.sees_that_the_integration_is_active,
}

BACKFILL_NEEDS = frozenset({"firehose:PutRecordBatch", "s3:PutObject", "secretsmanager:GetSecretValue"})
NAMES_NEEDS = frozenset({"firehose:PutRecordBatch", "secretsmanager:GetSecretValue"})


@pytest.mark.parametrize("action", INGEST_NEEDS)
def test_without_this_action_the_ingest_function_fails(under_iam: UnderIam, action: str) -> None:
    with under_iam.ingest.without(action):
        assert not INGEST_NEEDS[action](under_iam.trials)


@pytest.mark.parametrize("action", TRANSFORM_NEEDS)
def test_without_this_action_the_transform_function_fails(under_iam: UnderIam, action: str) -> None:
    with under_iam.transform.without(action):
        assert not TRANSFORM_NEEDS[action](under_iam.trials)


@pytest.mark.parametrize("action", sorted(REBUILD_NEEDS))
def test_without_this_action_the_rebuild_function_fails(under_iam: UnderIam, action: str) -> None:
    with under_iam.rebuild.without(action):
        assert not under_iam.trials.rebuilds_an_event()


@pytest.mark.parametrize("action", WATCH_NEEDS)
def test_without_this_action_the_watch_gives_no_answer(under_iam: UnderIam, action: str) -> None:
    with under_iam.watch.without(action):
        assert not WATCH_NEEDS[action](under_iam.trials)


@pytest.mark.parametrize("action", sorted(NAMES_NEEDS))
def test_without_this_action_no_names_are_taken(under_iam: UnderIam, action: str) -> None:
    with under_iam.names.without(action):
        assert not under_iam.trials.takes_names()


@pytest.mark.parametrize("action", sorted(BACKFILL_NEEDS))
def test_without_this_action_no_conversation_is_backfilled(under_iam: UnderIam, action: str) -> None:
    with under_iam.backfill.without(action):
        assert not under_iam.trials.backfills_conversations()


DELIVERY_NEEDS = frozenset(
    {
        "lambda:GetFunctionConfiguration",
        "lambda:InvokeFunction",
        "s3:AbortMultipartUpload",
        "s3:GetBucketLocation",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:ListBucketMultipartUploads",
        "s3:PutObject",
    }
)


def test_the_delivery_role_suffices(under_iam: UnderIam) -> None:
    assert under_iam.delivery.lands_an_event_in_both_layers(under_iam.trials.event())


@pytest.mark.parametrize("action", sorted(DELIVERY_NEEDS))
def test_without_this_action_firehose_does_not_deliver(under_iam: UnderIam, action: str) -> None:
    with under_iam.delivery.role.without(action):
        assert not under_iam.delivery.lands_an_event_in_both_layers(under_iam.trials.event())


def test_the_roles_grant_nothing_else(under_iam: UnderIam) -> None:
    assert under_iam.ingest.role.actions - USED_BY_LAMBDA_ITSELF == INGEST_NEEDS.keys()
    assert under_iam.transform.role.actions - USED_BY_LAMBDA_ITSELF == TRANSFORM_NEEDS.keys()
    assert under_iam.rebuild.role.actions - USED_BY_LAMBDA_ITSELF == REBUILD_NEEDS | REBUILD_NEEDS_ON_AWS
    assert under_iam.watch.role.actions - USED_BY_LAMBDA_ITSELF == WATCH_NEEDS.keys()
    assert under_iam.names.role.actions - USED_BY_LAMBDA_ITSELF == NAMES_NEEDS
    assert under_iam.backfill.role.actions - USED_BY_LAMBDA_ITSELF == BACKFILL_NEEDS
    assert under_iam.delivery.role.actions - USED_BY_LAMBDA_ITSELF == DELIVERY_NEEDS
