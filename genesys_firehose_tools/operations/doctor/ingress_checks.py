"""Checks of the ways in: API, allow-list, bus, queue."""

import json
import urllib.parse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import urllib3

from genesys_firehose_tools.library_files import function_module
from genesys_firehose_tools.operations.doctor.findings import Finding, fault, not_applicable, ok, warning
from genesys_firehose_tools.operations.doctor.inspection import Inspection, Metric
from genesys_firehose_tools.operations.webhook import HOST_HEADER

if TYPE_CHECKING:
    from certificate_probe.handshake import Handshake

_ANSWER_WITHIN_SECONDS = 8.0
_AGAIN = "Deploy the stack again; CloudFormation puts back what drift detection shows."
_NO_WEBHOOK = "the pipeline has no webhook"
_NO_API = "the pipeline has no REST API"
_REASONS = {
    "SECRET_UNREADABLE": "the ingest function can't read the signing key: check its role, the secret and its KMS key",
    "SECRET_UNUSABLE": "the signing key can't work: its log says why; put another into the secret",
    "STREAM_UNREADABLE": "the ingest function may not describe the stream: check its role",
    "STREAM_NOT_ACTIVE": "a delivery stream is not active: see stream-status",
}
_STALE = timedelta(hours=1)
_LONGEST_INTERVAL = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Health:
    """What the health check answered.

    Attributes:
        status: The status; None for no answer.
        reason: The reason's code, or what went wrong with the request.
    """

    status: int | None
    reason: str


def look_at_health(inspection: Inspection) -> Health | None:
    """Ask the health check, as anybody may."""
    url = inspection.pipeline.outputs.get("HealthUrl")
    if url is None:
        return None
    try:
        host = inspection.pipeline.outputs.get(HOST_HEADER)
        headers = None if host is None else {"Host": host}
        answer = urllib3.request("GET", url, headers=headers, retries=False, timeout=_ANSWER_WITHIN_SECONDS)
    except urllib3.exceptions.HTTPError as error:
        return Health(None, type(error).__name__)
    try:
        reason = str(answer.json().get("reason", ""))
    except (ValueError, AttributeError):
        reason = ""
    return Health(answer.status, reason if reason in _REASONS else "")


def judge_health(health: Health | None) -> Iterator[Finding]:
    """The webhook must say that it can take events."""
    match health:
        case None:
            yield not_applicable(_NO_WEBHOOK)
        case Health(status=None):
            yield fault(
                f"The health check gives no answer ({health.reason}).",
                means="Senders may get none either.",
                fix="See dns, certificate and api-stage; from this machine a proxy may be in the way.",
            )
        case Health(status=403):
            yield not_applicable("this machine's network is not in the allow-list, so the health check refuses it")
        case Health(status=status) if status != 200:
            yield fault(
                f"The health check answers {status}{f', {health.reason}' if health.reason else ''}.",
                means="The webhook can't take events; the sender repeats them for 85 seconds only.",
                fix=_REASONS.get(health.reason, "Read the ingest function's log.").capitalize(),
            )


def look_at_tls(inspection: Inspection) -> "Handshake | None":
    """Shake hands with the webhook's host; None where the address is none of HTTPS, as in the embedded AWS."""
    url = urllib.parse.urlsplit(inspection.pipeline.outputs.get("IngestUrl", ""))
    if url.scheme != "https" or url.hostname is None:
        return None
    handshake: Handshake = function_module("certificate_probe.handshake").shake_hands(
        url.hostname, url.port or 443, inspection.now
    )
    return handshake


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiStage:
    """A stage of the API.

    Attributes:
        name: Its name.
        differences: Where its settings differ from the template's.
    """

    name: str
    differences: tuple[str, ...]


def look_at_stages(inspection: Inspection) -> list[ApiStage]:
    """Ask for every stage of the template."""
    found = []
    for stage in inspection.resources.of_type("AWS::ApiGateway::Stage"):
        declared, name = stage.properties, stage.properties["StageName"]
        api = inspection.resources.physical_id(declared["RestApiId"])
        actual = inspection.client("apigateway").get_stage(restApiId=api, stageName=name)
        settings = actual.get("methodSettings", {}).get("*/*", {})
        [wanted, *_] = declared.get("MethodSettings") or [{}]
        differences = [
            *inspection.resources.differences(declared["DeploymentId"], actual.get("deploymentId"), "DeploymentId"),
            *(
                difference
                for name, key in (
                    ("ThrottlingRateLimit", "throttlingRateLimit"),
                    ("ThrottlingBurstLimit", "throttlingBurstLimit"),
                )
                if name in wanted
                for difference in inspection.resources.differences(wanted[name], settings.get(key), name)
            ),
        ]
        found.append(ApiStage(name=name, differences=tuple(differences)))
    return found


def judge_stages(stages: list[ApiStage]) -> Iterator[Finding]:
    """The stage must serve the template's deployment, with its throttling."""
    if not stages:
        yield not_applicable(_NO_API)
    for stage in stages:
        if stage.differences:
            yield fault(
                f"The API's stage {stage.name} is not the template's: {'; '.join(stage.differences)}.",
                means="Requests may be refused, or reach another version of the API.",
                fix=_AGAIN,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowList:
    """Who may call the API.

    Attributes:
        networks: The networks that the template's policy allows; none for no such policy.
        missing: Those that the policy in force does not name.
        added: Those that it names, and the template does not.
        follows: Whether a function keeps the list at Genesys Cloud's networks.
        in_force: How many of these the function reported last; None without a report.
        wants_web_acl: Whether the template puts a web ACL in front of the API.
        has_web_acl: Whether one is there.
    """

    networks: tuple[str, ...]
    missing: tuple[str, ...]
    added: tuple[str, ...]
    follows: bool
    in_force: float | None
    wants_web_acl: bool
    has_web_acl: bool


def look_at_allow_list(inspection: Inspection) -> AllowList | None:
    """Ask for the API's policy, its web ACL, and what the function that follows Genesys Cloud's networks reported."""
    apis = inspection.resources.of_type("AWS::ApiGateway::RestApi")
    if not apis:
        return None
    [api, *_] = apis
    wanted = set(_networks(api.properties.get("Policy")))
    in_force = set()
    if wanted:
        text = inspection.client("apigateway").get_rest_api(restApiId=api.physical_id).get("policy", "{}")
        in_force = set(_networks(_policy(text)))
    follows = inspection.resources.function("genesys_ipranges") is not None
    [reports] = inspection.metric_values([inspection.own_metric("IpRangesInForce")], "Maximum", _LONGEST_INTERVAL)
    wants = bool(inspection.resources.of_type("AWS::WAFv2::WebACLAssociation"))
    return AllowList(
        networks=tuple(sorted(wanted)),
        missing=tuple(sorted(wanted - in_force)),
        added=tuple(sorted(in_force - wanted)),
        follows=follows,
        in_force=reports[0] if reports else None,
        wants_web_acl=wants,
        has_web_acl=wants and _has_web_acl(inspection, api.physical_id),
    )


def _has_web_acl(inspection: Inspection, api: str) -> bool:
    [stage, *_] = inspection.resources.of_type("AWS::ApiGateway::Stage")
    name = stage.properties["StageName"]
    return "webAclArn" in inspection.client("apigateway").get_stage(restApiId=api, stageName=name)


def _policy(text: str) -> Any:
    # API Gateway answers with a text in which quotation marks are escaped once more.
    return json.loads(text.replace('\\"', '"'))


def _networks(policy: Any) -> Iterator[str]:
    """Yield the networks of a resource policy's conditions on aws:SourceIp."""
    for statement in (policy or {}).get("Statement", []):
        for operator in statement.get("Condition", {}).values():
            named = operator.get("aws:SourceIp", [])
            yield from [named] if isinstance(named, str) else named


def judge_allow_list(found: AllowList | None) -> Iterator[Finding]:
    """What the template allows must be in force, and nothing else."""
    if found is None:
        yield not_applicable(f"{_NO_API}; a load balancer's networks are in its security group")
        return
    if not found.networks and not found.wants_web_acl:
        yield not_applicable("every network may call the API (webhook.allowed_cidrs); signatures keep strangers out")
    if found.missing:
        yield fault(
            f"The API's policy does not allow {', '.join(found.missing)}.",
            means="The sender is refused with 403.",
            fix=_AGAIN,
        )
    if found.added:
        yield warning(
            f"The API's policy names networks that the template does not: {', '.join(found.added)}.",
            means="More may call than webhook.allowed_cidrs says.",
            fix=_AGAIN,
        )
    if found.wants_web_acl and not found.has_web_acl:
        yield fault("No web ACL is in front of the API.", means="Every network may call it.", fix=_AGAIN)
    if found.follows and found.in_force == 0:
        yield fault(
            "No network of Genesys Cloud is in the allow-list.",
            means="Genesys Cloud is refused with 403.",
            fix="Read the log of the function that follows its networks: credentials, Genesys Cloud's API, AWS WAF.",
        )
    elif found.follows and found.in_force is None:
        yield not_applicable("the function that follows Genesys Cloud's networks has reported nothing within two days")


@dataclass(frozen=True, slots=True)
class PartnerSource:
    """The partner event source.

    Attributes:
        name: Its name.
        state: Its state.
    """

    name: str
    state: str


def look_at_partner_source(inspection: Inspection) -> PartnerSource | None:
    """Ask EventBridge for the source."""
    name = inspection.pipeline.outputs.get("PartnerBusName")
    if name is None:
        return None
    return PartnerSource(name, inspection.client("events").describe_event_source(Name=name)["State"])


def judge_partner_source(source: PartnerSource | None) -> Iterator[Finding]:
    """The source must be active."""
    if source is None:
        yield not_applicable("the pipeline has no partner bus")
    elif source.state != "ACTIVE":
        yield fault(
            f"The partner event source {source.name} is {source.state}.",
            means="Nothing comes over EventBridge.",
            fix="Look at the integration in Genesys Cloud, and whether the bus of the source's name exists.",
        )


@dataclass(frozen=True, slots=True)
class GenesysSide:
    """What the watch reported last.

    Attributes:
        reported: The newest value of each of its metrics that the pipeline has; None without one.
    """

    reported: dict[str, float | None]


def look_at_genesys_side(inspection: Inspection) -> GenesysSide:
    """Ask for what the watch wrote within an hour."""
    settings = inspection.function_settings("genesys_watch")
    watched = [
        name
        for name, setting in (("IntegrationActive", "INTEGRATION_SUFFIX"), ("SubscriptionActive", "SUBSCRIPTION_PATH"))
        if settings.get(setting)
    ]
    values = inspection.metric_values([inspection.own_metric(name) for name in watched], "Minimum", _STALE)
    return GenesysSide({name: found[0] if found else None for name, found in zip(watched, values, strict=True)})


def judge_genesys_side(side: GenesysSide) -> Iterator[Finding]:
    """Integration and subscription must be active, as far as they are watched."""
    if not side.reported:
        yield not_applicable("the pipeline watches neither integration nor subscription")
    for name, value in side.reported.items():
        what = name.removesuffix("Active").lower()
        if value is None:
            yield not_applicable(
                f"the watch has reported nothing of the {what} within an hour; WatchNotRunning watches it"
            )
        elif value < 1:
            yield fault(
                f"The {what} at Genesys Cloud is not active, or Genesys Cloud does not say so.",
                means="No events come that way.",
                fix="Look at it in Genesys Cloud, then at the OAuth client; the watch's log has the answer's status.",
            )
        else:
            yield ok(f"The {what} at Genesys Cloud is active.")


@dataclass(frozen=True, slots=True)
class Names:
    """What the last run that took names reported.

    Attributes:
        permissions: What the OAuth client needs for the kinds that are to be taken.
        forbidden: How many kinds Genesys Cloud did not let it list; None where no run reported.
        whole: Whether every other kind was taken whole; None where no run reported.
    """

    permissions: tuple[str, ...]
    forbidden: float | None
    whole: float | None


def look_at_names(inspection: Inspection) -> Names | None:
    """Ask for what the function wrote within two days, twice the longest interval."""
    kinds = inspection.function_settings("genesys_names").get("KINDS")
    if kinds is None:
        return None
    known = function_module("genesys_names.kinds").KINDS
    metrics = [inspection.own_metric(name) for name in ("NamesForbidden", "NamesWhole")]
    values = inspection.metric_values(metrics, "Minimum", _LONGEST_INTERVAL)
    forbidden, whole = (found[0] if found else None for found in values)
    return Names(tuple(known[kind].permission for kind in kinds.split(",")), forbidden, whole)


def judge_names(names: Names | None) -> Iterator[Finding]:
    """No permission may be missing, and all that may be listed must have been taken whole."""
    if names is None:
        yield not_applicable("the pipeline takes no names from Genesys Cloud")
        return
    if names.forbidden is None or names.whole is None:
        yield not_applicable("no run that takes names has reported within two days; NamesMissing watches it")
        return
    if names.forbidden:
        yield fault(
            f"Genesys Cloud does not let the OAuth client list {names.forbidden:.0f} of {len(names.permissions)} kinds "
            "of names.",
            means="New queues, codes or agents of that kind have no name in the lake.",
            fix=f"The client needs {', '.join(names.permissions)}; the function's log names what is missing.",
        )
    if not names.whole:
        yield warning(
            "The last run did not take all names from Genesys Cloud.",
            means="The lake goes on with an older snapshot.",
            fix="Read the function's log, and run it by hand; see NamesMissing in docs/alarms.md.",
        )
    if names.whole and not names.forbidden:
        yield ok("Names are taken whole from Genesys Cloud.")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of EventBridge.

    Attributes:
        name: Its name.
        state: Its state.
        targets: How many targets it has.
    """

    name: str
    state: str
    targets: int


def look_at_rules(inspection: Inspection) -> list[Rule]:
    """Ask for every rule of the template."""
    events, found = inspection.client("events"), []
    for rule in inspection.resources.of_type("AWS::Events::Rule"):
        # Of a rule on a bus of its own, the physical id is <bus>|<rule>.
        name = rule.physical_id.rpartition("|")[2]
        bus = rule.properties.get("EventBusName")
        place = {} if bus is None else {"EventBusName": inspection.resources.physical_id(bus)}
        state = events.describe_rule(Name=name, **place)["State"]
        targets = events.list_targets_by_rule(Rule=name, **place)["Targets"]
        found.append(Rule(name, state, len(targets)))
    return found


def judge_rules(rules: list[Rule]) -> Iterator[Finding]:
    """Every rule must be enabled and have its target."""
    if not rules:
        yield not_applicable("the pipeline has no rules")
    for rule in rules:
        if rule.state == "DISABLED":
            yield fault(
                f"The rule {rule.name} is disabled.",
                means="What it should start or forward does not happen: events of the bus, or a schedule.",
                fix=f"aws events enable-rule --name {rule.name}, with --event-bus-name for one of the partner's bus",
            )
        if not rule.targets:
            yield fault(
                f"The rule {rule.name} has no target.",
                means="What it should start or forward does not happen.",
                fix=_AGAIN,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue of the pipeline.

    Attributes:
        name: Its name.
        is_dead_letters: Whether it takes what another could not deliver.
        waiting: Messages in it, those that are being worked on included.
        differences: Where its settings differ from the template's.
        oldest: The age of its oldest message in seconds; None without data.
    """

    name: str
    is_dead_letters: bool
    waiting: int
    differences: tuple[str, ...]
    oldest: float | None


def look_at_queues(inspection: Inspection) -> list[Queue]:
    """Ask for every queue of the template."""
    found = []
    for queue in inspection.resources.of_type("AWS::SQS::Queue"):
        url, declared = queue.physical_id, queue.properties
        attributes = inspection.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        actual = {**attributes, "RedrivePolicy": json.loads(attributes.get("RedrivePolicy", "{}"))}
        known = ("KmsMasterKeyId", "MessageRetentionPeriod", "RedrivePolicy")
        name = url.rsplit("/", 1)[1]
        metric = Metric("AWS/SQS", "ApproximateAgeOfOldestMessage", (("QueueName", name),))
        [ages] = inspection.metric_values([metric], "Maximum", timedelta(minutes=15))
        found.append(
            Queue(
                name=name,
                is_dead_letters="RedrivePolicy" not in declared,
                waiting=sum(
                    int(attributes.get(each, 0))
                    for each in ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
                ),
                differences=tuple(
                    inspection.resources.differences({n: declared[n] for n in known if n in declared}, actual)
                ),
                oldest=ages[0] if ages else None,
            )
        )
    return found


def judge_queues(queues: Iterable[Queue]) -> Iterator[Finding]:
    """A queue must keep its settings, and be drained."""
    for queue in queues:
        if queue.differences:
            yield fault(
                f"The queue {queue.name} is not the template's: {'; '.join(queue.differences)}.",
                means="A message may be lost early, or stand in clear.",
                fix=_AGAIN,
            )
        if not queue.is_dead_letters and queue.waiting and (queue.oldest or 0) >= 900:
            yield fault(
                f"{queue.waiting} messages wait in {queue.name}, the oldest for {queue.oldest:,.0f} s.",
                means="Accepted events are late.",
                fix="See queue-consumer and stream-status, then the ingest function's log.",
            )


def judge_dead_letters(queues: Iterable[Queue]) -> Iterator[Finding]:
    """No message may be in a dead-letter queue."""
    for queue in queues:
        if queue.is_dead_letters and queue.waiting:
            yield fault(
                f"{queue.waiting} messages are in the dead-letter queue {queue.name}.",
                means="Accepted events have not landed; SQS deletes them after 14 days.",
                fix="`genesys-firehose dead-letters list` says why they are there; mend the cause, then redrive.",
            )


@dataclass(frozen=True, slots=True)
class Consumer:
    """What takes messages out of a queue.

    Attributes:
        uuid: The mapping's id.
        state: Its state.
        result: What its last run said.
    """

    uuid: str
    state: str
    result: str


def look_at_consumers(inspection: Inspection) -> list[Consumer]:
    """Ask for every event source mapping of the template."""
    found = []
    for mapping in inspection.resources.of_type("AWS::Lambda::EventSourceMapping"):
        answer = inspection.client("lambda").get_event_source_mapping(UUID=mapping.physical_id)
        found.append(Consumer(mapping.physical_id, answer["State"], answer.get("LastProcessingResult", "")))
    return found


def judge_consumers(consumers: Iterable[Consumer]) -> Iterator[Finding]:
    """Somebody must take the messages out."""
    for consumer in consumers:
        if consumer.state not in ("Enabled", "Creating", "Enabling", "Updating"):
            yield fault(
                f"The event source mapping {consumer.uuid} is {consumer.state}.",
                means="What came by the bus, and what Firehose refused, waits in the queue.",
                fix=f"aws lambda update-event-source-mapping --uuid {consumer.uuid} --enabled",
            )
