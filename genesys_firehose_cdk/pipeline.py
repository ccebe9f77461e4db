"""The whole pipeline: from a signed webhook to masked, partitioned, write-once objects in S3."""

from collections.abc import Sequence
from typing import Literal

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Size
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from constructs import Construct

from genesys_firehose_cdk.common.hmac_key import HmacKey
from genesys_firehose_cdk.common.keys import OperationsKey
from genesys_firehose_cdk.common.log_settings import LogSettings
from genesys_firehose_cdk.common.validation import InvalidPropertyError, check_metrics_namespace, check_range
from genesys_firehose_cdk.delivery.deduplication_table import DeduplicationTable
from genesys_firehose_cdk.delivery.delivery_stream import Buffering, DataLakeDeliveryStream
from genesys_firehose_cdk.delivery.lake_rebuild import LakeRebuild
from genesys_firehose_cdk.delivery.transform_function import TransformFunction
from genesys_firehose_cdk.events.event_shapes import EventShapes
from genesys_firehose_cdk.events.masking_policy import MaskingPolicy
from genesys_firehose_cdk.genesys.connection import GenesysConnection
from genesys_firehose_cdk.genesys.event_subscription import EventSubscription, EventSubscriptionProps
from genesys_firehose_cdk.genesys.eventbridge_integration import EventBridgeIntegration
from genesys_firehose_cdk.genesys.ip_allow_list import IpAllowList, IpAllowListProps
from genesys_firehose_cdk.genesys.watch import GenesysWatch, GenesysWatchProps
from genesys_firehose_cdk.ingress.buffer_queue import BufferQueue
from genesys_firehose_cdk.ingress.ingest_function import (
    MAX_BODY_BYTES,
    OVERSIZE_FIELDS,
    QUEUE_VISIBILITY_TIMEOUT,
    IngestFunction,
    SignatureSettings,
)
from genesys_firehose_cdk.ingress.ingress_api import DEFAULT_PATH, IngressApi, IngressDomain
from genesys_firehose_cdk.ingress.partner_bus import PartnerBusProps, PartnerEventBus
from genesys_firehose_cdk.lake.data_lake_bucket import DataLakeBucket, DataLakeBucketProps
from genesys_firehose_cdk.lake.lake_catalog import LakeCatalog
from genesys_firehose_cdk.monitoring.certificate_alarms import CertificateAlarms
from genesys_firehose_cdk.monitoring.pipeline_alarms import AlarmThresholds, AlarmTopic, PipelineAlarms

# More streams make many small objects, and a higher quota for each does the same without them.
_MOST_SHARDS = 20

Ingress = Literal["Webhook", "EventBridge"]
"""The two ways in, as the names of their metrics end."""


class GenesysFirehosePipeline(Construct):
    """Lands every Genesys Cloud event in an S3 data lake.

    A signed webhook reaches the ingest function, which puts each event to Firehose, or into a queue when
    Firehose does not take it. Firehose keeps the events as received under `raw/`, and delivers them,
    masked and partitioned by the transform function, under `clean/`; what fails stays under `errors/`.

    With `partner_bus`, Genesys Cloud's events also come over Amazon EventBridge, through the same queue and
    function. The webhook can then be left out: such a pipeline has no public endpoint, no signing key and no
    certificate.

    With no further argument it is safe to deploy: write-once storage, KMS encryption throughout, TLS
    alone, least privilege, alarms, and nothing that holds data is deleted with the stack.

    Attributes:
        bucket: The data lake bucket with its keys and grants.
        delivery_streams: The delivery streams, each with its role and log group.
        delivery_stream: The first of them, the only one unless there are more shards.
        signing_key: The key that the sender signs with; None without the webhook.
        tokenization_key: The key of the hashes that take the place of personal values.
        buffer_queue: The queue and its dead-letter queue.
        deduplication_table: Which received copy of an event owns its key.
        ingest_function: The function behind webhook and queue.
        transform_function: Firehose's processor.
        catalog: The tables, workgroups and queries over the lake; None without dynamic partitioning, because its
            tables follow the partitions.
        rebuild: The state machine that makes `clean/` anew from `raw/`; None without dynamic partitioning.
        api: The HTTPS front door; None without the webhook.
        partner_bus: The event bus of Genesys Cloud's partner event source; None without one.
        integration: The integration at Genesys Cloud that feeds the bus; None when it is made by hand.
        subscription: The event subscription at Genesys Cloud that posts to the webhook; None without one.
        ip_allow_list: The allow-list that follows Genesys Cloud's address ranges; None without one.
        watch: Asks whether events can still come; None without bus and `watch`.
        operations_key: The KMS key of log groups, queues and topic.
        alarm_topic: Where all alarms report to.
        alarms: The pipeline's alarms.
        certificate_alarms: The certificate's alarms; None without an own domain.
        outputs: The stack outputs, by name.
        name: The value of the metrics' dimension `Pipeline`: the construct's path.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        bucket_props: DataLakeBucketProps | None = None,
        existing_bucket: s3.IBucket | None = None,
        existing_bucket_is_locked_and_versioned: bool = False,
        existing_signing_secret: secretsmanager.ISecret | None = None,
        existing_tokenization_secret: secretsmanager.ISecret | None = None,
        existing_alarm_topic: sns.ITopic | None = None,
        buffering: Buffering | None = None,
        dynamic_partitioning: bool = True,
        shards: int = 1,
        stream_encryption_key: kms.IKey | None = None,
        restrict_trust_to_account: bool = False,
        webhook: bool = True,
        partner_bus: PartnerBusProps | None = None,
        genesys: GenesysConnection | None = None,
        manage_integration: bool = True,
        subscription: EventSubscriptionProps | None = None,
        ip_allow_list: IpAllowListProps | None = None,
        watch: GenesysWatchProps | None = None,
        signature: SignatureSettings | None = None,
        path: str = DEFAULT_PATH,
        domain: IngressDomain | None = None,
        allowed_cidrs: Sequence[str] | None = None,
        throttling_rate_limit: int = 500,
        throttling_burst_limit: int = 1000,
        web_acl_arn: str | None = None,
        cloud_watch_role: bool = True,
        max_body_bytes: int = MAX_BODY_BYTES,
        event_id_field: str = "messageId",
        oversize_fields: Sequence[str] = OVERSIZE_FIELDS,
        queue_max_concurrency: int = 10,
        ingest_memory_size: int = 512,
        masking_policy: MaskingPolicy | None = None,
        event_shapes: EventShapes | None = None,
        deduplication_ttl_days: int = 7,
        event_date_past_days: int = 30,
        event_date_future_days: int = 1,
        transform_memory_size: int = 1024,
        query_bytes_scanned_limit: Size | None = None,
        rebuild_max_concurrency: int = 50,
        alarm_thresholds: AlarmThresholds | None = None,
        certificate_days_to_expiry: int = 30,
        metrics_namespace: str = "GenesysFirehose",
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
        auto_delete_objects: bool = False,
    ) -> None:
        """Create the pipeline.

        Args:
            scope: The parent construct.
            id: The construct's id.
            bucket_props: Retention and lifecycle of the bucket. Default: GOVERNANCE for 30 days.
            existing_bucket: A bucket instead of a new one; see DataLakeBucket.
            existing_bucket_is_locked_and_versioned: Must be True with `existing_bucket`.
            existing_signing_secret: The sender's key instead of a generated one.
            existing_tokenization_secret: The hashes' key instead of a generated one, such as another
                pipeline's, so that both give the same tokens.
            existing_alarm_topic: A topic instead of a new one; its policy must let CloudWatch and
                EventBridge publish.
            buffering: Default: 1 MiB or 60 s; see Buffering for what that means with partitions.
            dynamic_partitioning: Partition `clean/` by event type and day. Changing it replaces the
                delivery stream. Default: True.
            shards: Over how many delivery streams events are spread; 1 to 20. Each has a Direct PUT quota of its
                own (Amazon Data Firehose Developer Guide, "Amazon Data Firehose quota"), and writes objects of
                its own. More can be added at any time and leave those that exist as they are; what a stream holds
                when it is taken away is lost, so let no events come for a while before. Default: 1.
            stream_encryption_key: Encrypts records while Firehose buffers them. Default: a key that AWS
                owns.
            restrict_trust_to_account: See DeliveryRole. Default: False.
            webhook: Take events over HTTPS. Default: True.
            partner_bus: Take events over Amazon EventBridge from this partner event source. At least one of
                the two is needed. Default: none.
            genesys: How to reach the Genesys Cloud organization, for the four that follow. Default: not at all.
            manage_integration: Create and remove the integration that feeds the `partner_bus` through
                `genesys`. Otherwise it is made by hand before the deployment. Default: True.
            subscription: Create and remove an event subscription that posts to the webhook; needs `genesys`. No
                documentation of Genesys Cloud has its endpoint; see EventSubscription. Default: none.
            ip_allow_list: Keep everybody but Genesys Cloud's published networks from the webhook; needs
                `genesys`. Default: none.
            watch: What to watch beside source and integration, which are watched with every `partner_bus`.
                Default: nothing.
            signature: How requests are signed. Default: `X-Genesys-Signature`, hexadecimal; for Open
                Messaging `SignatureSettings.open_messaging()`.
            path: The path that events are posted to. Default: ingest/genesys-events.
            domain: An own domain. Default: the API's execute-api domain.
            allowed_cidrs: The networks that may call the API. Default: all.
            throttling_rate_limit: Requests per second; 1 to 10,000. Default: 500.
            throttling_burst_limit: Requests at once; 1 to 5,000. Default: 1,000.
            web_acl_arn: The regional AWS WAF web ACL in front of the API. Default: none.
            cloud_watch_role: Set API Gateway's logging role for account and region, without which a first
                deployment fails; see IngressApi. Default: True.
            max_body_bytes: A longer body is answered with 413; 1,024 to 4,194,304. Default: 4,194,304.
            event_id_field: The field, or dotted path, that identifies an event. Default: messageId.
            oversize_fields: The fields that move out of an event that exceeds a Firehose record.
                Default: transcripts, message bodies and attachments.
            queue_max_concurrency: How many invocations drain the queue at once; 2 to 1,000. Default: 10.
            ingest_memory_size: 128 to 10,240 MB. Default: 512.
            masking_policy: What happens to personal fields. Default: MaskingPolicy.default().
            event_shapes: The known shapes of events; what differs is named in the record and raises an
                alarm. Default: EventShapes.default().
            deduplication_ttl_days: How long an event's key is remembered; 5 to 365. Default: 7.
            event_date_past_days: How old an event may be to get the partition of its own day; 1 to
                3,650. Default: 30.
            event_date_future_days: The same for the future; 0 to 30. Default: 1.
            transform_memory_size: 128 to 10,240 MB. Default: 1024.
            query_bytes_scanned_limit: A query of the lake that reads more is cancelled; 10 MiB to 100 TiB.
                Default: 100 GiB.
            rebuild_max_concurrency: How many raw objects a rebuild works on at once; 1 to 1,000. Default: 50.
            alarm_thresholds: Default: AlarmThresholds().
            certificate_days_to_expiry: Days left at which the certificate's alarm goes off; 1 to 365.
                Default: 30.
            metrics_namespace: The CloudWatch namespace of the pipeline's own metrics. Default:
                GenesysFirehose.
            log_retention: How long all log groups keep their entries. Default: one year.
            removal_policy: What happens to everything that holds data when the stack goes: buckets,
                keys, secrets, queues, table and log groups. Default: RETAIN.
            auto_delete_objects: Empty the bucket when the stack goes; only with DESTROY and
                RetentionMode.NONE. Default: False.

        Raises:
            InvalidPropertyError: A value or combination that cannot work; the message says why.
        """
        super().__init__(scope, id)
        self.name = self.node.path
        check_metrics_namespace("metrics_namespace", metrics_namespace)
        check_range("shards", shards, 1, _MOST_SHARDS, "delivery streams", "because a higher quota is the better way")
        if not webhook:
            if partner_bus is None:
                raise InvalidPropertyError("webhook", "is False without a partner_bus", "one of the two is needed")
            _check_only_with_webhook(
                existing_signing_secret=existing_signing_secret,
                signature=signature,
                domain=domain,
                allowed_cidrs=allowed_cidrs,
                web_acl_arn=web_acl_arn,
                subscription=subscription,
                ip_allow_list=ip_allow_list,
            )
        if subscription is not None and genesys is None:
            raise InvalidPropertyError("subscription", "is given without genesys", "both are needed, to create it")
        if ip_allow_list is not None:
            _check_allow_list(genesys, allowed_cidrs=allowed_cidrs, web_acl_arn=web_acl_arn)
        self._metrics_namespace = metrics_namespace
        self.operations_key = OperationsKey(self, "OperationsKey", removal_policy=removal_policy).key
        log_settings = LogSettings(
            encryption_key=self.operations_key, retention=log_retention, removal_policy=removal_policy
        )
        self.bucket = DataLakeBucket(
            self,
            "DataLake",
            props=bucket_props,
            existing_bucket=existing_bucket,
            existing_bucket_is_locked_and_versioned=existing_bucket_is_locked_and_versioned,
            removal_policy=removal_policy,
            auto_delete_objects=auto_delete_objects,
        )
        self.signing_key = (
            HmacKey(
                self,
                "SigningKey",
                description="Genesys Firehose pipeline: the key that the webhook's sender signs with",
                existing_secret=existing_signing_secret,
                removal_policy=removal_policy,
            )
            if webhook
            else None
        )
        self.tokenization_key = HmacKey(
            self,
            "TokenizationKey",
            description="Genesys Firehose pipeline: the key of the hashes in place of personal values",
            existing_secret=existing_tokenization_secret,
            removal_policy=removal_policy,
        )
        self.deduplication_table = DeduplicationTable(self, "Deduplication", removal_policy=removal_policy)
        self.transform_function = TransformFunction(
            self,
            "Transform",
            bucket=self.bucket,
            deduplication_table=self.deduplication_table,
            tokenization_key=self.tokenization_key,
            log_settings=log_settings,
            pipeline_name=self.name,
            masking_policy=masking_policy,
            event_shapes=event_shapes,
            deduplication_ttl_days=deduplication_ttl_days,
            event_date_past_days=event_date_past_days,
            event_date_future_days=event_date_future_days,
            metrics_namespace=metrics_namespace,
            memory_size=transform_memory_size,
        )
        self.delivery_streams = tuple(
            DataLakeDeliveryStream(
                self,
                # The one that a pipeline begins with stays as it is when others join it.
                "Delivery" if shard == 1 else f"Delivery{shard}",
                bucket=self.bucket,
                transform_function=self.transform_function.function,
                log_settings=log_settings,
                buffering=buffering,
                dynamic_partitioning=dynamic_partitioning,
                stream_encryption_key=stream_encryption_key,
                restrict_trust_to_account=restrict_trust_to_account,
            )
            for shard in range(1, shards + 1)
        )
        self.delivery_stream = self.delivery_streams[0]
        self.catalog: LakeCatalog | None = None
        self.rebuild: LakeRebuild | None = None
        if dynamic_partitioning:
            self.catalog = LakeCatalog(
                self,
                "Catalog",
                bucket=self.bucket,
                bytes_scanned_limit=query_bytes_scanned_limit,
                removal_policy=removal_policy,
            )
            self.rebuild = LakeRebuild(
                self,
                "Rebuild",
                bucket=self.bucket,
                tokenization_key=self.tokenization_key,
                log_settings=log_settings,
                pipeline_name=self.name,
                masking_policy=masking_policy,
                event_shapes=event_shapes,
                event_date_past_days=event_date_past_days,
                event_date_future_days=event_date_future_days,
                max_concurrency=rebuild_max_concurrency,
                metrics_namespace=metrics_namespace,
            )
        self.buffer_queue = BufferQueue(
            self,
            "Buffer",
            encryption_key=self.operations_key,
            visibility_timeout=QUEUE_VISIBILITY_TIMEOUT,
            removal_policy=removal_policy,
        )
        self.ingest_function = IngestFunction(
            self,
            "Ingest",
            streams=[delivery.stream for delivery in self.delivery_streams],
            bucket=self.bucket,
            buffer_queue=self.buffer_queue,
            signing_key=self.signing_key,
            log_settings=log_settings,
            pipeline_name=self.name,
            signature=signature,
            max_body_bytes=max_body_bytes,
            event_id_field=event_id_field,
            oversize_fields=oversize_fields,
            queue_max_concurrency=queue_max_concurrency,
            metrics_namespace=metrics_namespace,
            memory_size=ingest_memory_size,
        )
        self.alarm_topic: sns.ITopic = (
            existing_alarm_topic or AlarmTopic(self, "AlarmTopic", encryption_key=self.operations_key).topic
        )
        self.ip_allow_list = (
            None
            if ip_allow_list is None or genesys is None
            else IpAllowList(
                self,
                "IpAllowList",
                props=ip_allow_list,
                connection=genesys,
                topic=self.alarm_topic,
                log_settings=log_settings,
                pipeline_name=self.name,
                metrics_namespace=metrics_namespace,
            )
        )
        self.api = (
            IngressApi(
                self,
                "Ingress",
                function=self.ingest_function.function,
                log_settings=log_settings,
                path=path,
                domain=domain,
                allowed_cidrs=allowed_cidrs,
                throttling_rate_limit=throttling_rate_limit,
                throttling_burst_limit=throttling_burst_limit,
                web_acl_arn=self.ip_allow_list.web_acl.attr_arn if self.ip_allow_list else web_acl_arn,
                cloud_watch_role=cloud_watch_role,
            )
            if webhook
            else None
        )
        if self.ip_allow_list is not None and self.api is not None and self.api.web_acl_association is not None:
            # Not before it holds anybody who may pass.
            self.api.web_acl_association.node.add_dependency(self.ip_allow_list.first_run)
        self.subscription: EventSubscription | None = None
        if subscription is not None and genesys is not None and self.api is not None and self.signing_key is not None:
            self.subscription = EventSubscription(
                self,
                "Subscription",
                connection=genesys,
                url=self.api.ingest_url,
                signing_key=self.signing_key,
                log_settings=log_settings,
                props=subscription,
            )
            # What it makes Genesys Cloud post needs an answer.
            self.subscription.node.add_dependency(self.api)
        self.integration: EventBridgeIntegration | None = None
        self.partner_bus: PartnerEventBus | None = None
        if partner_bus is not None:
            self.partner_bus = PartnerEventBus(self, "PartnerBus", props=partner_bus, buffer_queue=self.buffer_queue)
            if genesys is not None and manage_integration:
                self.integration = EventBridgeIntegration(
                    self,
                    "Integration",
                    connection=genesys,
                    props=partner_bus,
                    log_settings=log_settings,
                )
                # The bus takes the source that the integration creates.
                self.partner_bus.node.add_dependency(self.integration)
        self.alarms = PipelineAlarms(
            self,
            "Alarms",
            topic=self.alarm_topic,
            delivery_streams=self.delivery_streams,
            functions={
                "Ingest": self.ingest_function.function,
                "Transform": self.transform_function.function,
            },
            api=None if self.api is None else self.api.api,
            buffer_queue=self.buffer_queue,
            failed_records=self.metric_failed(),
            deduplication_unavailable=self.metric_deduplication_unavailable(),
            schema_drift=self.metric_schema_drift(),
            thresholds=alarm_thresholds,
        )
        self.watch: GenesysWatch | None = None
        if partner_bus is not None or watch is not None:
            self.watch = GenesysWatch(
                self,
                "Watch",
                props=watch or GenesysWatchProps(),
                accepted=self._accepted_by_ingress(),
                topic=self.alarm_topic,
                log_settings=log_settings,
                pipeline_name=self.name,
                partner_bus=self.partner_bus,
                connection=genesys,
                webhook_url=None if self.api is None else self.api.ingest_url,
                metrics_namespace=metrics_namespace,
            )
        self.certificate_alarms = (
            None
            if self.api is None or self.api.certificate is None
            else CertificateAlarms(
                self,
                "CertificateAlarms",
                certificate=self.api.certificate,
                topic=self.alarm_topic,
                days_to_expiry=certificate_days_to_expiry,
            )
        )
        self.outputs = {
            name: CfnOutput(self, name, value=value, description=description)
            for name, value, description in (
                *self._ingress_outputs(),
                ("BucketName", self.bucket.bucket.bucket_name, "The data lake bucket"),
                (
                    "StreamNames",
                    ",".join(delivery.stream.delivery_stream_name for delivery in self.delivery_streams),
                    "The delivery streams",
                ),
                ("AlarmTopicArn", self.alarm_topic.topic_arn, "Where all alarms report to"),
                ("BufferQueueUrl", self.buffer_queue.queue.queue_url, "Redrive to here"),
                ("DeadLetterQueueUrl", self.buffer_queue.dead_letter_queue.queue_url, "Redrive from here"),
                *self._lake_outputs(),
            )
        }

    def _accepted_by_ingress(self) -> dict[str, cloudwatch.Metric]:
        ingresses: list[Ingress] = []
        if self.api is not None:
            ingresses.append("Webhook")
        if self.partner_bus is not None:
            ingresses.append("EventBridge")
        return {ingress: self.metric_accepted_from(ingress) for ingress in ingresses}

    def _ingress_outputs(self) -> list[tuple[str, str, str]]:
        outputs = []
        if self.api is not None and self.signing_key is not None:
            outputs += [
                ("IngestUrl", self.api.ingest_url, "Where the sender posts events to"),
                ("HealthUrl", self.api.health_url, "Answers 200 while events can be taken"),
                ("SigningSecretArn", self.signing_key.secret.secret_arn, "The sender's signing key"),
            ]
        if self.partner_bus is not None:
            outputs += [
                ("PartnerBusName", self.partner_bus.event_source_name, "The partner event source, and its bus"),
            ]
        return outputs

    def _lake_outputs(self) -> list[tuple[str, str, str]]:
        if self.catalog is None or self.rebuild is None:
            return []
        return [
            ("DatabaseName", self.catalog.database_name, "The Glue database of the lake"),
            ("WorkgroupName", self.catalog.workgroup.ref, "Query masked events here"),
            ("RebuildStateMachineArn", self.rebuild.state_machine.state_machine_arn, "Makes clean/ anew from raw/"),
        ]

    def grant_read_clean(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` list and read masked events under `clean/`, and nothing else."""
        return self.bucket.grant_read_clean(grantee)

    def grant_read_raw(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` list and read events as received under `raw/`: personal data in clear."""
        return self.bucket.grant_read_raw(grantee)

    def metric(self, metric_name: str, *, statistic: str = "Sum") -> cloudwatch.Metric:
        """One of the functions' own metrics, such as EventsOversize, over five minutes."""
        return cloudwatch.Metric(
            namespace=self._metrics_namespace,
            metric_name=metric_name,
            dimensions_map={"Pipeline": self.name},
            statistic=statistic,
            period=Duration.minutes(5),
        )

    def metric_received(self) -> cloudwatch.Metric:
        """Number of events in authentic requests."""
        return self.metric("EventsReceived")

    def metric_accepted(self) -> cloudwatch.Metric:
        """Number of events that Firehose or the queue has taken, duplicates included."""
        return self.metric("EventsAccepted")

    def metric_accepted_from(self, ingress: Ingress) -> cloudwatch.Metric:
        """Number of events that came in by one ingress, and that Firehose or the queue has taken."""
        return self.metric(f"EventsAccepted{ingress}")

    def metric_duplicates(self) -> cloudwatch.Metric:
        """Number of events that the transform function dropped because another copy owns their key."""
        return self.metric("RecordsDuplicate")

    def metric_forged(self) -> cloudwatch.Metric:
        """Number of requests with a missing or wrong signature."""
        return self.metric("RequestsForged")

    def metric_overflowed(self) -> cloudwatch.Metric:
        """Number of events that Firehose refused and the queue took."""
        return self.metric("EventsOverflowed")

    def metric_unavailable(self) -> cloudwatch.Metric:
        """Number of requests answered with 503."""
        return self.metric("RequestsUnavailable")

    def metric_failed(self) -> cloudwatch.Metric:
        """Number of events that the transform function could not read."""
        return self.metric("RecordsFailed")

    def metric_deduplication_unavailable(self) -> cloudwatch.Metric:
        """Number of events delivered while the deduplication table was down."""
        return self.metric("DeduplicationUnavailable")

    def metric_schema_drift(self, event_type: str | None = None) -> cloudwatch.Metric:
        """Number of unknown fields and changed types, named by event; of one event type or of all. Default: all."""
        metric = self.metric("SchemaDrift")
        if event_type is None:
            return metric
        return metric.with_(dimensions_map={"Pipeline": self.name, "EventType": event_type})

    def metric_unknown_shapes(self) -> cloudwatch.Metric:
        """Number of events of no known shape, which nobody can tell the drift of."""
        return self.metric("UnknownShape")

    def metric_event_age(self) -> cloudwatch.Metric:
        """Age in milliseconds of an event when it is accepted, as the slowest hundredth has it."""
        return self.metric("EventAge", statistic="p99")


def _check_only_with_webhook(**properties: object) -> None:
    for name, value in properties.items():
        if value is not None:
            raise InvalidPropertyError(name, "is given with webhook False", "it is allowed with the webhook alone")


def _check_allow_list(genesys: GenesysConnection | None, **others: object) -> None:
    if genesys is None:
        raise InvalidPropertyError("ip_allow_list", "is given without genesys", "both are needed, to ask for the list")
    for name, value in others.items():
        if value is not None:
            raise InvalidPropertyError(name, "is given with ip_allow_list", "one of the two is allowed")
