"""The custom resources at Genesys Cloud: what their properties are, what they may do, and what they refuse."""

import contextlib
import json
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Annotations, Match

from genesys.function import PASS_SECONDS
from genesys.propagation import PATIENCE_SECONDS
from genesys_firehose_cdk import (
    GenesysFirehosePipeline,
    GenesysProps,
    HmacKey,
    InvalidPropertyError,
    PartnerBusProps,
    SignatureProps,
    WebhookProps,
)
from genesys_firehose_cdk.events.topics import known_topics
from genesys_firehose_cdk.genesys.connection import GenesysConnectionProps
from genesys_firehose_cdk.genesys.event_subscription import EventSubscription, EventSubscriptionProps
from genesys_firehose_cdk.genesys.eventbridge_integration import EventBridgeIntegration, EventBridgeIntegrationProps
from genesys_firehose_cdk.genesys.region import GenesysRegion
from genesys_subscription.subscription import MARKER, SIGNING_KEY, SubscriptionResource
from tests.library.acknowledgement_checks import unacknowledged, unneeded
from tests.library.synthesis import Template, as_list, flat, new_context, new_stack, statements, template_of

ORG_ID = "3b1f3c1e-0000-4000-8000-000000000000"
FRANKFURT = cdk.Environment(account="111122223333", region="eu-central-1")
# AWS CloudFormation User Guide, "Custom resources": one hour unless ServiceTimeout says less.
CLOUDFORMATION_WAITS_SECONDS = 3600
PROPS = PartnerBusProps(org_id=ORG_ID, event_source_suffix="lake", topics=["agent_presence", "quality"])


def _connection(stack: cdk.Stack, region: GenesysRegion = GenesysRegion.EU_CENTRAL_1) -> GenesysConnectionProps:
    secret = secretsmanager.Secret.from_secret_attributes(
        stack,
        "Credentials",
        secret_complete_arn="arn:aws:secretsmanager:eu-central-1:111122223333:secret:genesys-AbCdEf",
        encryption_key=kms.Key(stack, "CredentialsKey", enable_key_rotation=True),
    )
    return GenesysConnectionProps(region=region, credentials=secret)


def _integration(
    stack: cdk.Stack, region: GenesysRegion = GenesysRegion.EU_CENTRAL_1, **properties: Any
) -> EventBridgeIntegration:
    return EventBridgeIntegration(
        stack,
        "Integration",
        **{
            "context": new_context(stack),
            "connection": _connection(stack, region),
            "partner_bus": PROPS,
            **properties,
        },
    )


def _subscription(stack: cdk.Stack, **properties: Any) -> EventSubscription:
    return EventSubscription(
        stack,
        "Subscription",
        **{
            "context": new_context(stack),
            "connection": _connection(stack),
            "url": f"https://api.{stack.url_suffix}/ingest/genesys-events",
            "signing_key": HmacKey(stack, "SigningKey", description="signing"),
            **properties,
        },
    )


def _subscribed_pipeline(stack: cdk.Stack, **properties: Any) -> GenesysFirehosePipeline:
    connection = _connection(stack)
    genesys = GenesysProps(
        region=connection.region, credentials=connection.credentials, subscription=EventSubscriptionProps()
    )
    webhook = WebhookProps(signature=SignatureProps.shared_key())
    return GenesysFirehosePipeline(stack, "Pipeline", **{"genesys": genesys, "webhook": webhook, **properties})


BUILDS: dict[str, Callable[[cdk.Stack], Any]] = {"integration": _integration, "subscription": _subscription}


@pytest.fixture(scope="module")
def integration() -> Template:
    stack = new_stack()
    _integration(stack)
    return template_of(stack)


@pytest.fixture(scope="module")
def subscription() -> Template:
    stack = new_stack()
    _subscription(stack)
    return template_of(stack)


def _custom_resource(template: Template) -> dict[str, Any]:
    [resource] = template.resources("AWS::CloudFormation::CustomResource").values()
    properties: dict[str, Any] = resource["Properties"]
    return properties


def test_integration_is_told_source_and_topics(integration: Template) -> None:
    properties = _custom_resource(integration)
    assert "Providerframework" in flat(properties.pop("ServiceToken"))
    assert properties == {
        "Host": "mypurecloud.de",
        "OrgId": ORG_ID,
        "Account": {"Ref": "AWS::AccountId"},
        "Region": {"Ref": "AWS::Region"},
        "Suffix": "lake",
        "Name": "Amazon EventBridge Source",
        "Topics": ["v2.users.{id}.presence", "v2.quality.evaluations"],
    }


def test_integration_may_read_its_credentials_and_see_its_source(integration: Template) -> None:
    allowed = statements(integration.properties("AWS::IAM::ManagedPolicy", "Handler/Policy")["PolicyDocument"])
    assert {sid: set(as_list(statement["Action"])) for sid, statement in allowed.items()} == {
        "Logs": {"logs:CreateLogStream", "logs:PutLogEvents"},
        "Tracing": {"xray:PutTraceSegments", "xray:PutTelemetryRecords"},
        "ReadGenesysCredentials": {"secretsmanager:GetSecretValue"},
        "DecryptGenesysCredentials": {"kms:Decrypt"},
        "DescribeSource": {"events:DescribeEventSource"},
    }
    assert allowed["ReadGenesysCredentials"]["Resource"].endswith(":secret:genesys-AbCdEf")
    assert flat(allowed["DescribeSource"]["Resource"]) == (
        f"arn:<AWS::Partition>:events:<AWS::Region>::event-source/aws.partner/genesys.com/cloud/{ORG_ID}/lake"
    )


def test_subscription_may_read_the_signing_key_as_well(subscription: Template) -> None:
    allowed = statements(subscription.properties("AWS::IAM::ManagedPolicy", "Handler/Policy")["PolicyDocument"])
    assert set(allowed) == {
        "Logs",
        "Tracing",
        "ReadGenesysCredentials",
        "DecryptGenesysCredentials",
        "ReadHmacKey",
        "DecryptHmacKey",
    }


@pytest.mark.parametrize("build", BUILDS)
def test_the_function_gives_up_before_the_framework_and_that_before_cloudformation(build: str) -> None:
    stack = new_stack()
    BUILDS[build](stack)
    template = template_of(stack)
    function = template.properties("AWS::Lambda::Function", "Handler/Function")
    give_up_after = int(function["Environment"]["Variables"]["GIVE_UP_AFTER_SECONDS"])
    [machine] = template.resources("AWS::StepFunctions::StateMachine").values()
    definition = json.loads(flat(machine["Properties"]["DefinitionString"]))
    [retry] = definition["States"]["framework-isComplete-task"]["Retry"]
    framework = retry["IntervalSeconds"] * retry["MaxAttempts"]
    assert function["Timeout"] >= PATIENCE_SECONDS + PASS_SECONDS + 10
    assert give_up_after + function["Timeout"] < framework < CLOUDFORMATION_WAITS_SECONDS


def test_subscription_is_told_the_guides_body(subscription: Template) -> None:
    properties = _custom_resource(subscription)
    assert properties["Path"] == "/api/v2/notifications/eventSubscriptions"
    assert json.loads(flat(properties["Body"])) == {
        "eventSubscription": {
            "name": "Genesys-to-AWS-Firehose-Stream (${marker})",
            "url": "https://api.<AWS::URLSuffix>/ingest/genesys-events",
            "events": ["call.event", "chat.event", "email.event"],
            "filters": {},
            "active": True,
            "headers": {"X-Genesys-Signature": "${signing_key}"},
        }
    }


def test_every_part_of_a_subscription_can_be_another() -> None:
    stack = new_stack()
    _subscription(
        stack,
        props=EventSubscriptionProps(
            name="Mine",
            event_names=["all"],
            filters={"direction": "inbound"},
            headers={"X-Key": "k ${signing_key}"},
            path="/api/v2/hooks",
            body={
                "label": "${name}",
                "to": ["${url}", "${events}", "${filters}", "${headers}", 5],
                "key": "${signing_key}",
            },
        ),
    )
    properties = _custom_resource(template_of(stack))
    assert properties["Path"] == "/api/v2/hooks"
    assert json.loads(flat(properties["Body"])) == {
        "label": "Mine (${marker})",
        "to": [
            "https://api.<AWS::URLSuffix>/ingest/genesys-events",
            ["all"],
            {"direction": "inbound"},
            {"X-Key": "k ${signing_key}"},
            5,
        ],
        "key": "${signing_key}",
    }


def test_construct_and_function_mean_the_same_placeholders(subscription: Template) -> None:
    properties = _custom_resource(subscription)
    body = flat(properties["Body"])
    assert MARKER in body
    assert SIGNING_KEY in body
    assert SubscriptionResource(lambda: "").identity({**properties, "Body": body}) == (
        "mypurecloud.de/api/v2/notifications/eventSubscriptions"
    )


@pytest.mark.parametrize("build", BUILDS)
def test_the_function_has_the_resources_properties_in_its_own_configuration(build: str) -> None:
    stack = new_stack()
    BUILDS[build](stack)
    template = template_of(stack)
    [(logical_id, resource)] = template.resources("AWS::CloudFormation::CustomResource").items()
    variables = template.properties("AWS::Lambda::Function", "Handler/Function")["Environment"]["Variables"]
    assert variables["STACK_ID"] == {"Ref": "AWS::StackId"}
    assert variables["LOGICAL_ID"] == logical_id
    properties = {name: value for name, value in resource["Properties"].items() if name != "ServiceToken"}
    assert json.loads(flat(variables["PROPERTIES"])) == {
        name: value if isinstance(value, list) else flat(value) for name, value in properties.items()
    }


def test_the_schedule_keeps_the_resource_and_tells_the_function_nothing_about_it(subscription: Template) -> None:
    [logical_id] = subscription.resources("AWS::CloudFormation::CustomResource")
    rule = subscription.one("AWS::Events::Rule", "Schedule")
    assert rule["Properties"]["ScheduleExpression"] == "rate(15 minutes)"
    [target] = rule["Properties"]["Targets"]
    assert json.loads(target["Input"]) == {"RequestType": "Keep"}
    # It goes before what it keeps.
    assert logical_id in rule["DependsOn"]


# AWS Lambda Developer Guide, "Lambda quotas": 4 KB for all environment variables.
ENVIRONMENT_BYTES = 4096


def _most_topics() -> PartnerBusProps:
    """As many of the longest topics as a rule takes."""
    topics = sorted(known_topics(), key=len, reverse=True)
    for number in range(len(topics), 0, -1):
        with contextlib.suppress(InvalidPropertyError):
            return PartnerBusProps(org_id=ORG_ID, event_source_suffix="x" * 64, topics=topics[:number])
    raise AssertionError


def _most_events() -> EventSubscriptionProps:
    """As many events as the body takes."""
    for number in range(500, 0, -1):
        with contextlib.suppress(InvalidPropertyError):
            return EventSubscriptionProps(event_names=[f"event.{each:04}" for each in range(number)])
    raise AssertionError


LONGEST: dict[str, Callable[[cdk.Stack], Any]] = {
    "integration": lambda stack: _integration(
        stack, partner_bus=_most_topics(), props=EventBridgeIntegrationProps(name="n" * 200)
    ),
    "subscription": lambda stack: _subscription(stack, props=_most_events()),
}


@pytest.mark.parametrize("build", LONGEST)
def test_the_longest_configuration_fits_the_functions_environment(build: str) -> None:
    stack = new_stack(environment=FRANKFURT)
    LONGEST[build](stack)
    variables = template_of(stack).properties("AWS::Lambda::Function", "Handler/Function")["Environment"]["Variables"]
    stack_id = "arn:aws:cloudformation:eu-central-1:111122223333:stack/" + "s" * 128 + "/" + "0" * 36
    values = {name: flat(value).replace("<AWS::StackId>", stack_id) for name, value in variables.items()}
    size = sum(len(name) + len(value.encode()) for name, value in values.items())
    # A secret's name may be 512 characters long, and a URL some.
    assert 2500 < size < ENVIRONMENT_BYTES - 600


def test_a_pipeline_subscribes_its_own_webhook_once_that_answers() -> None:
    stack = new_stack()
    pipeline = _subscribed_pipeline(stack)
    template = template_of(stack)
    [resource] = template.resources("AWS::CloudFormation::CustomResource").values()
    body = json.loads(flat(resource["Properties"]["Body"]))
    assert body["eventSubscription"]["url"] == flat(
        template.content["Outputs"][_output(pipeline, "IngestUrl")]["Value"]
    )
    [stage] = template.resources("AWS::ApiGateway::Stage")
    assert stage in resource["DependsOn"]
    function = template.properties("AWS::Lambda::Function", "Subscription/Handler/Function")
    assert (
        function["Environment"]["Variables"]["SIGNING_SECRET_ARN"]
        == (template.content["Outputs"][_output(pipeline, "SigningSecretArn")]["Value"])
    )


def _output(pipeline: GenesysFirehosePipeline, name: str) -> str:
    return str(cdk.Stack.of(pipeline).get_logical_id(pipeline.outputs[name]))


def test_a_pipeline_finds_nothing_wrong_with_its_subscription() -> None:
    assert unacknowledged(_subscribed_pipeline) == []
    assert unneeded(_subscribed_pipeline) == set()


@pytest.mark.parametrize("build", BUILDS)
def test_no_credential_is_in_the_template(build: str) -> None:
    stack = new_stack()
    BUILDS[build](stack)
    text = json.dumps(template_of(stack).content)
    assert "{{resolve:" not in text
    assert "SecretString" not in text.replace("GenerateSecretString", "")


@pytest.mark.parametrize("build", BUILDS)
def test_nothing_is_found_that_is_not_acknowledged(build: str) -> None:
    assert unacknowledged(BUILDS[build]) == []


@pytest.mark.parametrize("build", BUILDS)
def test_no_acknowledgement_is_about_a_finding_that_no_pack_makes(build: str) -> None:
    assert unneeded(BUILDS[build]) == set()


def test_another_aws_region_is_warned_about() -> None:
    stack = new_stack(environment=cdk.Environment(account="111122223333", region="eu-west-1"))
    _integration(stack)
    Annotations.from_stack(stack).has_warning(
        "/Test/Integration", Match.string_like_regexp("EU_CENTRAL_1 is in eu-central-1 and the stack in eu-west-1")
    )


def test_the_same_aws_region_is_not() -> None:
    stack = new_stack(environment=FRANKFURT)
    _integration(stack)
    Annotations.from_stack(stack).has_no_warning("/Test/Integration", Match.any_value())


@pytest.mark.parametrize(
    ("region", "stack_region", "begin"),
    [
        (GenesysRegion.US_EAST_2_GOVERNMENT, "eu-central-1", "us-"),
        (GenesysRegion.EUSC_DE_EAST_1, "eu-central-1", "eusc-"),
    ],
)
def test_data_of_a_government_or_a_sovereign_region_stays_where_it_may_be(
    region: GenesysRegion, stack_region: str, begin: str
) -> None:
    stack = new_stack(environment=cdk.Environment(account="111122223333", region=stack_region))
    with pytest.raises(InvalidPropertyError) as caught:
        _integration(stack, region)
    assert str(caught.value) == (
        f"region is {region.name} with a stack in {stack_region}: AWS regions that begin with {begin} are allowed, "
        "where its data may be."
    )


REFUSED: dict[str, tuple[Callable[[cdk.Stack], Any], str]] = {
    "integration's name": (
        lambda _: EventBridgeIntegrationProps(name=""),
        "genesys.integration.name is '': 1 to 200 printable ASCII characters are allowed.",
    ),
    "time": (
        lambda _: EventBridgeIntegrationProps(give_up_after=cdk.Duration.hours(1)),
        "genesys.integration.give_up_after is 3,600 seconds: 60 to 2,400 seconds are allowed, within CloudFormation's hour.",
    ),
    "subscription's name": (
        lambda _: EventSubscriptionProps(name="é"),
        "genesys.subscription.name is 'é': 1 to 200 printable ASCII characters are allowed.",
    ),
    "url": (
        lambda stack: _subscription(stack, url="http://x"),
        "url is 'http://x': a URL that begins with https:// is allowed.",
    ),
    "no events": (
        lambda _: EventSubscriptionProps(event_names=[]),
        "genesys.subscription.event_names is empty: at least one name such as call.event is allowed.",
    ),
    "event": (
        lambda _: EventSubscriptionProps(event_names=["call event"]),
        "genesys.subscription.event_names holds 'call event': names such as call.event are allowed.",
    ),
    "header": (
        lambda _: EventSubscriptionProps(headers={"X Y": "z"}),
        "genesys.subscription.headers is 'X Y': an HTTP header name is allowed, letters, digits and !#$%&'*+-.^_`|~.",
    ),
    "path": (
        lambda _: EventSubscriptionProps(path="hooks"),
        "genesys.subscription.path is 'hooks': segments of letters, digits and ._~- after slashes are allowed.",
    ),
    "body": (
        lambda _: EventSubscriptionProps(body={"url": "${url}"}),
        "genesys.subscription.body holds no ${name}: a body with the subscription's name is allowed.",
    ),
    "body that does not fit": (
        lambda _: EventSubscriptionProps(event_names=[f"event.{number:04}" for number in range(200)]),
        "genesys.subscription.body is 3,409 bytes as JSON: 1 to 2,500 bytes as JSON are allowed, to fit the function's "
        "environment of 4 KB.",
    ),
    "subscription that cannot sign": (
        lambda stack: _subscribed_pipeline(stack, webhook=WebhookProps()),
        "genesys.subscription.headers sign nothing, and webhook.signature.kind is HMAC: "
        "webhook=WebhookProps(signature=SignatureProps.shared_key()) is allowed, or a body that gives the key for signing "
        "outside the headers.",
    ),
    "subscription without the key's header": (
        lambda stack: _subscribed_pipeline(
            stack, webhook=WebhookProps(signature=SignatureProps.shared_key(header="X-Key", prefix="k:"))
        ),
        "genesys.subscription.headers hold no key for webhook.signature: {'X-Key': 'k:${signing_key}'} is allowed.",
    ),
    "subscription without the key's prefix": (
        lambda stack: _subscribed_pipeline(
            stack, webhook=WebhookProps(signature=SignatureProps.shared_key(prefix="k"))
        ),
        "genesys.subscription.headers hold no key for webhook.signature: {'X-Genesys-Signature': 'k${signing_key}'} is "
        "allowed.",
    ),
    "subscription with Basic authentication": (
        lambda stack: _subscribed_pipeline(stack, webhook=WebhookProps(signature=SignatureProps.basic())),
        "genesys.subscription.headers cannot encode the key for webhook.signature.kind BASIC: SHARED_KEY is allowed.",
    ),
    "subscription without a webhook": (
        lambda stack: _subscribed_pipeline(stack, webhook=None, partner_bus=PROPS),
        "genesys.subscription is given with webhook None: it is allowed with the webhook alone.",
    ),
    "interval": (
        lambda _: EventSubscriptionProps(check_interval=cdk.Duration.days(2)),
        "genesys.subscription.check_interval is 2,880 minutes: 1 to 1,440 minutes are allowed, to follow a rotation "
        "in time.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_property_that_cannot_work_is_refused(case: str) -> None:
    build, sentence = REFUSED[case]
    with pytest.raises(InvalidPropertyError) as caught:
        build(new_stack())
    assert str(caught.value) == sentence


BODY_WITH_KEY = {"name": "${name}", "url": "${url}", "secret": "${signing_key}", "headers": "${headers}"}
HEADER_LIST = {"name": "${name}", "headers": [{"name": "x-key", "value": "k:${signing_key}"}]}
SATISFIED = {
    "a body that gives the key for signing": (EventSubscriptionProps(body=BODY_WITH_KEY), SignatureProps()),
    "the default with a shared key": (EventSubscriptionProps(), SignatureProps.shared_key()),
    "a header in another case": (EventSubscriptionProps(), SignatureProps.shared_key(header="x-genesys-signature")),
    "headers as a list": (
        EventSubscriptionProps(body=HEADER_LIST),
        SignatureProps.shared_key(header="X-Key", prefix="k:"),
    ),
}


@pytest.mark.parametrize("case", SATISFIED)
def test_a_subscription_whose_posts_the_webhook_accepts_is_taken(case: str) -> None:
    subscription, signature = SATISFIED[case]
    subscription.check_signature(signature)


def test_a_body_without_the_headers_holds_no_key() -> None:
    with pytest.raises(InvalidPropertyError, match="hold no key"):
        EventSubscriptionProps(body={"name": "${name}"}).check_signature(SignatureProps.shared_key())
