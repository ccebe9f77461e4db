"""AWS CDK constructs that land every Genesys Cloud event in an S3 data lake."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genesys_firehose_cdk.buffer_queue import BufferQueue
    from genesys_firehose_cdk.certificate_alarms import CertificateAlarms
    from genesys_firehose_cdk.data_lake_bucket import DataLakeBucket, DataLakeBucketProps, RetentionMode
    from genesys_firehose_cdk.deduplication_table import DeduplicationTable
    from genesys_firehose_cdk.delivery_role import DeliveryRole
    from genesys_firehose_cdk.delivery_stream import Buffering, DataLakeDeliveryStream
    from genesys_firehose_cdk.event_shapes import EventShapes
    from genesys_firehose_cdk.event_subscription import EventSubscription, EventSubscriptionProps
    from genesys_firehose_cdk.eventbridge_integration import EventBridgeIntegration
    from genesys_firehose_cdk.genesys_connection import GenesysConnection
    from genesys_firehose_cdk.genesys_region import GenesysRegion
    from genesys_firehose_cdk.genesys_watch import BusinessHours, GenesysWatch, GenesysWatchProps
    from genesys_firehose_cdk.hmac_key import HmacKey
    from genesys_firehose_cdk.ingest_function import IngestFunction, SignatureEncoding, SignatureSettings
    from genesys_firehose_cdk.ingress_api import IngressApi, IngressDomain
    from genesys_firehose_cdk.ip_allow_list import IpAllowList, IpAllowListProps
    from genesys_firehose_cdk.keys import OperationsKey
    from genesys_firehose_cdk.lake_catalog import LakeCatalog
    from genesys_firehose_cdk.lake_rebuild import LakeRebuild
    from genesys_firehose_cdk.log_settings import LogSettings
    from genesys_firehose_cdk.masking_policy import Action, FieldRule, FreeText, MaskingPolicy
    from genesys_firehose_cdk.partner_bus import PartnerBusProps, PartnerEventBus
    from genesys_firehose_cdk.pipeline import GenesysFirehosePipeline
    from genesys_firehose_cdk.pipeline_alarms import AlarmThresholds, AlarmTopic, PipelineAlarms
    from genesys_firehose_cdk.transform_function import TransformFunction
    from genesys_firehose_cdk.validation import InvalidPropertyError

__all__ = [
    "Action",
    "AlarmThresholds",
    "AlarmTopic",
    "BufferQueue",
    "Buffering",
    "BusinessHours",
    "CertificateAlarms",
    "DataLakeBucket",
    "DataLakeBucketProps",
    "DataLakeDeliveryStream",
    "DeduplicationTable",
    "DeliveryRole",
    "EventBridgeIntegration",
    "EventShapes",
    "EventSubscription",
    "EventSubscriptionProps",
    "FieldRule",
    "FreeText",
    "GenesysConnection",
    "GenesysFirehosePipeline",
    "GenesysRegion",
    "GenesysWatch",
    "GenesysWatchProps",
    "HmacKey",
    "IngestFunction",
    "IngressApi",
    "IngressDomain",
    "InvalidPropertyError",
    "IpAllowList",
    "IpAllowListProps",
    "LakeCatalog",
    "LakeRebuild",
    "LogSettings",
    "MaskingPolicy",
    "OperationsKey",
    "PartnerBusProps",
    "PartnerEventBus",
    "PipelineAlarms",
    "RetentionMode",
    "SignatureEncoding",
    "SignatureSettings",
    "TransformFunction",
]

_MODULES = {
    "Action": "masking_policy",
    "AlarmThresholds": "pipeline_alarms",
    "AlarmTopic": "pipeline_alarms",
    "BufferQueue": "buffer_queue",
    "Buffering": "delivery_stream",
    "BusinessHours": "genesys_watch",
    "CertificateAlarms": "certificate_alarms",
    "DataLakeBucket": "data_lake_bucket",
    "DataLakeBucketProps": "data_lake_bucket",
    "DataLakeDeliveryStream": "delivery_stream",
    "DeduplicationTable": "deduplication_table",
    "DeliveryRole": "delivery_role",
    "EventBridgeIntegration": "eventbridge_integration",
    "EventShapes": "event_shapes",
    "EventSubscription": "event_subscription",
    "EventSubscriptionProps": "event_subscription",
    "FieldRule": "masking_policy",
    "FreeText": "masking_policy",
    "GenesysConnection": "genesys_connection",
    "GenesysFirehosePipeline": "pipeline",
    "GenesysRegion": "genesys_region",
    "GenesysWatch": "genesys_watch",
    "GenesysWatchProps": "genesys_watch",
    "HmacKey": "hmac_key",
    "IngestFunction": "ingest_function",
    "IngressApi": "ingress_api",
    "IngressDomain": "ingress_api",
    "InvalidPropertyError": "validation",
    "IpAllowList": "ip_allow_list",
    "IpAllowListProps": "ip_allow_list",
    "LakeCatalog": "lake_catalog",
    "LakeRebuild": "lake_rebuild",
    "LogSettings": "log_settings",
    "MaskingPolicy": "masking_policy",
    "OperationsKey": "keys",
    "PartnerBusProps": "partner_bus",
    "PartnerEventBus": "partner_bus",
    "PipelineAlarms": "pipeline_alarms",
    "RetentionMode": "data_lake_bucket",
    "SignatureEncoding": "ingest_function",
    "SignatureSettings": "ingest_function",
    "TransformFunction": "transform_function",
}


def __getattr__(name: str) -> object:
    # Only when it is asked for: aws_cdk starts a Node process on import, which the command line, that is in this
    # package too, has no use for.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
