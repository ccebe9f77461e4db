"""AWS CDK constructs that land every Genesys Cloud event in an S3 data lake."""

import os
import shutil

# The first import of the CDK starts it (jsii), and without it ends in a traceback that does not name it.
if shutil.which(os.environ.get("JSII_NODE", "node")) is None:
    raise ImportError(
        "Node.js is not on the PATH, and the AWS CDK runs in it: install Node.js 22 or 24, or activate the environment "
        "into which `pip install 'genesys-firehose-cdk[tools]'` brings it."
    )

from genesys_firehose_cdk.common.alarm import AlarmSeverity
from genesys_firehose_cdk.common.context import MetricName, PipelineContext
from genesys_firehose_cdk.common.hmac_key import HmacKey
from genesys_firehose_cdk.common.keys import OperationsKey
from genesys_firehose_cdk.common.validation import InvalidPropertyError
from genesys_firehose_cdk.delivery.deduplication_table import DeduplicationTable
from genesys_firehose_cdk.delivery.delivery_role import DeliveryRole
from genesys_firehose_cdk.delivery.delivery_stream import BufferingProps, DataLakeDeliveryStream, DeliveryProps
from genesys_firehose_cdk.delivery.lake_rebuild import LakeRebuild, LakeRebuildProps
from genesys_firehose_cdk.delivery.transform_function import TransformFunction, TransformProps
from genesys_firehose_cdk.delivery_verification import DeliveryVerification
from genesys_firehose_cdk.events.event_shapes import EventShapes
from genesys_firehose_cdk.events.masking_policy import Action, FieldRule, FreeText, MaskingPolicy, UnknownFields
from genesys_firehose_cdk.events.topics import UnlistedTopic
from genesys_firehose_cdk.genesys.backfill import Backfill, BackfillProps
from genesys_firehose_cdk.genesys.connection import GenesysConnectionProps
from genesys_firehose_cdk.genesys.event_subscription import EventSubscription, EventSubscriptionProps
from genesys_firehose_cdk.genesys.eventbridge_integration import EventBridgeIntegration, EventBridgeIntegrationProps
from genesys_firehose_cdk.genesys.ip_allow_list import IpAllowList, IpAllowListProps
from genesys_firehose_cdk.genesys.key_rotation import KeyRotation
from genesys_firehose_cdk.genesys.names import GenesysNames, GenesysNamesProps
from genesys_firehose_cdk.genesys.props import GenesysProps
from genesys_firehose_cdk.genesys.reconciliation import Reconciliation, ReconciliationProps
from genesys_firehose_cdk.genesys.region import GenesysRegion
from genesys_firehose_cdk.genesys.silence_alarms import BusinessHoursProps
from genesys_firehose_cdk.genesys.watch import GenesysWatch, GenesysWatchProps
from genesys_firehose_cdk.ingress.buffer_queue import BufferQueue
from genesys_firehose_cdk.ingress.ingest_function import IngestFunction, IngestProps
from genesys_firehose_cdk.ingress.load_balancer import LoadBalancerProps
from genesys_firehose_cdk.ingress.partner_bus import PartnerBusProps, PartnerEventBus
from genesys_firehose_cdk.ingress.rate_limit import RateLimit, RateLimitProps
from genesys_firehose_cdk.ingress.signature import SignatureEncoding, SignatureKind, SignatureProps
from genesys_firehose_cdk.ingress.webhook import WebhookProps
from genesys_firehose_cdk.ingress.webhook_api import WebhookApi
from genesys_firehose_cdk.ingress.webhook_domain import WebhookDomainProps
from genesys_firehose_cdk.ingress.webhook_load_balancer import WebhookLoadBalancer
from genesys_firehose_cdk.lake.data_lake_bucket import (
    DataLakeBucket,
    DataLakeBucketProps,
    RetentionApplied,
    RetentionMode,
)
from genesys_firehose_cdk.lake.lake_catalog import LakeCatalog, LakeCatalogProps
from genesys_firehose_cdk.lake.lake_manifests import LakeManifests, LakeManifestsProps
from genesys_firehose_cdk.lake.lake_tables import LakeTables, LakeTablesProps
from genesys_firehose_cdk.lake.props import LakeProps
from genesys_firehose_cdk.lake.retention_on_arrival import RetentionOnArrival
from genesys_firehose_cdk.monitoring.alarm_topic import AlarmTopic
from genesys_firehose_cdk.monitoring.certificate_alarms import CertificateAlarms
from genesys_firehose_cdk.monitoring.certificate_probe import CertificateProbe
from genesys_firehose_cdk.monitoring.dashboard import PipelineDashboard
from genesys_firehose_cdk.monitoring.events_at_risk import EventsAtRisk
from genesys_firehose_cdk.monitoring.pipeline_alarms import PipelineAlarms
from genesys_firehose_cdk.monitoring.props import MonitoringProps
from genesys_firehose_cdk.monitoring.thresholds import AlarmThresholdsProps
from genesys_firehose_cdk.pipeline import GenesysFirehosePipeline

__all__ = [
    "Action",
    "AlarmSeverity",
    "AlarmThresholdsProps",
    "AlarmTopic",
    "Backfill",
    "BackfillProps",
    "BufferQueue",
    "BufferingProps",
    "BusinessHoursProps",
    "CertificateAlarms",
    "CertificateProbe",
    "DataLakeBucket",
    "DataLakeBucketProps",
    "DataLakeDeliveryStream",
    "DeduplicationTable",
    "DeliveryProps",
    "DeliveryRole",
    "DeliveryVerification",
    "EventBridgeIntegration",
    "EventBridgeIntegrationProps",
    "EventShapes",
    "EventSubscription",
    "EventSubscriptionProps",
    "EventsAtRisk",
    "FieldRule",
    "FreeText",
    "GenesysConnectionProps",
    "GenesysFirehosePipeline",
    "GenesysNames",
    "GenesysNamesProps",
    "GenesysProps",
    "GenesysRegion",
    "GenesysWatch",
    "GenesysWatchProps",
    "HmacKey",
    "IngestFunction",
    "IngestProps",
    "InvalidPropertyError",
    "IpAllowList",
    "IpAllowListProps",
    "KeyRotation",
    "LakeCatalog",
    "LakeCatalogProps",
    "LakeManifests",
    "LakeManifestsProps",
    "LakeProps",
    "LakeRebuild",
    "LakeRebuildProps",
    "LakeTables",
    "LakeTablesProps",
    "LoadBalancerProps",
    "MaskingPolicy",
    "MetricName",
    "MonitoringProps",
    "OperationsKey",
    "PartnerBusProps",
    "PartnerEventBus",
    "PipelineAlarms",
    "PipelineContext",
    "PipelineDashboard",
    "RateLimit",
    "RateLimitProps",
    "Reconciliation",
    "ReconciliationProps",
    "RetentionApplied",
    "RetentionMode",
    "RetentionOnArrival",
    "SignatureEncoding",
    "SignatureKind",
    "SignatureProps",
    "TransformFunction",
    "TransformProps",
    "UnknownFields",
    "UnlistedTopic",
    "WebhookApi",
    "WebhookDomainProps",
    "WebhookLoadBalancer",
    "WebhookProps",
]
