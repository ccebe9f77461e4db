"""The table of all checks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from genesys_firehose_tools.operations.doctor import (
    delivery_checks,
    ingress_checks,
    key_checks,
    lake_checks,
    load_balancer_checks,
    monitoring_checks,
    quota_checks,
    role_checks,
    tls,
)
from genesys_firehose_tools.operations.doctor.findings import Finding
from genesys_firehose_tools.operations.doctor.inspection import Inspection

_Snapshot = TypeVar("_Snapshot")


@dataclass(frozen=True, slots=True)
class Check(Generic[_Snapshot]):
    """One check.

    Attributes:
        name: Its name.
        look: Asks AWS, and returns a snapshot of what it answered.
        judge: Judges the snapshot; nothing found is ok.
        good: What is so when it finds nothing.
    """

    name: str
    look: Callable[[Inspection], _Snapshot]
    judge: Callable[[_Snapshot], Iterator[Finding]]
    good: str


CHECKS: tuple[Check[Any], ...] = (
    Check("stack", monitoring_checks.look_at_stack, monitoring_checks.judge_stack, "The last deployment ended well."),
    Check(
        "delivery-role-trust",
        role_checks.look_at_trust,
        role_checks.judge_trust,
        "Firehose may take on the delivery role, in the stream's own account.",
    ),
    Check(
        "role-policies",
        role_checks.look_at_grants,
        role_checks.judge_grants,
        "Every role has the template's policies, and no others.",
    ),
    Check(
        "stream-status",
        delivery_checks.look_at_streams,
        delivery_checks.judge_status,
        "Every delivery stream is active and encrypted.",
    ),
    Check(
        "stream-destination",
        delivery_checks.look_at_streams,
        delivery_checks.judge_destination,
        "Bucket, prefixes, keys and backup are the template's.",
    ),
    Check(
        "stream-buffering",
        delivery_checks.look_at_streams,
        delivery_checks.judge_buffering,
        "The buffers are the template's.",
    ),
    Check(
        "stream-processing",
        delivery_checks.look_at_streams,
        delivery_checks.judge_processing,
        "The transform function and the partitions are the template's.",
    ),
    Check("last-delivery", delivery_checks.look_at_last_delivery, delivery_checks.judge_last_delivery, ""),
    Check("errors", delivery_checks.look_at_errors, delivery_checks.judge_errors, "Nothing is under errors/."),
    Check(
        "bucket-lock",
        lake_checks.look_at_bucket,
        lake_checks.judge_lock,
        "Object Lock and default retention are as they should be.",
    ),
    Check("bucket-versioning", lake_checks.look_at_bucket, lake_checks.judge_versioning, "Versioning is on."),
    Check(
        "bucket-encryption",
        lake_checks.look_at_bucket,
        lake_checks.judge_bucket_encryption,
        "The default encryption is the template's.",
    ),
    Check(
        "bucket-access",
        lake_checks.look_at_bucket,
        lake_checks.judge_access,
        "Nothing is public, and the bucket policy has the template's statements.",
    ),
    Check(
        "object-retention",
        lake_checks.look_at_objects,
        lake_checks.judge_object_retention,
        "The newest objects are locked.",
    ),
    Check(
        "object-encryption",
        lake_checks.look_at_objects,
        lake_checks.judge_object_encryption,
        "The newest objects are encrypted with the keys of their layers.",
    ),
    Check(
        "manifests",
        lake_checks.look_at_manifests,
        lake_checks.judge_manifests,
        "Every closed day of the last week has its manifest.",
    ),
    Check(
        "keys",
        key_checks.look_at_keys,
        key_checks.judge_keys,
        "Every KMS key is enabled, and rotated unless it signs.",
    ),
    Check("signing-key", key_checks.look_at_signing_key, key_checks.judge_signing_key, ""),
    Check("previous-key", key_checks.look_at_signing_key, key_checks.judge_previous_key, ""),
    Check(
        "tokenization-key",
        key_checks.look_at_tokenization_key,
        key_checks.judge_tokenization_key,
        "The tokenization key is there, and was never replaced.",
    ),
    Check("health", ingress_checks.look_at_health, ingress_checks.judge_health, "The webhook can take events."),
    Check("dns", ingress_checks.look_at_tls, tls.judge_dns, ""),
    Check("certificate", ingress_checks.look_at_tls, tls.judge_certificate, ""),
    Check(
        "api-stage",
        ingress_checks.look_at_stages,
        ingress_checks.judge_stages,
        "The API serves the template's deployment, with its throttling.",
    ),
    Check(
        "load-balancer",
        load_balancer_checks.look_at_load_balancers,
        load_balancer_checks.judge_load_balancers,
        "The load balancer is as in the template, and leads to the function.",
    ),
    Check(
        "allow-list",
        ingress_checks.look_at_allow_list,
        ingress_checks.judge_allow_list,
        "The networks of the template may call the API, and no others.",
    ),
    Check(
        "partner-source",
        ingress_checks.look_at_partner_source,
        ingress_checks.judge_partner_source,
        "The partner event source is active.",
    ),
    Check("genesys-side", ingress_checks.look_at_genesys_side, ingress_checks.judge_genesys_side, ""),
    Check("names", ingress_checks.look_at_names, ingress_checks.judge_names, ""),
    Check(
        "rules",
        ingress_checks.look_at_rules,
        ingress_checks.judge_rules,
        "Every rule is enabled and has a target.",
    ),
    Check(
        "queues",
        ingress_checks.look_at_queues,
        ingress_checks.judge_queues,
        "The queues have the template's settings, and are drained.",
    ),
    Check(
        "queue-consumer",
        ingress_checks.look_at_consumers,
        ingress_checks.judge_consumers,
        "The functions take messages out of their queues.",
    ),
    Check(
        "dead-letters",
        ingress_checks.look_at_queues,
        ingress_checks.judge_dead_letters,
        "No dead-letter queue holds a message.",
    ),
    Check(
        "deduplication-table",
        lake_checks.look_at_tables,
        lake_checks.judge_tables,
        "The table is active, forgets and can be recovered.",
    ),
    Check(
        "function-settings",
        monitoring_checks.look_at_functions,
        monitoring_checks.judge_function_settings,
        "Every function has the template's settings.",
    ),
    Check(
        "function-errors",
        monitoring_checks.look_at_functions,
        monitoring_checks.judge_function_errors,
        "No function failed within an hour.",
    ),
    Check(
        "schema-drift",
        monitoring_checks.look_at_drift,
        monitoring_checks.judge_drift,
        "No unknown field and no changed type came within a day.",
    ),
    Check(
        "unknown-shapes",
        monitoring_checks.look_at_unknown_shapes,
        monitoring_checks.judge_unknown_shapes,
        "Every event of the last day had a known shape.",
    ),
    Check("alarms", monitoring_checks.look_at_alarms, monitoring_checks.judge_alarm_states, "No alarm is on."),
    Check(
        "alarm-settings",
        monitoring_checks.look_at_alarms,
        monitoring_checks.judge_alarm_settings,
        "Every alarm of the template is there and tells the topic.",
    ),
    Check("alarm-subscribers", monitoring_checks.look_at_subscribers, monitoring_checks.judge_subscribers, ""),
    Check("rebuild", monitoring_checks.look_at_rebuild, monitoring_checks.judge_rebuild, ""),
    Check("tables", monitoring_checks.look_at_lake_tables, monitoring_checks.judge_lake_tables, ""),
    Check("backfill", monitoring_checks.look_at_backfill, monitoring_checks.judge_backfill, ""),
    Check("reconciliation", monitoring_checks.look_at_reconciliation, monitoring_checks.judge_reconciliation, ""),
    Check("quotas", quota_checks.look_at_quotas, quota_checks.judge_quotas, ""),
)
"""All checks, in the order of the way of an event."""
