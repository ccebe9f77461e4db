"""An event subscription of a Genesys Cloud organization, managed by the stack."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aws_cdk import Duration, Stack, Token
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import SERVERLESS, acknowledge
from genesys_firehose_cdk.common.context import PipelineContext
from genesys_firehose_cdk.common.hmac_key import KEY_KNOWN_AFTER, HmacKey
from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.validation import (
    InvalidPropertyError,
    check_duration,
    check_header_name,
    check_range,
)
from genesys_firehose_cdk.genesys.connection import GenesysConnectionProps
from genesys_firehose_cdk.genesys.genesys_resource import GenesysResource, check_give_up_after
from genesys_firehose_cdk.ingress.signature import SignatureKind, SignatureProps

SIGNING_KEY = "${signing_key}"
"""Stands in headers and bodies for the signing key, which the function puts there when it runs."""

GUIDE_PATH = "/api/v2/notifications/eventSubscriptions"
GUIDE_BODY: Mapping[str, Any] = {
    "eventSubscription": {
        "name": "${name}",
        "url": "${url}",
        "events": "${events}",
        "filters": "${filters}",
        "active": True,
        "headers": "${headers}",
    }
}
"""The body of the guide that this project implements."""

_MAX_BODY_BYTES = 2500
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")
_NAME = re.compile(r"[ -~]{1,200}")
_EVENT = re.compile(r"[^\s\"]+")
_WHOLE_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, kw_only=True)
class EventSubscriptionProps(Props, at="genesys.subscription"):
    """What is subscribed to, and how the API is told.

    Attributes:
        name: The subscription's name, 1 to 200 printable ASCII characters, to which a marker in
            parentheses is added that tells it from all others. Default: Genesys-to-AWS-Firehose-Stream.
        event_names: What to subscribe to. Default: call.event, chat.event and email.event.
        filters: Which of them, such as `{"direction": "inbound"}`. Default: all.
        headers: The headers of every post; `${signing_key}` stands for the signing key. Default:
            `{"X-Genesys-Signature": "${signing_key}"}`, which needs `SignatureProps.shared_key()` at the webhook.
        path: The collection of subscriptions in the API. Default: that of the guide.
        body: What is sent to it, with `${name}`, `${url}`, `${events}`, `${filters}`, `${headers}` and
            `${signing_key}` where they belong; `${name}` must be there. With all that stands in it, at most
            2,500 bytes as JSON, because the function has it in its environment of 4 KB (AWS Lambda Developer Guide,
            "Lambda quotas"). Default: `GUIDE_BODY`.
        check_interval: How often the subscription is compared; 1 minute to 24 hours. Default: 15 minutes.
        give_up_after: When a change that is not complete fails; 1 to 40 minutes. Default: 10 minutes.

    Raises:
        InvalidPropertyError: A value that cannot work; the message says why.
    """

    name: str = "Genesys-to-AWS-Firehose-Stream"
    event_names: Sequence[str] = ("call.event", "chat.event", "email.event")
    filters: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=lambda: {"X-Genesys-Signature": SIGNING_KEY})
    path: str = GUIDE_PATH
    body: Mapping[str, Any] = field(default_factory=lambda: GUIDE_BODY)
    check_interval: Duration = Duration.minutes(15)
    give_up_after: Duration = Duration.minutes(10)

    def validate(self) -> None:
        """Check what is sent to the API, and the times."""
        self._check_names()
        if not _PATH.fullmatch(self.path):
            raise InvalidPropertyError(
                self.name_of("path"),
                f"is {self.path!r}",
                "segments of letters, digits and ._~- after slashes are allowed",
            )
        body = self.body_for("")
        # In the environment it is a JSON text within JSON.
        size = len(json.dumps(json.dumps(body, ensure_ascii=False), ensure_ascii=False).encode())
        check_range(
            self.name_of("body"), size, 1, _MAX_BODY_BYTES, "bytes as JSON", "to fit the function's environment of 4 KB"
        )
        if "${marker}" not in str(body):
            raise InvalidPropertyError(
                self.name_of("body"), "holds no ${name}", "a body with the subscription's name is allowed"
            )
        name = self.name_of("check_interval")
        check_duration(name, self.check_interval, 1, 1440, "minutes", "to follow a rotation in time")
        check_give_up_after(self.name_of("give_up_after"), self.give_up_after)

    def _check_names(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InvalidPropertyError(
                self.name_of("name"), f"is {self.name!r}", "1 to 200 printable ASCII characters are allowed"
            )
        if not self.event_names:
            raise InvalidPropertyError(
                self.name_of("event_names"), "is empty", "at least one name such as call.event is allowed"
            )
        for event_name in self.event_names:
            if not _EVENT.fullmatch(event_name):
                raise InvalidPropertyError(
                    self.name_of("event_names"), f"holds {event_name!r}", "names such as call.event are allowed"
                )
        for header in self.headers:
            check_header_name(self.name_of("headers"), header)

    def check_signature(self, signature: SignatureProps) -> None:
        """Refuse a webhook whose signature the subscription's posts would not have.

        What stands in a header is fixed: it can be the key, and no HMAC of a body. A subscription can only sign with
        a key that its body gives outside the headers.

        Raises:
            InvalidPropertyError: The posts would be answered with HTTP 401.
        """
        name = self.name_of("headers")
        if signature.kind is SignatureKind.HMAC:
            if SIGNING_KEY not in str(_fill(self.body, {"headers": {}})):
                raise InvalidPropertyError(
                    name,
                    "sign nothing, and webhook.signature.kind is HMAC",
                    "webhook=WebhookProps(signature=SignatureProps.shared_key()) is allowed, or a body that gives the "
                    "key for signing outside the headers",
                )
            return
        if signature.kind is SignatureKind.BASIC:
            raise InvalidPropertyError(
                name, "cannot encode the key for webhook.signature.kind BASIC", "SHARED_KEY is allowed"
            )
        texts = set(_texts(self.body_for("")))
        wanted = f"{signature.prefix}{SIGNING_KEY}"
        if wanted not in texts or signature.header.lower() not in {text.lower() for text in texts}:
            raise InvalidPropertyError(
                name,
                "hold no key for webhook.signature",
                f"{{{signature.header!r}: {wanted!r}}} is allowed",
            )

    def body_for(self, url: str) -> Any:
        """Return the body, but for the marker and the signing key, which the function knows."""
        values = {
            "name": f"{self.name} (${{marker}})",
            "url": url,
            "events": list(self.event_names),
            "filters": dict(self.filters),
            "headers": dict(self.headers),
        }
        return _fill(self.body, values)


class EventSubscription(GenesysResource):
    """Creates, updates, keeps and removes a subscription that posts events to the webhook.

    No published SDK and no documentation of Genesys Cloud has the endpoint that the guide names. So
    every part of it is a property, and an organization that does not have it refuses the creation with its
    own words, which leaves nothing behind.

    On a schedule the subscription is compared with what it should be, and written again where it
    differs: so one that Genesys Cloud made inactive becomes active again, and a new signing key reaches the
    sender within one interval, while the webhook accepts both: the next key (AWSPENDING) as soon as every environment
    of the ingest function knows it, otherwise the current one.

    Everything but the path changes in place. Another region of Genesys Cloud is refused: give the construct
    another id as well, so that the old subscription is removed with its own credentials.

    Attributes:
        function: The function that makes the changes.
        resource: The custom resource, with the attribute `SubscriptionId`.
        schedule: The rule that has the subscription compared.
        subscription_id: The subscription's id at Genesys Cloud.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        context: PipelineContext,
        connection: GenesysConnectionProps,
        url: str,
        signing_key: HmacKey,
        props: EventSubscriptionProps | None = None,
    ) -> None:
        """Create the custom resource with its function and schedule.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: The pipeline's log settings. The subscription itself always goes with the stack.
            connection: Where the organization is.
            url: Where events are posted to; it begins with https://.
            signing_key: The key that the sender signs with.
            props: What is subscribed to. Default: EventSubscriptionProps().

        Raises:
            InvalidPropertyError: `url` is no HTTPS URL.
        """
        if not Token.is_unresolved(url) and not url.startswith("https://"):
            raise InvalidPropertyError("url", f"is {url!r}", "a URL that begins with https:// is allowed")
        props = props or EventSubscriptionProps()
        super().__init__(
            scope,
            id,
            context=context,
            connection=connection,
            package="genesys_subscription",
            description="Manages the event subscription at Genesys Cloud",
            properties={"Path": props.path, "Body": Stack.of(scope).to_json_string(props.body_for(url))},
            statements=signing_key.read_statements,
            environment={
                "SIGNING_SECRET_ARN": signing_key.secret.secret_arn,
                "KEY_KNOWN_AFTER_SECONDS": str(int(KEY_KNOWN_AFTER.to_seconds())),
            },
            give_up_after=props.give_up_after,
        )
        self.subscription_id = self.resource.get_att_string("SubscriptionId")
        self.schedule = self._create_schedule(props.check_interval)

    def _create_schedule(self, interval: Duration) -> events.Rule:
        schedule = events.Rule(
            self,
            "Schedule",
            description="Keeps the event subscription at Genesys Cloud active and with today's key",
            schedule=events.Schedule.rate(interval),
            targets=[
                targets.LambdaFunction(
                    self.function,
                    event=events.RuleTargetInput.from_object({"RequestType": "Keep"}),
                    # The next comparison comes soon.
                    retry_attempts=0,
                )
            ],
        )
        acknowledge(
            schedule,
            "EventBusDLQ",
            SERVERLESS,
            reason="The next scheduled comparison does what a missed one did not; a queue would not bring it sooner.",
        )
        # When the resource is removed, its schedule must be gone, or it would create the subscription again.
        schedule.node.add_dependency(self.resource)
        return schedule


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in a template, names of fields among them."""
    match value:
        case str():
            yield value
        case Mapping():
            yield from (text for pair in value.items() for each in pair for text in _texts(each))
        case list() | tuple():
            yield from (text for each in value for text in _texts(each))


def _fill(template: Any, values: Mapping[str, Any]) -> Any:
    """Return the template with the values in place of their placeholders; those it does not know stay."""
    if isinstance(template, Mapping):
        return {name: _fill(each, values) for name, each in template.items()}
    if isinstance(template, list | tuple):
        return [_fill(each, values) for each in template]
    if not isinstance(template, str):
        return template
    whole = _WHOLE_PLACEHOLDER.fullmatch(template)
    if whole is not None:
        return values.get(whole[1], template)
    for name in ("name", "url"):
        template = template.replace(f"${{{name}}}", values[name])
    return template
