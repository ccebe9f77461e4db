"""Every drill: what it breaks, what it sends, and how it is mended."""

import json
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from genesys_firehose_tools.library_files import function_module
from genesys_firehose_tools.local.certificates import Authority, tls_server
from genesys_firehose_tools.local.drills.stage import Stage
from genesys_firehose_tools.local.firehose.service import DESCRIPTION_LIFETIME_SECONDS
from genesys_firehose_tools.operations.doctor.tls import judge_certificate

Steps = Generator[None, None, None]
"""Breaks and sends up to its one yield, and mends after it."""


@dataclass(frozen=True, slots=True)
class Drill:
    """A drill.

    Attributes:
        name: Its name.
        breaks: What is broken, in a sentence.
        alarms: The alarms that must go off, by the last part of their names.
        checks: The doctor's checks that must report it.
        steps: What it does.
    """

    name: str
    breaks: str
    alarms: frozenset[str]
    checks: frozenset[str]
    steps: Callable[[Stage], Steps]


DRILLS: dict[str, Drill] = {}
"""The drills by their names."""


def _drill(
    breaks: str, *, alarms: str = "", checks: str = ""
) -> Callable[[Callable[[Stage], Steps]], Callable[[Stage], Steps]]:
    """Register a drill under the name of its function."""

    def register(steps: Callable[[Stage], Steps]) -> Callable[[Stage], Steps]:
        name = steps.__name__.replace("_", "-")
        DRILLS[name] = Drill(name, breaks, frozenset(alarms.split()), frozenset(checks.split()), steps)
        return steps

    return register


def _keep_sending(stage: Stage) -> None:
    """Send 20 events over 12 minutes: an alarm on attempts wants failed ones in two of its periods, of five minutes."""
    for _ in range(4):
        stage.send(stage.generate(5))
        stage.wait_minutes(3)


@_drill(
    "The delivery role trusts another service than firehose.amazonaws.com.",
    alarms="BackupSuccess ProcessingSuccess",
    checks="delivery-role-trust",
)
def broken_trust(stage: Stage) -> Steps:
    """Break the trust policy; the sessions that Firehose still has end."""
    iam, role = stage.client("iam"), stage.physical_id("AWS::IAM::Role", "DeliveryRole")
    before = json.dumps(iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"])
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=before.replace("firehose.", "lambda."))
    stage.end_sessions()
    _keep_sending(stage)
    yield
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=before)
    # Firehose writes what it could not; then what the transform function never saw is re-ingested.
    stage.verdict()
    stage.redrive()


@_drill(
    "The delivery stream writes to clean/ with a role of another account.",
    alarms="DeliveryFreshness DeliverySuccess",
    checks="delivery-role-trust",
)
def wrong_role(stage: Stage) -> Steps:
    """Give the stream a role that it cannot take on."""
    firehose, stream = stage.deployment.embedded_firehose(), stage.deployment.stream
    described = firehose.describe_delivery_stream(DeliveryStreamName=stream)["DeliveryStreamDescription"]
    right = described["Destinations"][0]["ExtendedS3DestinationDescription"]["RoleARN"]
    for arn in (right.replace(f":{stage.deployment.account}:", ":111122223333:"), right):
        current = firehose.describe_delivery_stream(DeliveryStreamName=stream)["DeliveryStreamDescription"]
        firehose.update_destination(
            DeliveryStreamName=stream,
            CurrentDeliveryStreamVersionId=current["VersionId"],
            DestinationId=current["Destinations"][0]["DestinationId"],
            ExtendedS3DestinationUpdate={"RoleARN": arn},
        )
        # The local Firehose reads a stream's settings at a put, when those it knows are five seconds old.
        time.sleep(DESCRIPTION_LIFETIME_SECONDS)
        stage.send(stage.generate(10))
        if arn != right:
            stage.wait_minutes(7)
            yield


@_drill(
    "Firehose uploads without the checksum that S3 Object Lock asks for.",
    alarms="BackupFreshness BackupSuccess DeliveryFreshness DeliverySuccess",
)
def missing_checksum(stage: Stage) -> Steps:
    """Take the checksum from every upload."""
    stage.set_faults(missing_checksum=1)
    stage.send(stage.generate(10))
    # Twice the longest time that buffering may take is not late yet.
    stage.wait_minutes(7)
    yield
    stage.set_faults()


@_drill(
    "Firehose throttles every put.",
    alarms="QueueAge QueueDepth StreamThrottled",
)
def throttled(stage: Stage) -> Steps:
    """Refuse every put; the events go to the buffer queue."""
    stage.set_faults(throttle=1)
    stage.send(stage.generate(800))
    stage.wait_minutes(8)
    yield
    stage.set_faults()
    stage.wait_until(lambda: stage.message_count(stage.deployment.queue) == 0, "the queue is empty")


@_drill(
    "The transform function does not start.",
    alarms="ProcessingSuccess TransformErrors",
    checks="errors function-errors function-settings",
)
def dead_transform(stage: Stage) -> Steps:
    """Name a handler that is not there."""
    with stage.function_with("Transform", Handler="nothing.handle"):
        _keep_sending(stage)
        stage.wait_until(lambda: stage.object_count("errors/processing-failed/") > 0, "the records are under errors/")
        yield
    # What Firehose still tries comes to an end; then what the function never transformed is re-ingested.
    stage.verdict()
    stage.redrive()


@_drill(
    "The webhook's function does not start, so the webhook answers 502.",
    alarms="IngestErrors ServerErrors",
    checks="function-errors function-settings health",
)
def dead_webhook(stage: Stage) -> Steps:
    """Name a handler that is not there; what got no answer is sent again when it is back."""
    events = stage.generate(5)
    with stage.function_with("Ingest", Handler="nothing.handle"):
        stage.send(events, batch=5)
        yield
    stage.send(events, batch=5)


@_drill("The sender signs with another key.", alarms="RefusedShare")
def wrong_key(stage: Stage) -> Steps:
    """Sign with a key that is not the secret's."""
    stage.send(stage.generate(120), batch=1, key=b"another key than the secret's")
    yield
    stage.send(stage.generate(5))


@_drill(
    "Genesys Cloud sends a field that no known shape has, and another type in a field that has one.",
    alarms="SchemaDrift",
    checks="schema-drift",
)
def schema_change(stage: Stage) -> Steps:
    """Change the shape of events."""
    events = stage.generate(6)
    for event in events:
        event.body["sentiment"] = {"score": 0.5}
        event.body["direction"] = 7
    stage.send(events)
    stage.wait_until(lambda: stage.has_landed(events), "the events land")
    yield


@_drill("Events are larger than Firehose's 1,000 KiB, as those with a whole transcript are.")
def too_large(stage: Stage) -> Steps:
    """Fill a field of free text."""
    events = stage.generate(3, "transcription")
    for event in events:
        event.body["eventBody"]["transcripts"][0]["alternatives"][0]["transcript"] = "and so on " * 150_000
    stage.send(events, batch=1)
    stage.wait_until(lambda: stage.has_landed(events), "the events land")
    yield


@_drill(
    "A message that is neither a record nor an event comes into the buffer queue.",
    alarms="DeadLetters",
    checks="dead-letters",
)
def poison_message(stage: Stage) -> Steps:
    """Send one between events."""
    stage.client("sqs").send_message(QueueUrl=stage.deployment.queue, MessageBody="neither a record nor an event")
    stage.send(stage.generate(5))
    stage.wait_until(lambda: stage.message_count(stage.deployment.dlq) > 0, "the message is a dead letter")
    stage.wait_minutes(1)
    yield
    stage.set_dead_letters_aside()


@_drill(
    "The delivery stream has more active partitions than its quota.",
    alarms="PartitionCountExceeded",
    checks="errors",
)
def too_many_partitions(stage: Stage) -> Steps:
    """Lower the quota to one partition."""
    stage.set_faults(partition_quota=1)
    stage.send([event for family in ("call", "chat", "email") for event in stage.generate(5, family)])
    stage.wait_until(lambda: stage.object_count("errors/") > 0, "the records are under errors/")
    yield
    stage.set_faults()
    stage.redrive()


@_drill(
    "The integration, the subscription to Genesys Cloud's events, is switched off at Genesys Cloud.",
    alarms="IntegrationActive PartnerSourceActive",
    checks="genesys-side partner-source",
)
def inactive_integration(stage: Stage) -> Steps:
    """Switch it off; the watch runs as its schedule has it."""
    stage.set_integration("DISABLED")
    # The alarms are on once three of six reports say no.
    for _ in range(3):
        stage.run_watch()
        stage.wait_minutes(5)
    yield
    stage.set_integration("ENABLED")
    stage.run_watch()


@_drill(
    "The de-duplication table does not answer.",
    alarms="DeduplicationUnavailable",
    checks="function-settings",
)
def deduplication_down(stage: Stage) -> Steps:
    """Let the transform function ask for a table that is not there."""
    with stage.function_with("Transform", DEDUPLICATION_TABLE="no-such-table"):
        events = stage.generate(10)
        stage.send(events)
        stage.wait_until(lambda: stage.has_landed(events), "the events land")
        yield


@_drill("Answers are lost on the way, so every event is sent and put more than once.")
def lost_answers(stage: Stage) -> Steps:
    """Let Firehose take half of the puts and close the connection."""
    stage.set_faults(lost_response=0.5)
    stage.send(stage.generate(20), batch=1)
    yield
    stage.set_faults()


@_drill("The webhook's certificate has expired.", checks="certificate")
def expired_certificate(stage: Stage) -> Steps:
    """Shake hands with an endpoint that has one; the embedded AWS has no TLS."""
    with TemporaryDirectory() as directory:
        authority = Authority(Path(directory))
        with tls_server(authority.issue("localhost", days=-1)) as port:
            handshake = function_module("certificate_probe.handshake").shake_hands(
                "localhost", port, datetime.now(UTC), authority.trust()
            )
            stage.also_found = {("certificate", finding) for finding in judge_certificate(handshake)}
            yield
    stage.send(stage.generate(5))
