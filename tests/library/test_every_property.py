"""A property that is given is used or refused, and a page says what changing it does: each of them is tried."""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from functools import cache
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns

import genesys_firehose_cdk as library
from genesys_firehose_cdk import (
    AlarmSeverity,
    AlarmThresholdsProps,
    BackfillProps,
    BufferingProps,
    BusinessHoursProps,
    DataLakeBucketProps,
    DeliveryProps,
    EventBridgeIntegrationProps,
    EventShapes,
    EventSubscriptionProps,
    GenesysConnectionProps,
    GenesysFirehosePipeline,
    GenesysNamesProps,
    GenesysProps,
    GenesysRegion,
    GenesysWatchProps,
    IngestProps,
    IpAllowListProps,
    LakeCatalogProps,
    LakeManifestsProps,
    LakeProps,
    LakeRebuildProps,
    LakeTablesProps,
    LoadBalancerProps,
    MaskingPolicy,
    MonitoringProps,
    PartnerBusProps,
    PipelineContext,
    RateLimitProps,
    ReconciliationProps,
    RetentionApplied,
    RetentionMode,
    SignatureEncoding,
    SignatureKind,
    SignatureProps,
    TransformProps,
    WebhookDomainProps,
    WebhookProps,
)
from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.pipeline_props import PipelineProps
from tests.library.deployment_effects import effect
from tests.library.synthesis import (
    CERTIFICATE_ARN,
    KEY_ARN,
    ROOT,
    WEB_ACL_ARN,
    Template,
    new_context,
    new_stack,
    template_of,
)

Keywords = dict[str, Any]
Wrap = Callable[[cdk.Stack, Any], Keywords]

BUS = PartnerBusProps(org_id="3b1f3c1e-0000-4000-8000-000000000000", event_source_suffix="lake", topics=["quality"])
TOPIC_ARN = "arn:aws:sns:eu-west-1:111122223333:alarms"
CONVERSATIONS_BUS = replace(BUS, topics=["conversation_details"])
HOURS = BusinessHoursProps(start_hour=8, end_hour=18)


def secret(stack: cdk.Stack, name: str = "Credentials") -> secretsmanager.ISecret:
    return secretsmanager.Secret.from_secret_name_v2(stack, name, name.lower())


def zone(stack: cdk.Stack, name: str = "example.com") -> route53.IHostedZone:
    zone_id = "Z0123456789ABC"
    return route53.HostedZone.from_hosted_zone_attributes(stack, "Zone", hosted_zone_id=zone_id, zone_name=name)


def bucket(stack: cdk.Stack) -> s3.IBucket:
    key = kms.Key.from_key_arn(stack, "Key", KEY_ARN)
    return s3.Bucket.from_bucket_attributes(stack, "Bucket", bucket_name="events", encryption_key=key)


def genesys(stack: cdk.Stack, **properties: Any) -> GenesysProps:
    return GenesysProps(**{"region": GenesysRegion.EU_WEST_1, "credentials": secret(stack), **properties})


def domain(stack: cdk.Stack) -> WebhookDomainProps:
    return WebhookDomainProps(domain_name="a.example.com", hosted_zone=zone(stack))


# How a class of properties reaches the pipeline, and with what beside it.
WRAPS: dict[type[Props], Wrap] = {
    WebhookProps: lambda _, props: {"webhook": props},
    SignatureProps: lambda stack, props: {
        "webhook": WebhookProps(signature=props),
        "genesys": genesys(stack, subscription=EventSubscriptionProps()) if props.rotation else None,
    },
    WebhookDomainProps: lambda _, props: {"webhook": WebhookProps(domain=props)},
    LoadBalancerProps: lambda stack, props: {"webhook": WebhookProps(front_door=props, domain=domain(stack))},
    RateLimitProps: lambda _, props: {"webhook": WebhookProps(rate_limit=props)},
    PartnerBusProps: lambda _, props: {"partner_bus": props},
    GenesysProps: lambda _, props: {
        "partner_bus": CONVERSATIONS_BUS,
        "genesys": props,
        "webhook": WebhookProps(signature=SignatureProps.shared_key()),
    },
    EventBridgeIntegrationProps: lambda stack, props: {
        "partner_bus": BUS,
        "genesys": genesys(stack, integration=props),
    },
    EventSubscriptionProps: lambda stack, props: {
        "genesys": genesys(stack, subscription=props),
        "webhook": WebhookProps(signature=SignatureProps.shared_key()),
    },
    IpAllowListProps: lambda stack, props: {"genesys": genesys(stack, ip_allow_list=props)},
    GenesysNamesProps: lambda stack, props: {"genesys": genesys(stack, names=props)},
    BackfillProps: lambda stack, props: {"genesys": genesys(stack, backfill=props)},
    ReconciliationProps: lambda stack, props: {
        "partner_bus": CONVERSATIONS_BUS,
        "genesys": genesys(stack, reconciliation=props),
    },
    GenesysWatchProps: lambda stack, props: {"partner_bus": BUS, "genesys": genesys(stack), "watch": props},
    BusinessHoursProps: lambda _, props: {"watch": GenesysWatchProps(business_hours=props)},
    IngestProps: lambda _, props: {"ingest": props},
    TransformProps: lambda _, props: {"transform": props},
    DeliveryProps: lambda _, props: {"delivery": props},
    BufferingProps: lambda _, props: {"delivery": DeliveryProps(buffering=props)},
    LakeRebuildProps: lambda _, props: {"delivery": DeliveryProps(rebuild=props)},
    LakeProps: lambda _, props: {"lake": props},
    DataLakeBucketProps: lambda _, props: {"lake": LakeProps(bucket=props)},
    LakeTablesProps: lambda _, props: {"lake": LakeProps(tables=props)},
    LakeManifestsProps: lambda _, props: {"lake": LakeProps(manifests=props)},
    LakeCatalogProps: lambda _, props: {"lake": LakeProps(catalog=props)},
    MonitoringProps: lambda _, props: {"monitoring": props},
    AlarmThresholdsProps: lambda _, props: {"monitoring": MonitoringProps(thresholds=props)},
}

# What the class has before the field is changed, where its defaults do not do.
BASES: dict[type[Props], Callable[[cdk.Stack], Keywords]] = {
    WebhookDomainProps: lambda stack: {"domain_name": "events.example.com", "hosted_zone": zone(stack)},
    RateLimitProps: lambda _: {"requests": 6000},
    PartnerBusProps: lambda _: {field.name: getattr(BUS, field.name) for field in fields(BUS)},
    GenesysProps: lambda stack: {"region": GenesysRegion.EU_WEST_1, "credentials": secret(stack)},
    BackfillProps: lambda stack: {"credentials": secret(stack, "Readers")},
    ReconciliationProps: lambda stack: {"credentials": secret(stack, "Readers")},
    GenesysWatchProps: lambda _: {"business_hours": HOURS},
    BusinessHoursProps: lambda _: {"start_hour": 8, "end_hour": 18},
    PipelineProps: lambda _: {"partner_bus": BUS},
}

Change = Callable[[cdk.Stack], Keywords]


def _to(**properties: Any) -> Change:
    return lambda _: properties


THRESHOLDS = {field.name: (number + 1) / 64 for number, field in enumerate(fields(AlarmThresholdsProps))}

# Another value for every field, with what it needs beside it; the template must not be the same.
CHANGES: dict[type[Props], dict[str, Change]] = {
    WebhookProps: {
        "signature": _to(signature=SignatureProps.open_messaging()),
        "path": _to(path="hooks"),
        "front_door": lambda stack: {"domain": domain(stack), "front_door": LoadBalancerProps()},
        "domain": lambda stack: {"domain": domain(stack)},
        "allowed_cidrs": _to(allowed_cidrs=["198.51.100.0/24"]),
        "throttling_rate_limit": _to(throttling_rate_limit=7),
        "throttling_burst_limit": _to(throttling_burst_limit=7),
        "rate_limit": _to(rate_limit=RateLimitProps(requests=6000)),
        "web_acl_arn": _to(web_acl_arn=WEB_ACL_ARN),
        "cloud_watch_role": _to(cloud_watch_role=False),
        "traced_share": _to(traced_share=0.5),
        "max_body_bytes": _to(max_body_bytes=2048),
    },
    LoadBalancerProps: {
        "vpc": lambda stack: {"vpc": ec2.Vpc(stack, "Vpc", availability_zones=["eu-west-1a", "eu-west-1b"])},
        "prefix_list": lambda stack: {
            "prefix_list": ec2.PrefixList.from_prefix_list_id(stack, "Networks", "pl-0123456789abcdef0")
        },
    },
    SignatureProps: {
        "existing_secret": lambda stack: {"existing_secret": secret(stack)},
        "kind": _to(kind=SignatureKind.SHARED_KEY),
        "header": _to(header="X-Other"),
        "prefix": _to(prefix="v1="),
        "encoding": _to(encoding=SignatureEncoding.BASE64),
        "timestamp_header": _to(timestamp_header="X-Time"),
        "timestamp_tolerance": _to(timestamp_header="X-Time", timestamp_tolerance=cdk.Duration.seconds(9)),
        "previous_key_validity": _to(previous_key_validity=cdk.Duration.hours(1)),
        "rotation": _to(kind=SignatureKind.SHARED_KEY, rotation=cdk.Duration.days(90)),
    },
    WebhookDomainProps: {
        "domain_name": _to(domain_name="other.example.com"),
        "certificate": lambda stack: {
            "certificate": acm.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE_ARN)
        },
        "hosted_zone": lambda stack: {
            "hosted_zone": None,
            "certificate": acm.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE_ARN),
        },
        "days_to_expiry": _to(days_to_expiry=9),
        "probe": _to(probe=False),
    },
    RateLimitProps: {
        "requests": _to(requests=100),
        "window": _to(window=cdk.Duration.minutes(10)),
        "exempt_cidrs": _to(exempt_cidrs=["198.51.100.0/24"]),
    },
    PartnerBusProps: {
        "org_id": _to(org_id="4b1f3c1e-0000-4000-8000-000000000000"),
        "event_source_suffix": _to(event_source_suffix="other"),
        "topics": _to(topics=["audits"]),
        "archive_retention": _to(archive_retention=cdk.Duration.days(3)),
        "max_event_age": _to(max_event_age=cdk.Duration.hours(1)),
        "retry_attempts": _to(retry_attempts=5),
    },
    GenesysProps: {
        "region": _to(region=GenesysRegion.US_EAST_1),
        "credentials": lambda stack: {"credentials": secret(stack, "Other")},
        "manage_integration": _to(manage_integration=False),
        "integration": _to(integration=EventBridgeIntegrationProps(name="Other")),
        "subscription": _to(subscription=EventSubscriptionProps()),
        "ip_allow_list": _to(ip_allow_list=IpAllowListProps()),
        "names": _to(names=GenesysNamesProps()),
        "backfill": lambda stack: {"backfill": BackfillProps(credentials=secret(stack, "Readers"))},
        "reconciliation": lambda stack: {"reconciliation": ReconciliationProps(credentials=secret(stack, "Readers"))},
    },
    EventBridgeIntegrationProps: {
        "name": _to(name="Other"),
        "give_up_after": _to(give_up_after=cdk.Duration.minutes(5)),
    },
    EventSubscriptionProps: {
        "name": _to(name="Other"),
        "event_names": _to(event_names=["call.event"]),
        "filters": _to(filters={"direction": "inbound"}),
        "headers": _to(headers={"X-Other": "1", "X-Genesys-Signature": "${signing_key}"}),
        "path": _to(path="/api/v2/other"),
        "body": _to(body={"name": "${name}", "headers": "${headers}"}),
        "check_interval": _to(check_interval=cdk.Duration.minutes(30)),
        "give_up_after": _to(give_up_after=cdk.Duration.minutes(5)),
    },
    IpAllowListProps: {
        "services": _to(services=["open-messaging", "api"]),
        "directions": _to(directions=["outbound"]),
        "additional_cidrs": _to(additional_cidrs=["198.51.100.0/24"]),
        "max_shrink_ratio": _to(max_shrink_ratio=0.25),
        "interval": _to(interval=cdk.Duration.hours(2)),
    },
    GenesysNamesProps: {
        "kinds": _to(kinds=["queue"]),
        "interval": _to(interval=cdk.Duration.hours(6)),
        "credentials": lambda stack: {"credentials": secret(stack, "Readers")},
    },
    BackfillProps: {
        "credentials": lambda stack: {"credentials": secret(stack, "Other")},
        "settle_after_days": _to(settle_after_days=4),
    },
    ReconciliationProps: {
        "credentials": lambda stack: {"credentials": secret(stack, "Other")},
        "media": _to(media=["voice"]),
    },
    GenesysWatchProps: {
        "business_hours": _to(business_hours=BusinessHoursProps(start_hour=9, end_hour=18)),
        "silence": _to(silence=cdk.Duration.hours(2)),
        "subscription_path": _to(subscription_path="/api/v2/notifications/eventSubscriptions"),
        "credentials": lambda stack: {"credentials": secret(stack, "Readers")},
    },
    BusinessHoursProps: {
        "start_hour": _to(start_hour=9),
        "end_hour": _to(end_hour=17),
        "days": _to(days=[1, 2]),
    },
    IngestProps: {
        "event_id_field": _to(event_id_field="id"),
        "oversize_fields": _to(oversize_fields=["text"]),
        "max_events": _to(max_events=100),
        "queue_max_concurrency": _to(queue_max_concurrency=3),
        "memory_size": _to(memory_size=256),
    },
    TransformProps: {
        "masking_policy": lambda _: {"masking_policy": replace(MaskingPolicy.default(), version=2)},
        "event_shapes": lambda _: {"event_shapes": _fewer_shapes()},
        "existing_tokenization_secret": lambda stack: {"existing_tokenization_secret": secret(stack)},
        "deduplication_ttl_days": _to(deduplication_ttl_days=9),
        "event_date_past_days": _to(event_date_past_days=9),
        "event_date_future_days": _to(event_date_future_days=9),
        "memory_size": _to(memory_size=2048),
    },
    DeliveryProps: {
        "buffering": _to(buffering=BufferingProps(interval=cdk.Duration.seconds(90))),
        "dynamic_partitioning": _to(dynamic_partitioning=False),
        "shards": _to(shards=2),
        "stream_encryption_key": lambda stack: {"stream_encryption_key": kms.Key.from_key_arn(stack, "Key", KEY_ARN)},
        "restrict_trust_to_account": _to(restrict_trust_to_account=True),
        "rebuild": _to(rebuild=LakeRebuildProps(max_concurrency=3)),
    },
    BufferingProps: {
        "size": _to(size=cdk.Size.mebibytes(5)),
        "interval": _to(interval=cdk.Duration.seconds(90)),
    },
    LakeRebuildProps: {
        "max_concurrency": _to(max_concurrency=3),
        "tolerated_failure_percentage": _to(tolerated_failure_percentage=3),
        "memory_size": _to(memory_size=2048),
    },
    LakeProps: {
        "bucket": _to(bucket=DataLakeBucketProps(retention_days=90)),
        "existing_bucket": lambda stack: {
            "existing_bucket": bucket(stack),
            "existing_bucket_is_locked_and_versioned": True,
        },
        "existing_bucket_is_locked_and_versioned": lambda stack: {
            "existing_bucket": bucket(stack),
            "existing_bucket_is_locked_and_versioned": True,
        },
        "catalog": _to(catalog=LakeCatalogProps(results_expiration_days=3)),
        "tables": _to(tables=None),
        "manifests": _to(manifests=LakeManifestsProps()),
    },
    LakeManifestsProps: {
        "closed_after": _to(closed_after=cdk.Duration.days(6)),
    },
    DataLakeBucketProps: {
        "retention_mode": _to(retention_mode=RetentionMode.NONE),
        "retention_days": _to(retention_days=90),
        "retention_applied": _to(retention_applied=RetentionApplied.ON_ARRIVAL),
        "break_glass_role": lambda stack: {
            "retention_applied": RetentionApplied.ON_ARRIVAL,
            "break_glass_role": iam.Role.from_role_name(stack, "BreakGlass", "break-glass"),
        },
        "acknowledge_compliance": _to(retention_mode=RetentionMode.COMPLIANCE, acknowledge_compliance=True),
        "raw_archive_after_days": _to(raw_archive_after_days=30),
        "raw_expiration_days": _to(raw_expiration_days=365),
        "clean_expiration_days": _to(clean_expiration_days=365),
        "errors_expiration_days": _to(errors_expiration_days=365),
        "noncurrent_expiration_days": _to(noncurrent_expiration_days=365),
    },
    LakeTablesProps: {
        "interval": _to(interval=cdk.Duration.hours(6)),
        "bytes_scanned_limit": _to(bytes_scanned_limit=cdk.Size.gibibytes(1)),
    },
    LakeCatalogProps: {
        "first_day": _to(first_day=date(2025, 1, 1)),
        "bytes_scanned_limit": _to(bytes_scanned_limit=cdk.Size.gibibytes(1)),
        "results_expiration_days": _to(results_expiration_days=3),
    },
    MonitoringProps: {
        "existing_alarm_topic": lambda stack: {
            "existing_alarm_topic": sns.Topic.from_topic_arn(stack, "Topic", TOPIC_ARN)
        },
        "existing_ticket_topic": lambda stack: {
            "existing_ticket_topic": sns.Topic.from_topic_arn(stack, "Topic", TOPIC_ARN)
        },
        "alarm_email": _to(alarm_email="events@example.com"),
        "runbook_url": _to(runbook_url="https://example.com/alarms.html"),
        "dashboard": _to(dashboard=False),
        "thresholds": _to(thresholds=AlarmThresholdsProps(dead_letters=9)),
        "metrics_namespace": _to(metrics_namespace="Other"),
        "log_retention": _to(log_retention=logs.RetentionDays.ONE_MONTH),
        "active_tracing": _to(active_tracing=True),
    },
    # All at once, each with a value of its own.
    AlarmThresholdsProps: dict.fromkeys(THRESHOLDS, _to(**THRESHOLDS)),
    PipelineProps: {
        "webhook": _to(webhook=None),
        "partner_bus": _to(partner_bus=None),
        "genesys": lambda stack: {"genesys": genesys(stack)},
        "watch": _to(watch=GenesysWatchProps(business_hours=HOURS)),
        "ingest": _to(ingest=IngestProps(memory_size=256)),
        "transform": _to(transform=TransformProps(memory_size=2048)),
        "delivery": _to(delivery=DeliveryProps(shards=2)),
        "lake": _to(lake=LakeProps(bucket=DataLakeBucketProps(retention_days=90))),
        "monitoring": _to(monitoring=MonitoringProps(metrics_namespace="Other")),
        "removal_policy": _to(removal_policy=cdk.RemovalPolicy.DESTROY),
        "auto_delete_objects": _to(
            lake=LakeProps(bucket=DataLakeBucketProps(retention_mode=RetentionMode.NONE)),
            removal_policy=cdk.RemovalPolicy.DESTROY,
            auto_delete_objects=True,
        ),
    },
}
# Not the pipeline's own: a base class, and what constructs share.
ELSEWHERE = {GenesysConnectionProps, PipelineContext}


def _fewer_shapes() -> EventShapes:
    schemas = EventShapes.default().schemas
    return EventShapes(schemas=dict(list(schemas.items())[:-1]))


def _template(props_class: type[Props], field: str | None) -> Template:
    """The template of a pipeline with a field changed, or with none."""
    return _changed(props_class, _NO_CHANGE if field is None else CHANGES[props_class][field])


_NO_CHANGE = _to()


@cache
def _changed(props_class: type[Props], change: Change) -> Template:
    stack = new_stack()
    values = BASES.get(props_class, lambda _: {})(stack)
    # What the change needs is there in both templates, such as an imported secret, which adds nothing by itself.
    keywords = {**values, **change(stack)}
    if props_class is not PipelineProps:
        keywords = WRAPS[props_class](stack, props_class(**keywords))
    GenesysFirehosePipeline(stack, "Pipeline", **keywords)
    return template_of(stack)


def test_every_class_of_properties_and_every_field_is_tried() -> None:
    public = {
        value for value in vars(library).values() if isinstance(value, type) and issubclass(value, Props)
    } - ELSEWHERE
    policies = {each for each in public if not each.__name__.endswith("Props")}
    assert {each.__name__ for each in policies} <= {"MaskingPolicy", "FieldRule"}
    assert public - policies == set(WRAPS) == set(CHANGES) - {PipelineProps}
    for props_class, changes in CHANGES.items():
        assert {field.name for field in fields(props_class)} == set(changes), props_class


each_property = pytest.mark.parametrize(
    ("props_class", "field"),
    [(props_class, field) for props_class, changes in CHANGES.items() for field in changes],
    ids=[f"{props_class.__name__}.{field}" for props_class, changes in CHANGES.items() for field in changes],
)


@each_property
def test_a_property_that_is_given_is_used(props_class: type[Props], field: str) -> None:
    assert _template(props_class, field).content != _template(props_class, None).content


def test_every_threshold_is_an_alarms() -> None:
    template = json.dumps(
        list(_template(AlarmThresholdsProps, "dead_letters").resources("AWS::CloudWatch::Alarm").values())
    )
    for name, value in THRESHOLDS.items():
        assert f'"Threshold": {value}' in template, name


def _page_of_changes() -> dict[str, str]:
    """What docs/changes.md says of each property."""
    rows = [line.split("|") for line in (ROOT / "docs" / "changes.md").read_text().splitlines() if line[:3] == "| `"]
    return {cells[1].strip().strip("`"): cells[2].strip() for cells in rows}


@each_property
def test_the_page_of_changes_says_what_changing_a_property_does(props_class: type[Props], field: str) -> None:
    done = effect(_template(props_class, None), _template(props_class, field))
    assert _page_of_changes()[props_class.name_of(field)] == done


def test_no_property_replaces_what_holds_data() -> None:
    replaced = " ".join(done.partition("replaces")[2] for done in _page_of_changes().values())
    assert "KinesisFirehose::DeliveryStream (kept)" in replaced
    for kind in ("S3::Bucket", "KMS::Key", "SecretsManager::Secret", "SQS::Queue", "DynamoDB::Table", "Logs::LogGroup"):
        assert kind not in replaced


def test_the_page_of_changes_tells_of_no_property_that_there_is_not() -> None:
    known = {props_class.name_of(field) for props_class, changes in CHANGES.items() for field in changes}
    assert _page_of_changes().keys() == known


def test_the_context_is_used_by_what_takes_it() -> None:
    def template(**properties: Any) -> str:
        stack = new_stack()
        context = new_context(stack, **properties)
        context.log_group(stack, "Logs")
        context.alarm(
            stack,
            "Alarm",
            metric=context.metric("EventAge"),
            description="",
            severity=AlarmSeverity.TICKET,
            section="queue-age",
            threshold=1,
        )
        return json.dumps(template_of(stack).content, sort_keys=True)

    usual = template()
    for change in (
        {"name": "Other"},
        {"ticket_topic": sns.Topic.from_topic_arn(cdk.Stack(), "Topic", TOPIC_ARN)},
        {"runbook_url": "https://example.com/alarms.html"},
        {"metrics_namespace": "Other"},
        {"log_retention": logs.RetentionDays.ONE_DAY},
        {"removal_policy": cdk.RemovalPolicy.DESTROY},
    ):
        assert template(**change) != usual
