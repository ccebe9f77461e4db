"""A property that cannot work, or would have no effect, is refused in one sentence that names it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_s3 as s3

from genesys_firehose_cdk import (
    Action,
    AlarmThresholdsProps,
    BackfillProps,
    BufferingProps,
    DataLakeBucket,
    DataLakeBucketProps,
    DeliveryProps,
    EventBridgeIntegrationProps,
    EventSubscriptionProps,
    FieldRule,
    GenesysFirehosePipeline,
    GenesysNamesProps,
    GenesysProps,
    GenesysRegion,
    GenesysWatchProps,
    IngestProps,
    InvalidPropertyError,
    IpAllowListProps,
    LakeCatalog,
    LakeCatalogProps,
    LakeManifestsProps,
    LakeProps,
    LakeRebuildProps,
    LakeTablesProps,
    LoadBalancerProps,
    MaskingPolicy,
    MonitoringProps,
    PartnerBusProps,
    RateLimitProps,
    ReconciliationProps,
    RetentionMode,
    RetentionOnArrival,
    SignatureEncoding,
    SignatureKind,
    SignatureProps,
    TransformProps,
    WebhookDomainProps,
    WebhookProps,
)
from tests.library.synthesis import CERTIFICATE_ARN, WEB_ACL_ARN, new_context, new_stack
from tests.library.test_every_property import BUS, genesys, secret, zone

COMPLIANCE = DataLakeBucketProps(retention_mode=RetentionMode.COMPLIANCE, acknowledge_compliance=True)
NO_RETENTION = DataLakeBucketProps(retention_mode=RetentionMode.NONE)


def _bucket(stack: cdk.Stack, **attributes: Any) -> s3.IBucket:
    return s3.Bucket.from_bucket_attributes(stack, "Existing", bucket_name="events", **attributes)


def _stack_in(region: str) -> cdk.Stack:
    return new_stack(environment=cdk.Environment(account="111122223333", region=region))


def _pipeline(stack: cdk.Stack, **properties: Any) -> GenesysFirehosePipeline:
    return GenesysFirehosePipeline(stack, "Pipeline", **properties)


def _one_secret(stack: cdk.Stack) -> GenesysFirehosePipeline:
    secret = cdk.aws_secretsmanager.Secret(stack, "Both")
    return _pipeline(
        stack,
        webhook=WebhookProps(signature=SignatureProps(existing_secret=secret)),
        transform=TransformProps(existing_tokenization_secret=secret),
    )


def _webhook_with(certificate_arn: str) -> WebhookProps:
    certificate = acm.Certificate.from_certificate_arn(new_stack(), "Certificate", certificate_arn)
    return WebhookProps(domain=WebhookDomainProps(domain_name="events.example.com", certificate=certificate))


def _behind_load_balancer(
    stack: cdk.Stack, front_door: LoadBalancerProps | None = None, **properties: Any
) -> WebhookProps:
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE_ARN)
    domain = WebhookDomainProps(domain_name="events.example.com", certificate=certificate)
    return WebhookProps(front_door=front_door or LoadBalancerProps(), domain=domain, **properties)


def _load_balancer_elsewhere() -> GenesysFirehosePipeline:
    stack = _stack_in("us-east-1")
    return _pipeline(stack, webhook=_behind_load_balancer(stack))


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
    "ticket topic as a text": (
        lambda _: MonitoringProps(existing_ticket_topic="tickets"),
        "monitoring.existing_ticket_topic is 'tickets': an aws_sns.ITopic or None is allowed.",
    ),
    "alarm e-mail without a domain": (
        lambda _: MonitoringProps(alarm_email="operators"),
        "monitoring.alarm_email is 'operators': an e-mail address is allowed.",
    ),
    "runbook with a section": (
        lambda _: MonitoringProps(runbook_url="https://example.com/alarms.html#queue-age"),
        "monitoring.runbook_url is 'https://example.com/alarms.html#queue-age': the address of a page in 1 to 300 characters without blanks and # is allowed, such as https://example.com/alarms.html.",
    ),
    "no runbook": (
        lambda _: MonitoringProps(runbook_url=""),
        "monitoring.runbook_url is '': the address of a page in 1 to 300 characters without blanks and # is allowed, such as https://example.com/alarms.html.",
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
        lambda stack: genesys(stack, region="mypurecloud.ie"),
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
    "rotation more often than daily": (
        lambda _: SignatureProps(rotation=cdk.Duration.hours(12)),
        "webhook.signature.rotation is 12 hours: whole days are allowed, 1 to 1,000 of them.",
    ),
    "rotation that hardly comes": (
        lambda _: SignatureProps(rotation=cdk.Duration.days(1001)),
        "webhook.signature.rotation is 1,001 days: 1 to 1,000 days are allowed, Secrets Manager's own limit.",
    ),
    "rotation of somebody else's secret": (
        lambda stack: SignatureProps(
            existing_secret=cdk.aws_secretsmanager.Secret(stack, "Secret"),
            rotation=cdk.Duration.days(90),
        ),
        "webhook.signature.rotation is given with existing_secret: it is allowed with a generated key alone: who made a "
        "secret rotates it.",
    ),
    "rotation that nobody tells the sender of": (
        lambda stack: GenesysFirehosePipeline(
            stack, "Pipeline", webhook=WebhookProps(signature=SignatureProps(rotation=cdk.Duration.days(90)))
        ),
        "webhook.signature.rotation is given without genesys.subscription: it is allowed with it alone, because nobody "
        "else gives the sender a new key: `genesys-firehose rotate-key` rotates it by hand.",
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
        "id is 'Test/Vertrieb-Köln': 1 to 255 printable ASCII characters are allowed, because it is a dimension of the metrics.",
    ),
    "domain outside its zone": (
        lambda stack: WebhookDomainProps(domain_name="events.example.org", hosted_zone=zone(stack)),
        "webhook.domain.domain_name is 'events.example.org' with the hosted zone 'example.com': the zone's name, or a name that ends with it, is allowed.",
    ),
    "domain that ends like its zone": (
        lambda stack: WebhookDomainProps(domain_name="badexample.com", hosted_zone=zone(stack)),
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
            stack, webhook=None, partner_bus=BUS, genesys=genesys(stack, subscription=EventSubscriptionProps())
        ),
        "genesys.subscription is given with webhook None: it is allowed with the webhook alone.",
    ),
    "allow-list without a webhook": (
        lambda stack: _pipeline(
            stack, webhook=None, partner_bus=BUS, genesys=genesys(stack, ip_allow_list=IpAllowListProps())
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
            stack, genesys=genesys(stack, integration=EventBridgeIntegrationProps(), ip_allow_list=IpAllowListProps())
        ),
        "genesys.integration is given without a partner_bus: it is allowed with the bus alone.",
    ),
    "integration by hand without a bus": (
        lambda stack: _pipeline(
            stack, genesys=genesys(stack, manage_integration=False, ip_allow_list=IpAllowListProps())
        ),
        "genesys.manage_integration is given without a partner_bus: it is allowed with the bus alone.",
    ),
    "integration that is not managed": (
        lambda stack: genesys(stack, manage_integration=False, integration=EventBridgeIntegrationProps()),
        "genesys.integration is given with manage_integration False: give one of the two.",
    ),
    "genesys with nothing to do": (
        lambda stack: _pipeline(stack, genesys=genesys(stack)),
        "genesys is given with nothing to do: it is allowed with a partner_bus, a subscription, an ip_allow_list, names, a backfill or a watched subscription_path.",
    ),
    "names of no kind": (
        lambda _: GenesysNamesProps(kinds=[]),
        "genesys.names.kinds is empty: allowed are queue, wrapup_code, skill, division, flow, presence_definition, user.",
    ),
    "names of a kind that there is not": (
        lambda _: GenesysNamesProps(kinds=["queues"]),
        "genesys.names.kinds is 'queues', did you mean 'queue': allowed are division, flow, presence_definition, queue, skill, user, wrapup_code.",
    ),
    "names of a kind twice": (
        lambda _: GenesysNamesProps(kinds=["queue", "queue"]),
        "genesys.names.kinds holds 'queue' twice: each kind is allowed once.",
    ),
    "names too often": (
        lambda _: GenesysNamesProps(interval=cdk.Duration.minutes(30)),
        "genesys.names.interval is 30 minutes: 60 to 1,440 minutes are allowed, so that an alarm can watch it.",
    ),
    "names of users kept that are not taken": (
        lambda stack: _pipeline(
            stack,
            genesys=genesys(stack, names=GenesysNamesProps()),
            transform=TransformProps(masking_policy=MaskingPolicy(keep_user_names=True)),
        ),
        "transform.masking_policy.keep_user_names is given without user among genesys.names.kinds: it is allowed with it alone.",
    ),
    "backfill that settles today": (
        lambda stack: BackfillProps(credentials=secret(stack, "Readers"), settle_after_days=0),
        "genesys.backfill.settle_after_days is 0 days: 1 to 31 days are allowed, Genesys Cloud's corrections come on the third.",
    ),
    "backfill without partitions": (
        lambda stack: _pipeline(
            stack,
            delivery=DeliveryProps(dynamic_partitioning=False),
            genesys=genesys(stack, backfill=BackfillProps(credentials=secret(stack, "Readers"))),
        ),
        "genesys.backfill is given with delivery.dynamic_partitioning False: it is allowed with partitions alone, because history is filed by its own days.",
    ),
    "reconciliation of no medium": (
        lambda stack: ReconciliationProps(credentials=secret(stack, "Readers"), media=[]),
        "genesys.reconciliation.media is empty: allowed are voice, callback, chat, email, message, cobrowse, internalmessage, screenmonitoring, screenshare, video.",
    ),
    "reconciliation of a medium that there is not": (
        lambda stack: ReconciliationProps(credentials=secret(stack, "Readers"), media=["voices"]),
        "genesys.reconciliation.media is 'voices', did you mean 'voice': allowed are callback, chat, cobrowse, email, internalmessage, message, screenmonitoring, screenshare, video, voice.",
    ),
    "reconciliation of a medium twice": (
        lambda stack: ReconciliationProps(credentials=secret(stack, "Readers"), media=["voice", "voice"]),
        "genesys.reconciliation.media holds 'voice' twice: each medium is allowed once.",
    ),
    "reconciliation without a bus": (
        lambda stack: _pipeline(
            stack, genesys=genesys(stack, reconciliation=ReconciliationProps(credentials=secret(stack, "Readers")))
        ),
        "genesys.reconciliation is given without a partner_bus: it is allowed with the bus alone.",
    ),
    "reconciliation without tables": (
        lambda stack: _pipeline(
            stack,
            partner_bus=BUS,
            lake=LakeProps(tables=None),
            genesys=genesys(stack, reconciliation=ReconciliationProps(credentials=secret(stack, "Readers"))),
        ),
        "genesys.reconciliation is given without lake.tables: it is allowed with them alone, which are compared.",
    ),
    "reconciliation of topics without conversations": (
        lambda stack: _pipeline(
            stack,
            partner_bus=replace(BUS, topics=["audits"]),
            genesys=genesys(stack, reconciliation=ReconciliationProps(credentials=secret(stack, "Readers"))),
        ),
        "genesys.reconciliation is given without a topic of customers, queues or agents: it is allowed with topics such as those of the preset conversation_details.",
    ),
    "watch's client without an organization": (
        lambda stack: _pipeline(
            stack, partner_bus=BUS, watch=GenesysWatchProps(credentials=cdk.aws_secretsmanager.Secret(stack, "Readers"))
        ),
        "watch.credentials is given with nothing to ask Genesys Cloud for: it is allowed with genesys and a partner_bus or "
        "a subscription_path.",
    ),
    "encoding of a key that is no signature": (
        lambda _: SignatureProps(kind=SignatureKind.SHARED_KEY, encoding=SignatureEncoding.BASE64),
        "webhook.signature.encoding is given with kind SHARED_KEY: it is allowed with HMAC alone.",
    ),
    "timestamp that nothing signs": (
        lambda _: SignatureProps(kind=SignatureKind.BASIC, header="Authorization", timestamp_header="X-Time"),
        "webhook.signature.timestamp_header is given with kind BASIC: it is allowed with HMAC alone.",
    ),
    "prefix of Basic authentication": (
        lambda _: SignatureProps(kind=SignatureKind.BASIC, header="Authorization", prefix="k"),
        "webhook.signature.prefix is given with kind BASIC: it is allowed with HMAC and SHARED_KEY alone.",
    ),
    "header of Basic authentication": (
        lambda _: SignatureProps(kind=SignatureKind.BASIC),
        "webhook.signature.header is 'X-Genesys-Signature' with kind BASIC: Authorization is allowed.",
    ),
    "watch of nothing": (
        lambda _: GenesysWatchProps(),
        "watch has neither business_hours, subscription_path nor credentials: give one.",
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
    "application of no retention": (
        lambda _: DataLakeBucketProps(retention_mode="NONE", retention_applied="ON_ARRIVAL"),
        "lake.bucket.retention_applied is given with retention_mode NONE: it is allowed with GOVERNANCE and COMPLIANCE alone.",
    ),
    "break-glass role of a retention by default": (
        lambda stack: DataLakeBucketProps(break_glass_role=cdk.aws_iam.Role.from_role_name(stack, "Role", "admin")),
        "lake.bucket.break_glass_role is given with retention_applied BY_DEFAULT: it is allowed with ON_ARRIVAL alone.",
    ),
    "break-glass role as a name": (
        lambda _: DataLakeBucketProps(retention_applied="ON_ARRIVAL", break_glass_role="admin"),
        "lake.bucket.break_glass_role is 'admin': an aws_iam.IRole or None is allowed.",
    ),
    "retention on arrival for a bucket with a default retention": (
        lambda stack: RetentionOnArrival(
            stack, "Retention", context=new_context(stack), bucket=DataLakeBucket(stack, "Lake")
        ),
        "lake.bucket.retention_applied is not ON_ARRIVAL with a RetentionOnArrival: give both or neither.",
    ),
    "governance on arrival with auto delete": (
        lambda stack: _pipeline(
            stack,
            lake=LakeProps(bucket=DataLakeBucketProps(retention_applied="ON_ARRIVAL")),
            removal_policy=cdk.RemovalPolicy.DESTROY,
            auto_delete_objects=True,
        ),
        "auto_delete_objects is True with retention_mode GOVERNANCE: it is allowed with retention_mode NONE alone, "
        "because S3 refuses to delete locked versions and the stack would be stuck half deleted.",
    ),
    "catalog that empties a bucket that stays": (
        lambda stack: LakeCatalog(stack, "Catalog", bucket=DataLakeBucket(stack, "Lake"), auto_delete_objects=True),
        "auto_delete_objects is True with removal_policy RETAIN_ON_UPDATE_OR_DELETE: it is allowed with removal_policy DESTROY alone.",
    ),
    "catalog without partitions": (
        lambda stack: _pipeline(
            stack, delivery=DeliveryProps(dynamic_partitioning=False), lake=LakeProps(catalog=LakeCatalogProps())
        ),
        "lake.catalog is given with delivery.dynamic_partitioning False: it is allowed with partitions alone, because the tables follow them.",
    ),
    "tables without partitions": (
        lambda stack: _pipeline(
            stack,
            delivery=DeliveryProps(dynamic_partitioning=False),
            lake=LakeProps(tables=LakeTablesProps(interval=cdk.Duration.hours(2))),
        ),
        "lake.tables is given with delivery.dynamic_partitioning False: it is allowed with partitions alone, because the tables are made of them.",
    ),
    "tables that are refreshed too often": (
        lambda _: LakeTablesProps(interval=cdk.Duration.minutes(5)),
        "lake.tables.interval is 5 minutes: 15 to 1,440 minutes are allowed, because each run reads whole days.",
    ),
    "tables whose statements may read next to nothing": (
        lambda _: LakeTablesProps(bytes_scanned_limit=cdk.Size.mebibytes(5)),
        "lake.tables.bytes_scanned_limit is 5 MiB: 10 to 104,857,600 MiB are allowed, the least is Athena's own limit.",
    ),
    "manifests of days that Firehose may still deliver into": (
        lambda _: LakeManifestsProps(closed_after=cdk.Duration.hours(24)),
        "lake.manifests.closed_after is 24 hours: 25 to 720 hours are allowed, because Firehose delivers into a day for up to 24 hours after it.",
    ),
    "rebuild without partitions": (
        lambda _: DeliveryProps(dynamic_partitioning=False, rebuild=LakeRebuildProps()),
        "delivery.rebuild is given with dynamic_partitioning False: it is allowed with partitions alone, because a rebuild writes partitions.",
    ),
    "neither webhook nor bus": (
        lambda stack: _pipeline(stack, webhook=None),
        "webhook is None without a partner_bus: one of the two is needed.",
    ),
    "compliance with destroy": (
        lambda stack: _pipeline(stack, lake=LakeProps(bucket=COMPLIANCE), removal_policy=cdk.RemovalPolicy.DESTROY),
        "removal_policy is DESTROY with retention_mode COMPLIANCE: RETAIN and RETAIN_ON_UPDATE_OR_DELETE are allowed, because S3 refuses to "
        "delete locked versions and the stack would be stuck half deleted.",
    ),
    "compliance with auto delete": (
        lambda stack: _pipeline(stack, lake=LakeProps(bucket=COMPLIANCE), auto_delete_objects=True),
        "auto_delete_objects is True with retention_mode COMPLIANCE: it is allowed with retention_mode NONE alone, "
        "because S3 refuses to delete locked versions and the stack would be stuck half deleted.",
    ),
    "governance with auto delete": (
        lambda stack: _pipeline(stack, removal_policy=cdk.RemovalPolicy.DESTROY, auto_delete_objects=True),
        "auto_delete_objects is True with retention_mode GOVERNANCE: it is allowed with retention_mode NONE alone, "
        "because S3 refuses to delete locked versions and the stack would be stuck half deleted.",
    ),
    "auto delete with retain": (
        lambda stack: _pipeline(stack, lake=LakeProps(bucket=NO_RETENTION), auto_delete_objects=True),
        "auto_delete_objects is True with removal_policy RETAIN_ON_UPDATE_OR_DELETE: it is allowed with removal_policy DESTROY alone.",
    ),
    "auto delete with an existing bucket": (
        lambda stack: _pipeline(
            stack,
            lake=LakeProps(existing_bucket=_bucket(stack), existing_bucket_is_locked_and_versioned=True),
            auto_delete_objects=True,
        ),
        "auto_delete_objects is True with an existing_bucket: only a bucket of this stack can be emptied with it.",
    ),
    "snapshot as removal policy": (
        lambda stack: _pipeline(stack, removal_policy=cdk.RemovalPolicy.SNAPSHOT),
        "removal_policy is SNAPSHOT: RETAIN_ON_UPDATE_OR_DELETE, RETAIN and DESTROY are allowed.",
    ),
    "existing bucket and bucket props": (
        lambda stack: _pipeline(stack, lake=LakeProps(existing_bucket=_bucket(stack), bucket=DataLakeBucketProps())),
        "lake.existing_bucket and lake.bucket are both given: give the existing resource or the properties of a new one, "
        "never both.",
    ),
    "existing bucket that is not acknowledged": (
        lambda stack: _pipeline(stack, lake=LakeProps(existing_bucket=_bucket(stack))),
        "lake.existing_bucket_is_locked_and_versioned is False with an existing_bucket: set it to True once the bucket "
        "has Object Lock and versioning, which synthesis cannot see.",
    ),
    "existing bucket without its key": (
        lambda stack: _pipeline(
            stack, lake=LakeProps(existing_bucket=_bucket(stack), existing_bucket_is_locked_and_versioned=True)
        ),
        "lake.existing_bucket comes without its encryption_key: import it with Bucket.from_bucket_attributes(..., "
        "encryption_key=...), because the delivery role must be allowed to use that key.",
    ),
    "partitioned buffering below 60 s": (
        lambda stack: _pipeline(
            stack, delivery=DeliveryProps(buffering=BufferingProps(interval=cdk.Duration.seconds(30)))
        ),
        "delivery.buffering.interval is 30 seconds: 60 to 900 seconds are allowed, Firehose's limit with dynamic partitioning.",
    ),
    "path with a blank": (
        lambda stack: _pipeline(stack, webhook=WebhookProps(path="ingest/genesys events")),
        "webhook.path is 'ingest/genesys events': letters, digits and ._~- between slashes are allowed, not beginning "
        "with health.",
    ),
    "path of the health check": (
        lambda stack: _pipeline(stack, webhook=WebhookProps(path="/health")),
        "webhook.path is '/health': letters, digits and ._~- between slashes are allowed, not beginning with health.",
    ),
    "network with host bits": (
        lambda stack: _pipeline(stack, webhook=WebhookProps(allowed_cidrs=["198.51.100.1/24"])),
        "webhook.allowed_cidrs holds '198.51.100.1/24': a network in CIDR notation with its host bits zero is allowed, such "
        "as 198.51.100.0/24.",
    ),
    "rate limit beside networks": (
        lambda _: WebhookProps(allowed_cidrs=["198.51.100.0/24"], rate_limit=RateLimitProps(requests=100)),
        "webhook.allowed_cidrs is given with webhook.rate_limit: one of the two is allowed.",
    ),
    "rate limit beside a web ACL": (
        lambda _: WebhookProps(web_acl_arn=WEB_ACL_ARN, rate_limit=RateLimitProps(requests=100)),
        "webhook.web_acl_arn is given with webhook.rate_limit: one of the two is allowed.",
    ),
    "rate limit beside an allow-list": (
        lambda stack: _pipeline(
            stack,
            webhook=WebhookProps(rate_limit=RateLimitProps(requests=100)),
            genesys=genesys(stack, ip_allow_list=IpAllowListProps()),
        ),
        "webhook.rate_limit is given with genesys.ip_allow_list: one of the two is allowed.",
    ),
    "rate limit of nine": (
        lambda _: RateLimitProps(requests=9),
        "webhook.rate_limit.requests is 9 requests: 10 to 2,000,000,000 requests are allowed, AWS WAF's limit.",
    ),
    "rate limit above what AWS WAF counts": (
        lambda _: RateLimitProps(requests=2_000_000_001),
        "webhook.rate_limit.requests is 2,000,000,001 requests: 10 to 2,000,000,000 requests are allowed, AWS WAF's limit.",
    ),
    "rate limit over a window that AWS WAF does not have": (
        lambda _: RateLimitProps(requests=100, window=cdk.Duration.minutes(3)),
        "webhook.rate_limit.window is 3 minutes: 60, 120, 300 and 600 seconds are allowed, AWS WAF's limit.",
    ),
    "rate limit that exempts everybody": (
        lambda _: RateLimitProps(requests=100, exempt_cidrs=["0.0.0.0/0"]),
        "webhook.rate_limit.exempt_cidrs holds '0.0.0.0/0': a network narrower than everything is allowed, AWS WAF's limit.",
    ),
    "rate limit that exempts a host with bits": (
        lambda _: RateLimitProps(requests=100, exempt_cidrs=["198.51.100.1/24"]),
        "webhook.rate_limit.exempt_cidrs holds '198.51.100.1/24': a network in CIDR notation with its host bits zero is "
        "allowed, such as 198.51.100.0/24.",
    ),
    "empty allow-list": (
        lambda stack: _pipeline(stack, webhook=WebhookProps(allowed_cidrs=[])),
        "webhook.allowed_cidrs is 0 networks: 1 to 100 networks are allowed, to fit the API's resource policy of 8,192 bytes.",
    ),
    "rate limit above the quota": (
        lambda stack: _pipeline(stack, webhook=WebhookProps(throttling_rate_limit=20_000)),
        "webhook.throttling_rate_limit is 20,000 requests/s: 1 to 10,000 requests/s are allowed, API Gateway's quota.",
    ),
    "burst limit of nothing": (
        lambda stack: _pipeline(stack, webhook=WebhookProps(throttling_burst_limit=0)),
        "webhook.throttling_burst_limit is 0 requests: 1 to 5,000 requests are allowed, API Gateway's quota.",
    ),
    "vpc with a single zone": (
        lambda stack: LoadBalancerProps(
            vpc=ec2.Vpc.from_vpc_attributes(
                stack,
                "Vpc",
                vpc_id="vpc-0123456789abcdef0",
                availability_zones=["eu-west-1a"],
                public_subnet_ids=["subnet-0123456789abcdef0"],
            )
        ),
        "webhook.front_door.vpc has public subnets in 1 zone: two zones or more are allowed, Elastic Load Balancing's "
        "limit.",
    ),
    "prefix list larger than a security group": (
        lambda stack: LoadBalancerProps(prefix_list=ec2.PrefixList(stack, "Networks", max_entries=61)),
        "webhook.front_door.prefix_list is 61 entries at most: 1 to 60 entries at most are allowed, the inbound rules of a "
        "security group.",
    ),
    "load balancer without a domain": (
        lambda _: WebhookProps(front_door=LoadBalancerProps()),
        "webhook.domain is None with webhook.front_door: a domain with a certificate or a hosted zone is needed, because a "
        "load balancer answers HTTPS alone.",
    ),
    "throttling by a load balancer": (
        lambda stack: _behind_load_balancer(stack, throttling_rate_limit=7),
        "webhook.throttling_rate_limit is given with webhook.front_door: it is allowed with the REST API alone, which has "
        "no front_door.",
    ),
    "traces by a load balancer": (
        lambda stack: _behind_load_balancer(stack, traced_share=0.5),
        "webhook.traced_share is given with webhook.front_door: it is allowed with the REST API alone, which has no "
        "front_door.",
    ),
    "body above what a load balancer hands over": (
        lambda stack: _behind_load_balancer(stack, max_body_bytes=1_048_577),
        "webhook.max_body_bytes is 1,048,577 bytes: 1,024 to 1,048,576 bytes are allowed, what a load balancer hands over "
        "to a function.",
    ),
    "more networks than a security group has rules": (
        lambda stack: _behind_load_balancer(stack, allowed_cidrs=[f"198.51.100.{n}/32" for n in range(61)]),
        "webhook.allowed_cidrs is 61 networks: 1 to 60 networks are allowed, the inbound rules of a security group.",
    ),
    "IPv6 to a load balancer": (
        lambda stack: _behind_load_balancer(stack, allowed_cidrs=["2001:db8::/32"]),
        "webhook.allowed_cidrs holds '2001:db8::/32' with webhook.front_door: IPv4 networks are allowed, because the load "
        "balancer has no other address.",
    ),
    "two lists of networks for a load balancer": (
        lambda stack: _behind_load_balancer(
            stack,
            LoadBalancerProps(
                prefix_list=ec2.PrefixList.from_prefix_list_id(stack, "Networks", "pl-0123456789abcdef0")
            ),
            allowed_cidrs=["198.51.100.0/24"],
        ),
        "webhook.allowed_cidrs is given with webhook.front_door.prefix_list: one of the two is allowed.",
    ),
    "prefix list beside a rate limit": (
        lambda stack: _behind_load_balancer(
            stack,
            LoadBalancerProps(
                prefix_list=ec2.PrefixList.from_prefix_list_id(stack, "Networks", "pl-0123456789abcdef0")
            ),
            rate_limit=RateLimitProps(requests=100),
        ),
        "webhook.rate_limit is given with webhook.front_door.prefix_list: one of the two is allowed.",
    ),
    "prefix list beside Genesys Cloud's networks": (
        lambda stack: _pipeline(
            stack,
            webhook=_behind_load_balancer(
                stack,
                LoadBalancerProps(
                    prefix_list=ec2.PrefixList.from_prefix_list_id(stack, "Networks", "pl-0123456789abcdef0")
                ),
            ),
            genesys=genesys(stack, ip_allow_list=IpAllowListProps()),
        ),
        "webhook.front_door.prefix_list is given with genesys.ip_allow_list: one of the two is allowed.",
    ),
    "certificate of another region for a load balancer": (
        lambda _: _load_balancer_elsewhere(),
        "webhook.domain.certificate is in eu-west-1 with a stack in us-east-1: an ACM certificate of the stack's own region "
        "is allowed.",
    ),
    "more traces than requests": (
        lambda _: WebhookProps(traced_share=1.5),
        "webhook.traced_share is 1.5 of the requests: 0 to 1 of the requests are allowed, a share.",
    ),
    "body above what Lambda takes": (
        lambda stack: _pipeline(stack, webhook=WebhookProps(max_body_bytes=10_000_000)),
        "webhook.max_body_bytes is 10,000,000 bytes: 1,024 to 4,194,304 bytes are allowed, to fit a Lambda request.",
    ),
    "id field with an empty part": (
        lambda stack: _pipeline(stack, ingest=IngestProps(event_id_field="event..id")),
        "ingest.event_id_field holds '': field names without blanks, commas or empty parts are allowed.",
    ),
    "oversize field with a comma": (
        lambda stack: _pipeline(stack, ingest=IngestProps(oversize_fields=["text,body"])),
        "ingest.oversize_fields holds 'text,body': field names without blanks, commas or empty parts are allowed.",
    ),
    "more events in a request than there is time for": (
        lambda stack: _pipeline(stack, ingest=IngestProps(max_events=20_000)),
        "ingest.max_events is 20,000 events: 1 to 10,000 events are allowed, to be stored before the sender gives up.",
    ),
    "no oversize fields": (
        lambda stack: _pipeline(stack, ingest=IngestProps(oversize_fields=[])),
        "ingest.oversize_fields is empty: name at least one field, or an event above Firehose's record limit has nowhere "
        "to go.",
    ),
    "concurrency of one": (
        lambda stack: _pipeline(stack, ingest=IngestProps(queue_max_concurrency=1)),
        "ingest.queue_max_concurrency is 1 invocations: 2 to 1,000 invocations are allowed, Lambda's own limit.",
    ),
    "memory": (
        lambda stack: _pipeline(stack, ingest=IngestProps(memory_size=64)),
        "ingest.memory_size is 64 MB: 128 to 10,240 MB are allowed, Lambda's own limit.",
    ),
    "keys forgotten before the last retry": (
        lambda stack: _pipeline(stack, transform=TransformProps(deduplication_ttl_days=4)),
        "transform.deduplication_ttl_days is 4 days: 5 to 365 days are allowed, longer than any retry.",
    ),
    "no past": (
        lambda stack: _pipeline(stack, transform=TransformProps(event_date_past_days=0)),
        "transform.event_date_past_days is 0 days: 1 to 3,650 days are allowed, for events that are late.",
    ),
    "too much future": (
        lambda stack: _pipeline(stack, transform=TransformProps(event_date_future_days=31)),
        "transform.event_date_future_days is 31 days: 0 to 30 days are allowed, for clocks that are off.",
    ),
    "metrics namespace of AWS": (
        lambda stack: _pipeline(stack, monitoring=MonitoringProps(metrics_namespace="AWS/Genesys")),
        "monitoring.metrics_namespace is 'AWS/Genesys': 1 to 255 letters, digits and ._-/#: are allowed, not beginning with AWS/.",
    ),
    "compliance without acknowledgement": (
        lambda _: DataLakeBucketProps(retention_mode=RetentionMode.COMPLIANCE, retention_days=365),
        "lake.bucket.retention_mode is COMPLIANCE: set acknowledge_compliance=True as well, because not even the account's root "
        "user can delete a version, or the bucket, for 365 days.",
    ),
    "retention of nothing": (
        lambda _: DataLakeBucketProps(retention_days=0),
        "lake.bucket.retention_days is 0 days: 1 to 36,500 days are allowed, S3's own limit.",
    ),
    "raw expires under retention": (
        lambda _: DataLakeBucketProps(retention_days=90, raw_expiration_days=60, raw_archive_after_days=None),
        "lake.bucket.raw_expiration_days is 60 days: 90 to 36,500 days are allowed, because the retention locks a "
        "version for 90.",
    ),
    "clean expires under retention": (
        lambda _: DataLakeBucketProps(clean_expiration_days=7),
        "lake.bucket.clean_expiration_days is 7 days: 30 to 36,500 days are allowed, because the retention locks a "
        "version for 30.",
    ),
    "errors expire under retention": (
        lambda _: DataLakeBucketProps(errors_expiration_days=7),
        "lake.bucket.errors_expiration_days is 7 days: 30 to 36,500 days are allowed, because the retention locks a "
        "version for 30.",
    ),
    "old versions expire under retention": (
        lambda _: DataLakeBucketProps(noncurrent_expiration_days=29),
        "lake.bucket.noncurrent_expiration_days is 29 days: 30 to 36,500 days are allowed, because the retention locks a "
        "version for 30.",
    ),
    "archive in the past": (
        lambda _: DataLakeBucketProps(raw_archive_after_days=-1),
        "lake.bucket.raw_archive_after_days is -1 days: 0 to 36,500 days are allowed, before the objects expire, or None for "
        "never.",
    ),
    "archive after expiration": (
        lambda _: DataLakeBucketProps(raw_archive_after_days=89, raw_expiration_days=60),
        "lake.bucket.raw_archive_after_days is 89 days: 0 to 59 days are allowed, before the objects expire, or None for never.",
    ),
    "buffer too small": (
        lambda _: BufferingProps(size=cdk.Size.mebibytes(0)),
        "delivery.buffering.size is 0 MiB: 1 to 128 MiB are allowed, Firehose's own limit.",
    ),
    "buffer too large": (
        lambda _: BufferingProps(size=cdk.Size.mebibytes(129)),
        "delivery.buffering.size is 129 MiB: 1 to 128 MiB are allowed, Firehose's own limit.",
    ),
    "buffer of a part of a MiB": (
        lambda _: BufferingProps(size=cdk.Size.kibibytes(1536)),
        "delivery.buffering.size is 1,536 KiB: whole MiB are allowed, the unit in which Firehose takes it.",
    ),
    "buffer too long": (
        lambda _: BufferingProps(interval=cdk.Duration.minutes(16)),
        "delivery.buffering.interval is 960 seconds: 0 to 900 seconds are allowed, Firehose's own limit.",
    ),
    "header that is no token": (
        lambda _: SignatureProps(header="X Genesys Signature"),
        "webhook.signature.header is 'X Genesys Signature': an HTTP header name is allowed, letters, digits and "
        "!#$%&'*+-.^_`|~.",
    ),
    "timestamp header that is no token": (
        lambda _: SignatureProps(timestamp_header=""),
        "webhook.signature.timestamp_header is '': an HTTP header name is allowed, letters, digits and !#$%&'*+-.^_`|~.",
    ),
    "timestamp in the signature's header": (
        lambda _: SignatureProps(timestamp_header="x-genesys-signature"),
        "webhook.signature.timestamp_header is the signature's own header: another header is allowed.",
    ),
    "prefix with a line break": (
        lambda _: SignatureProps(prefix="sha256=\n"),
        "webhook.signature.prefix is 'sha256=\\n': printable ASCII without outer blanks is allowed.",
    ),
    "timestamp window too wide": (
        lambda _: SignatureProps(timestamp_header="X-Time", timestamp_tolerance=cdk.Duration.hours(2)),
        "webhook.signature.timestamp_tolerance is 7,200 seconds: 1 to 3,600 seconds are allowed, because a longer window is "
        "no protection against replay.",
    ),
    "rotation that never ends": (
        lambda _: SignatureProps(previous_key_validity=cdk.Duration.days(31)),
        "webhook.signature.previous_key_validity is 744 hours: 0 to 720 hours are allowed, because a rotation must "
        "end.",
    ),
    "webhook.domain that is none": (
        lambda _: WebhookDomainProps(domain_name="https://events.example.com"),
        "webhook.domain.domain_name is 'https://events.example.com': a fully qualified domain name in lower case is allowed, "
        "such as events.example.com.",
    ),
    "webhook.domain without certificate or zone": (
        lambda _: WebhookDomainProps(domain_name="events.example.com"),
        "webhook.domain has neither certificate nor hosted_zone: give a certificate, or the hosted zone in which a new one "
        "can be validated.",
    ),
    "threshold of nothing": (
        lambda _: AlarmThresholdsProps(dead_letters=0),
        "monitoring.thresholds.dead_letters is 0: a value above 0 is allowed.",
    ),
    "share above one": (
        lambda _: AlarmThresholdsProps(quota_use_ratio=80),
        "monitoring.thresholds.quota_use_ratio is 80: a share up to 1 is allowed.",
    ),
    "keep_last without mask": (
        lambda _: FieldRule(action=Action.DROP, keep_last=2),
        "transform.masking_policy.rule.keep_last is given with action drop: it is allowed with mask alone.",
    ),
    "keep_last that identifies": (
        lambda _: FieldRule(action=Action.MASK, keep_last=5),
        "transform.masking_policy.rule.keep_last is 5: 0 to 4 characters are allowed, more would identify.",
    ),
    "masking rule without a name": (
        lambda _: MaskingPolicy(fields={"": FieldRule(action=Action.DROP)}),
        "transform.masking_policy.fields holds an empty or padded name: a name as Genesys spells it is allowed.",
    ),
    "log groups kept by a snapshot": (
        lambda stack: new_context(stack, removal_policy=cdk.RemovalPolicy.SNAPSHOT),
        "removal_policy is SNAPSHOT: RETAIN_ON_UPDATE_OR_DELETE, RETAIN and DESTROY are allowed.",
    ),
    "certificate's warning that never comes": (
        lambda stack: WebhookDomainProps(domain_name="a.example.com", hosted_zone=zone(stack), days_to_expiry=0),
        "webhook.domain.days_to_expiry is 0 days: 1 to 44 days are allowed, because ACM renews its own certificates 45 days ahead.",
    ),
    "certificate's warning at every renewal": (
        lambda stack: WebhookDomainProps(domain_name="a.example.com", hosted_zone=zone(stack), days_to_expiry=45),
        "webhook.domain.days_to_expiry is 45 days: 1 to 44 days are allowed, because ACM renews its own certificates 45 days ahead.",
    ),
    "warning at every renewal of a certificate of this app": (
        lambda stack: WebhookDomainProps(
            domain_name="a.example.com",
            certificate=acm.Certificate(stack, "Certificate", domain_name="a.example.com"),
            days_to_expiry=45,
        ),
        "webhook.domain.days_to_expiry is 45 days: 1 to 44 days are allowed, because ACM renews its own certificates 45 days ahead.",
    ),
    "warning beyond the life of a certificate that is referred to": (
        lambda stack: WebhookDomainProps(
            domain_name="a.example.com",
            certificate=acm.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE_ARN),
            days_to_expiry=366,
        ),
        "webhook.domain.days_to_expiry is 366 days: 1 to 365 days are allowed, within a certificate's life.",
    ),
    "a number that is none": (
        lambda _: AlarmThresholdsProps(client_errors=float("nan")),
        "monitoring.thresholds.client_errors is nan: a number is allowed.",
    ),
    "a whole number that is infinite": (
        lambda _: WebhookProps(throttling_rate_limit=float("inf")),
        "webhook.throttling_rate_limit is inf: a whole number is allowed.",
    ),
    "a path that is too long for a dimension": (
        lambda stack: GenesysFirehosePipeline(stack, "a" * 251),
        f"id is 'Test/{'a' * 251}': 1 to 255 printable ASCII characters are allowed, because it is a dimension of the metrics.",
    ),
    "one secret for both keys": (
        lambda stack: _one_secret(stack),
        "transform.existing_tokenization_secret is also webhook.signature.existing_secret: another secret is allowed, because the webhook's sender has the signing key.",
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


def test_values_known_only_at_deployment_are_taken_as_they_are() -> None:
    domain_name = cdk.Fn.import_value("EventsDomain")
    zone = cdk.aws_route53.HostedZone.from_hosted_zone_attributes(
        new_stack(), "Zone", hosted_zone_id="Z0123456789ABC", zone_name="example.com"
    )
    assert WebhookDomainProps(domain_name=domain_name, hosted_zone=zone).domain_name == domain_name
