"""The custom resources at Genesys Cloud: what their properties are, what they may do, and what they refuse."""

import json
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Annotations, Match

from genesys_firehose_cdk import (
    GenesysFirehosePipeline,
    GenesysProps,
    HmacKey,
    InvalidPropertyError,
    PartnerBusProps,
)
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
    return GenesysFirehosePipeline(stack, "Pipeline", **{"genesys": genesys, **properties})


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
    assert function["Timeout"] == 60
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


def test_the_schedule_keeps_the_very_resource(subscription: Template) -> None:
    [(logical_id, resource)] = subscription.resources("AWS::CloudFormation::CustomResource").items()
    rule = subscription.one("AWS::Events::Rule", "Schedule")
    assert rule["Properties"]["ScheduleExpression"] == "rate(15 minutes)"
    [target] = rule["Properties"]["Targets"]
    told = json.loads(flat(target["Input"]))
    properties = {key: resource["Properties"][key] for key in ("Host", "Path", "Body")}
    assert told == {
        "RequestType": "Keep",
        "StackId": "<AWS::StackId>",
        "LogicalResourceId": logical_id,
        "ResourceProperties": {**properties, "Body": flat(properties["Body"])},
    }
    # It goes before what it keeps.
    assert logical_id in rule["DependsOn"]


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
