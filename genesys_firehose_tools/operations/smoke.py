"""Sends one marked event through each way in of a deployed pipeline, and follows it into the bucket.

The queue's is the verification's event, of an ingress that no sender can name. What is posted is an event like any
other, so that it proves the way of any other. It has the shape of a flat webhook event: nothing in it is unknown, so no
alarm hears of it. Its `EVENT_TYPE` is none of Genesys Cloud's, so it lands under ``event_type=unknown``, where hardly
anything else does, and queries know it by that. The bus lets topics of its rule pass alone, so there it has one.

No event is read. Under ``raw/`` the event lies among others: a new object of its stream shows that Firehose can write
there now.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any

import urllib3
from botocore.exceptions import ClientError

from genesys_firehose_tools.errors import ToolError
from genesys_firehose_tools.library_files import function_module
from genesys_firehose_tools.operations.clients import Clients, SharedClients
from genesys_firehose_tools.operations.deployed_pipeline import DeployedPipeline
from genesys_firehose_tools.operations.deployed_resources import DeployedResources
from genesys_firehose_tools.operations.webhook import ingest_settings, target_of

EVENT_TYPE = "smoke.event"
"""The ``eventType`` of the webhook's event."""

_ANSWER_WITHIN_SECONDS = 10.0
# What an event may take beside its buffers, as in a deployment's own verification.
_WORK_SECONDS = 130.0
_ADVICE = {
    401: "the function has another signing key than the secret, or its settings are not those of webhook.signature",
    403: "this machine's network is not in the allow-list (webhook.allowed_cidrs, genesys.ip_allow_list, the web ACL)",
    429: "the API's throttling refuses requests: raise webhook.throttling",
    503: "ask `genesys-firehose doctor` for the health check's reason",
}


class SmokeError(ToolError):
    """A way in can't be tried, or an event did not come."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A place that an event has reached.

    Attributes:
        name: ``accepted``, ``raw/`` or ``clean/``.
        seconds: Since the event was sent.
        key: The new object's key; None where there is no object.
        retention: Mode and end of its lock, or ``none``.
        encryption: How it is encrypted, and with which key.
    """

    name: str
    seconds: float
    key: str | None = None
    retention: str | None = None
    encryption: str | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """What became of the event of one way in.

    Attributes:
        ingress: ``queue``, ``webhook`` or ``bus``.
        state: ``ok``, ``failed`` or ``not applicable``.
        reason: Why it is not ok.
        stages: The places that the event has reached.
    """

    ingress: str
    state: str
    reason: str = ""
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True, slots=True)
class _Stream:
    name: str
    log_group: str
    longest_delay: float


class Smoke:
    """One trial of every way into a pipeline.

    Args:
        clients: A boto3 session, or anything that makes its clients.
        pipeline: The pipeline.
        resources: What its template declares.
        is_local: Whether it is in an embedded AWS, where a partner's events can be put.
        wait_seconds: How long an event may take. Default: the buffers' longest time and 130 s.
        sleep: Waits.
    """

    def __init__(
        self,
        clients: Clients,
        pipeline: DeployedPipeline,
        resources: DeployedResources,
        *,
        is_local: bool,
        wait_seconds: float | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clients = SharedClients(clients)
        self._pipeline = pipeline
        self._resources = resources
        self._is_local = is_local
        self._wait_seconds = wait_seconds
        self._sleep = sleep
        firehose = clients.client("firehose")
        self._streams = [_describe(firehose, name) for name in pipeline.output("StreamNames").split(",")]
        self._settings = ingest_settings(clients, pipeline)

    def run(self) -> Iterator[Passage]:
        """Try the ways side by side, and yield what became of each event."""
        ways = {"queue": self._queue, "webhook": self._webhook, "bus": self._bus}
        with ThreadPoolExecutor(len(ways)) as executor:
            yield from executor.map(self._try, ways, ways.values())

    def _try(self, ingress: str, way: Callable[[list[Stage]], str | None]) -> Passage:
        stages: list[Stage] = []
        try:
            reason = way(stages)
        except (SmokeError, function_module("verification.delivery").DeliveryError) as error:
            return Passage(ingress, "failed", str(error), tuple(stages))
        except ClientError as error:
            refusal = f"AWS refused {error.operation_name} with {error.response['Error']['Code']}."
            return Passage(ingress, "failed", refusal, tuple(stages))
        return Passage(ingress, "not applicable" if reason else "ok", reason or "", tuple(stages))

    def _queue(self, stages: list[Stage]) -> None:
        verification = function_module("shared.envelope").VERIFICATION
        self._follow(stages, self._streams, verification)

    def _webhook(self, stages: list[Stage]) -> str | None:
        url = self._pipeline.outputs.get("IngestUrl")
        if url is None:
            return "the pipeline has no webhook"
        secret = self._clients.client("secretsmanager").get_secret_value(SecretId=self._settings.signing_secret_arn)
        event = {"eventType": EVENT_TYPE, "messageId": str(uuid.uuid4()), "timestamp": datetime.now(UTC).isoformat()}
        body = json.dumps(event).encode()
        headers = target_of(self._settings.signature, url, secret["SecretString"].encode()).headers(body)
        self._send(stages, event, partial(_post, url, body, headers, stages))
        return None

    def _bus(self, stages: list[Stage]) -> str | None:
        source = self._pipeline.outputs.get("PartnerBusName")
        if source is None:
            return "the pipeline has no partner bus"
        if not self._is_local:
            return "nobody but Genesys Cloud can put events on the bus; the metric Invocations of its rule counts them"
        [topic, *_] = next(
            rule.properties["EventPattern"]["detail-type"]
            for rule in self._resources.of_type("AWS::Events::Rule")
            if "EventPattern" in rule.properties and "detail-type" in rule.properties["EventPattern"]
        )
        detail = {"topicName": topic, "timestamp": datetime.now(UTC).isoformat(), "eventBody": {}}
        entry = {"Source": source, "DetailType": topic, "Detail": json.dumps(detail)}

        def put() -> None:
            answer = self._clients.client("events").put_partner_events(Entries=[entry])
            if answer["FailedEntryCount"]:
                raise SmokeError(f"The bus {source} did not take the event.")

        self._send(stages, {"detail-type": topic, "source": source, "detail": detail}, put)
        return None

    def _send(self, stages: list[Stage], event: dict[str, Any], send: Callable[[], None]) -> None:
        """Send an event, and follow it through the stream that its key chooses."""
        facts = function_module("shared.event").describe(event, self._settings.event_id_path, datetime.now(UTC))
        envelope = function_module("shared.envelope")
        record = envelope.wrap(b"{}", facts, "webhook", datetime.now(UTC))
        stream = self._streams[envelope.shard_of(record, len(self._streams))]
        self._follow(stages, [stream], facts.event_type, send)

    def _follow(
        self, stages: list[Stage], streams: list[_Stream], event_type: str, send: Callable[[], None] | None = None
    ) -> None:
        is_partitioned = "DatabaseName" in self._pipeline.outputs
        clean = f"event_type={event_type}/date=%Y-%m-%d" if is_partitioned else "%Y/%m/%d"
        settings = function_module("verification.settings").VerificationSettings(
            queue_url=self._pipeline.output("BufferQueueUrl"),
            bucket_name=self._pipeline.output("BucketName"),
            stream_names=tuple(stream.name for stream in streams),
            log_groups=tuple(stream.log_group for stream in streams),
            prefixes={"raw/": "raw/%Y/%m/%d/%H/", "clean/": f"clean/{clean}/"},
            retention_mode=self._resources.retention_mode,
            wait_seconds=self._wait_seconds or max(stream.longest_delay for stream in streams) + _WORK_SECONDS,
        )
        trial = function_module("verification.delivery").DeliveryTrial(
            settings, self._clients.client, sleep=self._sleep
        )
        for layer, landings in trial.run(send).landings.items():
            stages += [
                Stage(layer, landing.seconds, landing.key, landing.retention, landing.encryption)
                for landing in landings
            ]


def _post(url: str, body: bytes, headers: Mapping[str, str], stages: list[Stage]) -> None:
    begun = time.monotonic()
    try:
        answer = urllib3.request(
            "POST", url, body=body, headers=dict(headers), retries=False, timeout=_ANSWER_WITHIN_SECONDS
        )
    except urllib3.exceptions.HTTPError as error:
        raise SmokeError(
            f"The webhook gave no answer ({type(error).__name__}): check its name, TLS and network."
        ) from None
    if answer.status != HTTPStatus.OK:
        advice = _ADVICE.get(answer.status, "the API's access log has the request")
        raise SmokeError(f"The webhook answered {answer.status}: {advice}.")
    stages.append(Stage("accepted", round(time.monotonic() - begun, 3)))


def _describe(firehose: Any, name: str) -> _Stream:
    described = firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
    [destination] = [each["ExtendedS3DestinationDescription"] for each in described["Destinations"]]
    processors = destination.get("ProcessingConfiguration", {}).get("Processors", [])
    parameters = {
        each["ParameterName"]: each["ParameterValue"] for processor in processors for each in processor["Parameters"]
    }
    # Dynamic partitioning buffers in stages, which may take 1.5 times the interval.
    longest = (
        float(parameters.get("BufferIntervalInSeconds", 0)) + 1.5 * destination["BufferingHints"]["IntervalInSeconds"]
    )
    return _Stream(name, destination.get("CloudWatchLoggingOptions", {}).get("LogGroupName", ""), longest)
