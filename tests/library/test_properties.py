"""A property that cannot work is refused at synthesis, in one sentence that says what is allowed."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3

from genesys_firehose_cdk import (
    Action,
    AlarmThresholdsProps,
    BufferingProps,
    DataLakeBucketProps,
    DeliveryProps,
    FieldRule,
    GenesysFirehosePipeline,
    IngestProps,
    InvalidPropertyError,
    LakeProps,
    MaskingPolicy,
    MonitoringProps,
    RetentionMode,
    SignatureProps,
    TransformProps,
    WebhookDomainProps,
    WebhookProps,
)
from tests.library.synthesis import new_context, new_stack

COMPLIANCE = DataLakeBucketProps(retention_mode=RetentionMode.COMPLIANCE, acknowledge_compliance=True)
NO_RETENTION = DataLakeBucketProps(retention_mode=RetentionMode.NONE)


def _bucket(stack: cdk.Stack, **attributes: Any) -> s3.IBucket:
    return s3.Bucket.from_bucket_attributes(stack, "Existing", bucket_name="events", **attributes)


def _zone(stack: cdk.Stack, name: str = "example.com") -> route53.IHostedZone:
    return route53.HostedZone.from_hosted_zone_attributes(
        stack, "Zone", hosted_zone_id="Z0123456789ABC", zone_name=name
    )


def _pipeline(stack: cdk.Stack, **properties: Any) -> GenesysFirehosePipeline:
    return GenesysFirehosePipeline(stack, "Pipeline", **properties)


REFUSED: dict[str, tuple[Callable[[cdk.Stack], object], str]] = {
    "compliance with destroy": (
        lambda stack: _pipeline(stack, lake=LakeProps(bucket=COMPLIANCE), removal_policy=cdk.RemovalPolicy.DESTROY),
        "removal_policy is DESTROY with retention_mode COMPLIANCE: only RETAIN is allowed, because S3 refuses to "
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
        "auto_delete_objects is True with removal_policy RETAIN: it is allowed with removal_policy DESTROY alone.",
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
        "removal_policy is SNAPSHOT: RETAIN and DESTROY are allowed.",
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
        "keep_last is given with action drop: it is allowed with mask alone.",
    ),
    "keep_last that identifies": (
        lambda _: FieldRule(action=Action.MASK, keep_last=5),
        "keep_last is 5: 0 to 4 characters are allowed, more would identify.",
    ),
    "masking rule without a name": (
        lambda _: MaskingPolicy(fields={"": FieldRule(action=Action.DROP)}),
        "fields holds an empty or padded name: a name as Genesys spells it is allowed.",
    ),
    "log groups kept by a snapshot": (
        lambda stack: new_context(stack, removal_policy=cdk.RemovalPolicy.SNAPSHOT),
        "removal_policy is SNAPSHOT: RETAIN and DESTROY are allowed.",
    ),
    "certificate's warning that never comes": (
        lambda stack: WebhookDomainProps(domain_name="a.example.com", hosted_zone=_zone(stack), days_to_expiry=0),
        "webhook.domain.days_to_expiry is 0 days: 1 to 365 days are allowed, within a certificate's life.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_work_is_refused(case: str) -> None:
    build, message = REFUSED[case]
    with pytest.raises(InvalidPropertyError) as refusal:
        build(new_stack())
    assert str(refusal.value) == message


def test_values_known_only_at_deployment_are_taken_as_they_are() -> None:
    domain_name = cdk.Fn.import_value("EventsDomain")
    zone = cdk.aws_route53.HostedZone.from_hosted_zone_attributes(
        new_stack(), "Zone", hosted_zone_id="Z0123456789ABC", zone_name="example.com"
    )
    assert WebhookDomainProps(domain_name=domain_name, hosted_zone=zone).domain_name == domain_name
