"""A value of the wrong type, and a property that would have no effect, are refused in one sentence that names it."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_certificatemanager as acm

from genesys_firehose_cdk import (
    AlarmThresholdsProps,
    BufferingProps,
    DataLakeBucketProps,
    DeliveryProps,
    EventBridgeIntegrationProps,
    EventSubscriptionProps,
    GenesysFirehosePipeline,
    GenesysProps,
    GenesysRegion,
    GenesysWatchProps,
    IngestProps,
    InvalidPropertyError,
    IpAllowListProps,
    LakeCatalogProps,
    LakeProps,
    LakeRebuildProps,
    MonitoringProps,
    PartnerBusProps,
    RetentionMode,
    SignatureEncoding,
    SignatureProps,
    TransformProps,
    WebhookDomainProps,
    WebhookProps,
)
from tests.library.synthesis import CERTIFICATE_ARN, WEB_ACL_ARN, new_stack
from tests.library.test_every_property import BUS, _genesys, _zone


def _stack_in(region: str) -> cdk.Stack:
    return new_stack(environment=cdk.Environment(account="111122223333", region=region))


def _pipeline(stack: cdk.Stack, **properties: Any) -> GenesysFirehosePipeline:
    return GenesysFirehosePipeline(stack, "Pipeline", **properties)


def _webhook_with(certificate_arn: str) -> WebhookProps:
    certificate = acm.Certificate.from_certificate_arn(new_stack(), "Certificate", certificate_arn)
    return WebhookProps(domain=WebhookDomainProps(domain_name="events.example.com", certificate=certificate))


# mypy knows that these are wrong; a user without it does not.
REFUSED: dict[str, tuple[Callable[[Any], object], str]] = {
    "enum as a text that is none": (
        lambda _: DataLakeBucketProps(retention_mode="COMPLIANT"),
        "lake.bucket.retention_mode is 'COMPLIANT': one of GOVERNANCE, COMPLIANCE and NONE (RetentionMode) is allowed.",
    ),
    "mode as a number": (
        lambda _: DataLakeBucketProps(retention_mode=1),
        "lake.bucket.retention_mode is 1: one of GOVERNANCE, COMPLIANCE and NONE (RetentionMode) is allowed.",
    ),
    "encoding as an unknown text": (
        lambda _: SignatureProps(encoding="hexadecimal"),
        "webhook.signature.encoding is 'hexadecimal': one of HEX and BASE64 (SignatureEncoding) is allowed.",
    ),
    "shards as a text": (
        lambda _: DeliveryProps(shards="2"),
        "delivery.shards is '2': a whole number is allowed.",
    ),
    "shards as a fraction": (
        lambda _: DeliveryProps(shards=2.5),
        "delivery.shards is 2.5: a whole number is allowed.",
    ),
    "shards as a truth value": (
        lambda _: DeliveryProps(shards=True),
        "delivery.shards is True: a whole number is allowed.",
    ),
    "retention as a fraction": (
        lambda _: DataLakeBucketProps(retention_days=30.5),
        "lake.bucket.retention_days is 30.5: a whole number is allowed.",
    ),
    "retention as a text": (
        lambda _: DataLakeBucketProps(retention_days="30"),
        "lake.bucket.retention_days is '30': a whole number is allowed.",
    ),
    "memory known at deployment": (
        lambda stack: TransformProps(memory_size=cdk.CfnParameter(stack, "Memory", type="Number").value_as_number),
        "transform.memory_size is known at deployment only: a whole number is allowed.",
    ),
    "memory of transform": (
        lambda _: TransformProps(memory_size=64),
        "transform.memory_size is 64 MB: 128 to 10,240 MB are allowed, Lambda's own limit.",
    ),
    "flag as a text": (
        lambda _: DeliveryProps(dynamic_partitioning="yes"),
        "delivery.dynamic_partitioning is 'yes': True or False is allowed.",
    ),
    "webhook as a dict": (
        lambda stack: _pipeline(stack, webhook={"path": "hooks"}),
        "webhook is a dict: a WebhookProps or None is allowed.",
    ),
    "webhook as a flag": (
        lambda stack: _pipeline(stack, webhook=False),
        "webhook is False: a WebhookProps or None is allowed.",
    ),
    "bus as a dict": (
        lambda stack: _pipeline(stack, partner_bus={"org_id": "x"}),
        "partner_bus is a dict: a PartnerBusProps or None is allowed.",
    ),
    "genesys as a dict": (
        lambda stack: _pipeline(stack, genesys={}),
        "genesys is a dict: a GenesysProps or None is allowed.",
    ),
    "watch as a dict": (
        lambda stack: _pipeline(stack, watch={}),
        "watch is a dict: a GenesysWatchProps or None is allowed.",
    ),
    "ingest as a dict": (
        lambda stack: _pipeline(stack, ingest={"memory_size": 256}),
        "ingest is a dict: an IngestProps is allowed.",
    ),
    "transform as a dict": (
        lambda stack: _pipeline(stack, transform={}),
        "transform is a dict: a TransformProps is allowed.",
    ),
    "delivery as a dict": (
        lambda stack: _pipeline(stack, delivery={"shards": 2}),
        "delivery is a dict: a DeliveryProps is allowed.",
    ),
    "lake as a dict": (
        lambda stack: _pipeline(stack, lake={}),
        "lake is a dict: a LakeProps is allowed.",
    ),
    "monitoring as a dict": (
        lambda stack: _pipeline(stack, monitoring={}),
        "monitoring is a dict: a MonitoringProps is allowed.",
    ),
    "delivery props for the lake": (
        lambda stack: _pipeline(stack, lake=DeliveryProps()),
        "lake is a DeliveryProps: a LakeProps is allowed.",
    ),
    "signature as a dict": (
        lambda _: WebhookProps(signature={"header": "X"}),
        "webhook.signature is a dict: a SignatureProps is allowed.",
    ),
    "buffering as a dict": (
        lambda _: DeliveryProps(buffering={"interval": 60}),
        "delivery.buffering is a dict: a BufferingProps is allowed.",
    ),
    "networks as a text": (
        lambda _: WebhookProps(allowed_cidrs="198.51.100.0/24"),
        "webhook.allowed_cidrs is '198.51.100.0/24': a list (a text each) or None is allowed.",
    ),
    "network as a number": (
        lambda _: WebhookProps(allowed_cidrs=[19851]),
        "webhook.allowed_cidrs is [19851]: a list (a text each) or None is allowed.",
    ),
    "topics as a text": (
        lambda _: PartnerBusProps(org_id=BUS.org_id, event_source_suffix="lake", topics="quality"),
        "partner_bus.topics is 'quality': a list (a text each) is allowed.",
    ),
    "oversize fields as a text": (
        lambda _: IngestProps(oversize_fields="text"),
        "ingest.oversize_fields is 'text': a list (a text each) is allowed.",
    ),
    "bucket as a text": (
        lambda _: LakeProps(existing_bucket="events"),
        "lake.existing_bucket is 'events': an aws_s3.IBucket or None is allowed.",
    ),
    "topic for a bucket": (
        lambda stack: LakeProps(existing_bucket=cdk.aws_sns.Topic(stack, "Topic")),
        "lake.existing_bucket is a Topic: an aws_s3.IBucket or None is allowed.",
    ),
    "key as a text": (
        lambda _: DeliveryProps(stream_encryption_key="alias/events"),
        "delivery.stream_encryption_key is 'alias/events': an aws_kms.IKey or None is allowed.",
    ),
    "alarm topic as a text": (
        lambda _: MonitoringProps(existing_alarm_topic="arn:aws:sns:eu-west-1:111122223333:alarms"),
        "monitoring.existing_alarm_topic is 'arn:aws:sns:eu-west-1:111122223333:alarms': an aws_sns.ITopic or None is allowed.",
    ),
    "domain as a text": (
        lambda _: WebhookProps(domain="events.example.com"),
        "webhook.domain is 'events.example.com': a WebhookDomainProps or None is allowed.",
    ),
    "certificate as a text": (
        lambda _: WebhookDomainProps(domain_name="events.example.com", certificate=CERTIFICATE_ARN),
        "webhook.domain.certificate is 'arn:aws:acm:eu-west-1:111122223333:certificate/0a1b2c3d-0000-4000-8000-000000000...': an aws_certificatemanager.ICertificate or None is allowed.",
    ),
    "zone as a text": (
        lambda _: WebhookDomainProps(domain_name="events.example.com", hosted_zone="example.com"),
        "webhook.domain.hosted_zone is 'example.com': an aws_route53.IHostedZone or None is allowed.",
    ),
    "secret as a text": (
        lambda _: SignatureProps(existing_secret="signing-key"),
        "webhook.signature.existing_secret is 'signing-key': an aws_secretsmanager.ISecret or None is allowed.",
    ),
    "credentials as a text": (
        lambda _: GenesysProps(region=GenesysRegion.EU_WEST_1, credentials="genesys"),
        "genesys.credentials is 'genesys': an aws_secretsmanager.ISecret is allowed.",
    ),
    "region of genesys as its host": (
        lambda stack: _genesys(stack, region="mypurecloud.ie"),
        "genesys.region is 'mypurecloud.ie': one of US_EAST_1, US_EAST_2_GOVERNMENT, US_WEST_2, CA_CENTRAL_1, MX_CENTRAL_1, SA_EAST_1, EU_WEST_1, EU_WEST_2, EU_CENTRAL_1, EU_CENTRAL_2, EUSC_DE_EAST_1, ME_CENTRAL_1, AP_SOUTH_1, AP_SOUTHEAST_1, AP_SOUTHEAST_2, AP_NORTHEAST_1, AP_NORTHEAST_2 and AP_NORTHEAST_3 (GenesysRegion) is allowed.",
    ),
    "removal policy as an unknown text": (
        lambda stack: _pipeline(stack, removal_policy="DELETE"),
        "removal_policy is 'DELETE': one of DESTROY, RETAIN, SNAPSHOT and RETAIN_ON_UPDATE_OR_DELETE (RemovalPolicy) is allowed.",
    ),
    "log retention as days": (
        lambda _: MonitoringProps(log_retention=30),
        "monitoring.log_retention is 30: one of ONE_DAY, THREE_DAYS, FIVE_DAYS, ONE_WEEK, TWO_WEEKS, ONE_MONTH and more (RetentionDays) is allowed.",
    ),
    "interval as seconds": (
        lambda _: BufferingProps(interval=60),
        "delivery.buffering.interval is 60: an aws_cdk.Duration is allowed.",
    ),
    "size as bytes": (
        lambda _: BufferingProps(size=1048576),
        "delivery.buffering.size is 1048576: an aws_cdk.Size is allowed.",
    ),
    "first day as a text": (
        lambda _: LakeCatalogProps(first_day="2026-01-01"),
        "lake.catalog.first_day is '2026-01-01': a datetime.date is allowed.",
    ),
    "headers as a list": (
        lambda _: EventSubscriptionProps(headers=["X-Other"]),
        "genesys.subscription.headers is ['X-Other']: a dict (a text to a text each) is allowed.",
    ),
    "threshold as a text": (
        lambda _: AlarmThresholdsProps(dead_letters="1"),
        "monitoring.thresholds.dead_letters is '1': a number is allowed.",
    ),
    "hours that are not whole": (
        lambda _: SignatureProps(previous_key_validity=cdk.Duration.minutes(90)),
        "webhook.signature.previous_key_validity is 1 hour 30 minutes: whole hours are allowed, 0 to 720 of them.",
    ),
    "tolerance that is not whole": (
        lambda _: SignatureProps(timestamp_header="X-Time", timestamp_tolerance=cdk.Duration.millis(1500)),
        "webhook.signature.timestamp_tolerance is 1 second 500 millis: whole seconds are allowed, 1 to 3,600 of them.",
    ),
    "archive that is not whole days": (
        lambda _: PartnerBusProps(
            org_id=BUS.org_id, event_source_suffix="lake", topics=["quality"], archive_retention=cdk.Duration.hours(30)
        ),
        "partner_bus.archive_retention is 1 day 6 hours: whole days are allowed, 1 to 365 of them.",
    ),
    "interval that is not whole seconds": (
        lambda _: BufferingProps(interval=cdk.Duration.millis(60500)),
        "delivery.buffering.interval is 1 minute 500 millis: whole seconds are allowed, 0 to 900 of them.",
    ),
    "size that is not whole MiB": (
        lambda _: BufferingProps(size=cdk.Size.bytes(1500000)),
        "delivery.buffering.size is 1,464.84 KiB: whole MiB are allowed, the unit in which Firehose takes it.",
    ),
    "path below the health check": (
        lambda _: WebhookProps(path="health/x"),
        "webhook.path is 'health/x': letters, digits and ._~- between slashes are allowed, not beginning with health.",
    ),
    "scope that is an app": (
        lambda stack: GenesysFirehosePipeline(stack.node.root, "Pipeline"),
        "scope is of the type App: a Stack, or a construct inside a Stack, is allowed.",
    ),
    "scope that is a text": (
        lambda _: GenesysFirehosePipeline("stack", "Pipeline"),
        "scope is of the type str: a Stack, or a construct inside a Stack, is allowed.",
    ),
    "id with an umlaut": (
        lambda stack: GenesysFirehosePipeline(stack, "Vertrieb-Köln"),
        "id is 'Test/Vertrieb-Köln': 1 to 1,024 printable ASCII characters are allowed, because it is a dimension of the metrics.",
    ),
    "domain outside its zone": (
        lambda stack: WebhookDomainProps(domain_name="events.example.org", hosted_zone=_zone(stack)),
        "webhook.domain.domain_name is 'events.example.org' with the hosted zone 'example.com': the zone's name, or a name that ends with it, is allowed.",
    ),
    "domain that ends like its zone": (
        lambda stack: WebhookDomainProps(domain_name="badexample.com", hosted_zone=_zone(stack)),
        "webhook.domain.domain_name is 'badexample.com' with the hosted zone 'example.com': the zone's name, or a name that ends with it, is allowed.",
    ),
    "certificate of another region": (
        lambda _: _pipeline(_stack_in("us-east-1"), webhook=_webhook_with(CERTIFICATE_ARN)),
        "webhook.domain.certificate is in eu-west-1 with a stack in us-east-1: an ACM certificate of the stack's own region is allowed.",
    ),
    "certificate that is none": (
        lambda _: _pipeline(
            _stack_in("eu-west-1"), webhook=_webhook_with("arn:aws:iam::111122223333:server-certificate/old")
        ),
        "webhook.domain.certificate is 'arn:aws:iam::111122223333:server-certificate/old': the ARN of an ACM certificate is allowed.",
    ),
    "web ACL of CloudFront": (
        lambda _: _pipeline(
            _stack_in("us-east-1"),
            webhook=WebhookProps(
                web_acl_arn="arn:aws:wafv2:us-east-1:111122223333:global/webacl/events/0a1b2c3d-0000-4000-8000-000000000000"
            ),
        ),
        "webhook.web_acl_arn is 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/events/0a1b2c3d-0000-4000-8000-000000000000': the ARN of a regional web ACL is allowed.",
    ),
    "web ACL of another region": (
        lambda _: _pipeline(_stack_in("us-east-1"), webhook=WebhookProps(web_acl_arn=WEB_ACL_ARN)),
        "webhook.web_acl_arn is in eu-west-1 with a stack in us-east-1: a regional web ACL of the stack's own region is allowed.",
    ),
    "web ACL by its name": (
        lambda stack: _pipeline(stack, webhook=WebhookProps(web_acl_arn="events")),
        "webhook.web_acl_arn is 'events': the ARN of a regional web ACL is allowed.",
    ),
    "subscription without a webhook": (
        lambda stack: _pipeline(
            stack, webhook=None, partner_bus=BUS, genesys=_genesys(stack, subscription=EventSubscriptionProps())
        ),
        "genesys.subscription is given with webhook None: it is allowed with the webhook alone.",
    ),
    "allow-list without a webhook": (
        lambda stack: _pipeline(
            stack, webhook=None, partner_bus=BUS, genesys=_genesys(stack, ip_allow_list=IpAllowListProps())
        ),
        "genesys.ip_allow_list is given with webhook None: it is allowed with the webhook alone.",
    ),
    "thresholds of an API that is not there": (
        lambda stack: _pipeline(
            stack,
            webhook=None,
            partner_bus=BUS,
            monitoring=MonitoringProps(thresholds=AlarmThresholdsProps(server_errors=5)),
        ),
        "monitoring.thresholds.server_errors is given with webhook None: it is allowed with the webhook alone.",
    ),
    "integration without a bus": (
        lambda stack: _pipeline(
            stack, genesys=_genesys(stack, integration=EventBridgeIntegrationProps(), ip_allow_list=IpAllowListProps())
        ),
        "genesys.integration is given without a partner_bus: it is allowed with the bus alone.",
    ),
    "integration by hand without a bus": (
        lambda stack: _pipeline(
            stack, genesys=_genesys(stack, manage_integration=False, ip_allow_list=IpAllowListProps())
        ),
        "genesys.manage_integration is given without a partner_bus: it is allowed with the bus alone.",
    ),
    "integration that is not managed": (
        lambda stack: _genesys(stack, manage_integration=False, integration=EventBridgeIntegrationProps()),
        "genesys.integration is given with manage_integration False: give one of the two.",
    ),
    "genesys with nothing to do": (
        lambda stack: _pipeline(stack, genesys=_genesys(stack)),
        "genesys is given with nothing to do: it is allowed with a partner_bus, a subscription, an ip_allow_list or a watched subscription_path.",
    ),
    "watch of nothing": (
        lambda _: GenesysWatchProps(),
        "watch has neither business_hours nor subscription_path: give one.",
    ),
    "silence without hours": (
        lambda _: GenesysWatchProps(subscription_path="/x", silence=cdk.Duration.hours(2)),
        "watch.silence is given without business_hours: it is allowed with them alone.",
    ),
    "tolerance without a timestamp": (
        lambda _: SignatureProps(timestamp_tolerance=cdk.Duration.seconds(9)),
        "webhook.signature.timestamp_tolerance is given without timestamp_header: it is allowed with timestamp_header alone.",
    ),
    "acknowledged bucket that is not there": (
        lambda stack: _pipeline(stack, lake=LakeProps(existing_bucket_is_locked_and_versioned=True)),
        "lake.existing_bucket_is_locked_and_versioned is given without existing_bucket: give both or neither.",
    ),
    "acknowledged compliance that is not there": (
        lambda _: DataLakeBucketProps(acknowledge_compliance=True),
        "lake.bucket.acknowledge_compliance is given with retention_mode GOVERNANCE: it is allowed with COMPLIANCE alone.",
    ),
    "days of no retention": (
        lambda _: DataLakeBucketProps(retention_mode="NONE", retention_days=90),
        "lake.bucket.retention_days is given with retention_mode NONE: it is allowed with GOVERNANCE and COMPLIANCE alone.",
    ),
    "catalog without partitions": (
        lambda stack: _pipeline(
            stack, delivery=DeliveryProps(dynamic_partitioning=False), lake=LakeProps(catalog=LakeCatalogProps())
        ),
        "lake.catalog is given with delivery.dynamic_partitioning False: it is allowed with partitions alone, because the tables follow them.",
    ),
    "rebuild without partitions": (
        lambda _: DeliveryProps(dynamic_partitioning=False, rebuild=LakeRebuildProps()),
        "delivery.rebuild is given with dynamic_partitioning False: it is allowed with partitions alone, because a rebuild writes partitions.",
    ),
    "neither webhook nor bus": (
        lambda stack: _pipeline(stack, webhook=None),
        "webhook is None without a partner_bus: one of the two is needed.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_work_is_refused(case: str) -> None:
    build, message = REFUSED[case]
    with pytest.raises(InvalidPropertyError) as refusal:
        build(new_stack())
    assert str(refusal.value) == message


def test_an_enum_takes_its_own_names_and_values_as_text() -> None:
    bucket: Any = DataLakeBucketProps
    signature: Any = SignatureProps
    assert bucket(retention_mode="COMPLIANCE", acknowledge_compliance=True).retention_mode is RetentionMode.COMPLIANCE
    assert signature(encoding="base64").encoding is SignatureEncoding.BASE64
    assert signature(encoding="BASE64").encoding is SignatureEncoding.BASE64


def test_a_list_can_not_be_changed_afterwards() -> None:
    networks = ["198.51.100.0/24"]
    webhook = WebhookProps(allowed_cidrs=networks)
    networks.append("0.0.0.0/0")
    assert webhook.allowed_cidrs == ("198.51.100.0/24",)


def test_two_pipelines_on_one_partner_source_are_refused() -> None:
    stack = new_stack()
    GenesysFirehosePipeline(stack, "First", partner_bus=BUS)
    with pytest.raises(InvalidPropertyError) as refusal:
        GenesysFirehosePipeline(stack, "Second", partner_bus=BUS)
    assert str(refusal.value) == (
        "partner_bus.event_source_suffix is 'lake', which Test/First/PartnerBus has already: one bus for each partner "
        "event source of an account and region is allowed."
    )


def test_two_stacks_without_an_environment_may_be_for_different_accounts() -> None:
    stack = new_stack()
    GenesysFirehosePipeline(stack, "Pipeline", partner_bus=BUS)
    GenesysFirehosePipeline(cdk.Stack(stack.node.root, "Other"), "Pipeline", partner_bus=BUS)
