"""AWS CDK constructs that land every Genesys Cloud event in an S3 data lake."""

from genesys_firehose_cdk.common.hmac_key import HmacKey
from genesys_firehose_cdk.common.keys import OperationsKey
from genesys_firehose_cdk.common.log_settings import LogSettings
from genesys_firehose_cdk.common.validation import InvalidPropertyError
from genesys_firehose_cdk.delivery.deduplication_table import DeduplicationTable
from genesys_firehose_cdk.delivery.delivery_role import DeliveryRole
from genesys_firehose_cdk.delivery.delivery_stream import Buffering, DataLakeDeliveryStream
from genesys_firehose_cdk.delivery.lake_rebuild import LakeRebuild
from genesys_firehose_cdk.delivery.transform_function import TransformFunction
from genesys_firehose_cdk.events.event_shapes import EventShapes
from genesys_firehose_cdk.events.masking_policy import Action, FieldRule, FreeText, MaskingPolicy
from genesys_firehose_cdk.genesys.connection import GenesysConnection
from genesys_firehose_cdk.genesys.event_subscription import EventSubscription, EventSubscriptionProps
from genesys_firehose_cdk.genesys.eventbridge_integration import EventBridgeIntegration
from genesys_firehose_cdk.genesys.ip_allow_list import IpAllowList, IpAllowListProps
from genesys_firehose_cdk.genesys.region import GenesysRegion
from genesys_firehose_cdk.genesys.watch import BusinessHours, GenesysWatch, GenesysWatchProps
from genesys_firehose_cdk.ingress.buffer_queue import BufferQueue
from genesys_firehose_cdk.ingress.ingest_function import IngestFunction, SignatureEncoding, SignatureSettings
from genesys_firehose_cdk.ingress.ingress_api import IngressApi, IngressDomain
from genesys_firehose_cdk.ingress.partner_bus import PartnerBusProps, PartnerEventBus
from genesys_firehose_cdk.lake.data_lake_bucket import DataLakeBucket, DataLakeBucketProps, RetentionMode
from genesys_firehose_cdk.lake.lake_catalog import LakeCatalog
from genesys_firehose_cdk.monitoring.certificate_alarms import CertificateAlarms
from genesys_firehose_cdk.monitoring.pipeline_alarms import AlarmThresholds, AlarmTopic, PipelineAlarms
from genesys_firehose_cdk.pipeline import GenesysFirehosePipeline

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
