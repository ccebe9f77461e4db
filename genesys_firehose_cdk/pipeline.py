"""The whole pipeline: from a signed webhook to masked, partitioned, write-once objects in S3."""

from collections.abc import Iterator

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import SERVERLESS, acknowledge
from genesys_firehose_cdk.common.alarm import PipelineAlarm
from genesys_firehose_cdk.common.context import PERIOD, Ingress, MetricName, PipelineContext
from genesys_firehose_cdk.common.hmac_key import HmacKey
from genesys_firehose_cdk.common.keys import OperationsKey, secret_arn
from genesys_firehose_cdk.common.validation import check_dimension, check_scope
from genesys_firehose_cdk.delivery.deduplication_table import DeduplicationTable
from genesys_firehose_cdk.delivery.delivery_stream import DataLakeDeliveryStream, DeliveryProps
from genesys_firehose_cdk.delivery.lake_rebuild import LakeRebuild
from genesys_firehose_cdk.delivery.transform_function import TransformFunction, TransformProps
from genesys_firehose_cdk.genesys.backfill import Backfill
from genesys_firehose_cdk.genesys.event_subscription import EventSubscription
from genesys_firehose_cdk.genesys.eventbridge_integration import EventBridgeIntegration
from genesys_firehose_cdk.genesys.ip_allow_list import IpAllowList
from genesys_firehose_cdk.genesys.key_rotation import KeyRotation
from genesys_firehose_cdk.genesys.names import GenesysNames
from genesys_firehose_cdk.genesys.props import GenesysProps
from genesys_firehose_cdk.genesys.reconciliation import Reconciliation
from genesys_firehose_cdk.genesys.watch import GenesysWatch, GenesysWatchProps
from genesys_firehose_cdk.ingress.buffer_queue import BufferQueue
from genesys_firehose_cdk.ingress.ingest_function import QUEUE_VISIBILITY_TIMEOUT, IngestFunction, IngestProps
from genesys_firehose_cdk.ingress.partner_bus import PartnerBusProps, PartnerEventBus
from genesys_firehose_cdk.ingress.webhook import HEALTH_PATH, WebhookProps
from genesys_firehose_cdk.ingress.webhook_api import WebhookApi
from genesys_firehose_cdk.ingress.webhook_load_balancer import WebhookLoadBalancer
from genesys_firehose_cdk.lake.data_lake_bucket import DataLakeBucket, DataLakeBucketProps, RetentionMode
from genesys_firehose_cdk.lake.lake_catalog import LakeCatalog
from genesys_firehose_cdk.lake.lake_manifests import LakeManifests
from genesys_firehose_cdk.lake.lake_tables import LakeTables
from genesys_firehose_cdk.lake.props import LakeProps
from genesys_firehose_cdk.lake.retention_on_arrival import RetentionOnArrival
from genesys_firehose_cdk.monitoring.alarm_topic import AlarmTopic
from genesys_firehose_cdk.monitoring.certificate_alarms import CertificateAlarms
from genesys_firehose_cdk.monitoring.certificate_probe import CertificateProbe
from genesys_firehose_cdk.monitoring.dashboard import PipelineDashboard
from genesys_firehose_cdk.monitoring.events_at_risk import EventsAtRisk
from genesys_firehose_cdk.monitoring.pipeline_alarms import PipelineAlarms
from genesys_firehose_cdk.monitoring.props import MonitoringProps
from genesys_firehose_cdk.operator_rights import operator_rights
from genesys_firehose_cdk.pipeline_parameters import PipelineParameters
from genesys_firehose_cdk.pipeline_props import PipelineProps

PIPELINES_METADATA = "GenesysFirehosePipelines"
"""The key of the template's metadata that names every pipeline's outputs, by construct path."""

_WEBHOOK = WebhookProps()


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
        name: The value of the metrics' dimension `Pipeline`: the construct's path.
        context: What the pipeline's constructs share, for constructs of your own: metrics, alarms, log groups.
        operations_key: The KMS key of log groups, queues and topic.
        alarm_topic: Where alarms report to; those that can wait only without `existing_ticket_topic`.
        bucket: The data lake bucket with its keys and grants.
        retention_mode: How a new object version is locked; None with an existing bucket, for its owner decides.
        retention: Gives new versions their retention; None unless it is applied on arrival.
        catalog: The tables, workgroups and queries over the lake; None without dynamic partitioning, because its
            tables follow the partitions.
        tables: The typed tables over `clean/` and the state machine that keeps them; None without catalog or
            `lake.tables`.
        manifests: Signs what `raw/` held of each closed day; None without `lake.manifests`.
        tokenization_key: The key of the tokens that take the place of personal values.
        deduplication_table: Which received copy of an event owns its key.
        transform_function: Firehose's processor.
        delivery_streams: The delivery streams, each with its role and log group.
        delivery_stream: The first of them, the only one unless there are more shards.
        rebuild: The state machine that makes `clean/` anew from `raw/`; None without dynamic partitioning.
        buffer_queue: The queue and its dead-letter queue.
        signing_key: The key that the sender signs with; None without the webhook.
        ingest_function: The function behind webhook and queue.
        api: The webhook's REST API; None with a load balancer or without the webhook.
        load_balancer: The webhook's load balancer; None unless it is the front door.
        front_door: Whichever of both there is, with what AWS counts there.
        partner_bus: The event bus of Genesys Cloud's partner event source; None without one.
        integration: The integration at Genesys Cloud that feeds the bus; None when it is made by hand.
        subscription: The event subscription at Genesys Cloud that posts to the webhook; None without one.
        key_rotation: Rotates the signing key on a schedule; None without one.
        ip_allow_list: The allow-list that follows Genesys Cloud's address ranges; None without one.
        names: Takes the names behind Genesys Cloud's identifiers into the lake; None without them.
        backfill: Takes conversations' details records into the lake; None without it.
        reconciliation: Checks whether all conversations that Genesys Cloud knows are in the tables; None without it.
        watch: Asks whether events can still come; None without bus and `watch`.
        alarms: The pipeline's alarms.
        events_at_risk: The alarm that is on while events are lost, refused or late.
        dashboard: The pipeline at one look; None if it is left out.
        certificate_alarms: The certificate's alarms; None without an own domain.
        certificate_probe: Looks at the own domain from outside; None without one, or if it is left out.
        parameters: Where other stacks of the account find the pipeline.
        outputs: The stack outputs, by name.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        webhook: WebhookProps | None = _WEBHOOK,
        partner_bus: PartnerBusProps | None = None,
        genesys: GenesysProps | None = None,
        watch: GenesysWatchProps | None = None,
        ingest: IngestProps | None = None,
        transform: TransformProps | None = None,
        delivery: DeliveryProps | None = None,
        lake: LakeProps | None = None,
        monitoring: MonitoringProps | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        auto_delete_objects: bool = False,
    ) -> None:
        """Create the pipeline.

        Args:
            scope: A stack, or a construct inside one.
            id: The construct's id.
            webhook: The public endpoint for signed events; None for no endpoint. Default: WebhookProps().
            partner_bus: Take events over Amazon EventBridge from this partner event source. At least one of
                the two is needed. Default: none.
            genesys: How to reach the Genesys Cloud organization, and what the stack manages there. Default: nothing.
            watch: What to watch beside source and integration, which are watched with every `partner_bus`.
                Default: nothing.
            ingest: How events are taken in. Default: IngestProps().
            transform: What is masked, de-duplicated and partitioned. Default: TransformProps().
            delivery: Buffering, partitions and number of the delivery streams. Default: DeliveryProps().
            lake: The bucket, its retention, and its catalog. Default: LakeProps().
            monitoring: Metrics, logs and alarms. Default: MonitoringProps().
            removal_policy: What happens to everything that holds data when the stack goes: buckets,
                keys, secrets, queues, table and log groups. RETAIN_ON_UPDATE_OR_DELETE keeps it, but for what a first
                deployment made that then failed; RETAIN keeps that, too, at every try; DESTROY keeps nothing. Default:
                RETAIN_ON_UPDATE_OR_DELETE.
            auto_delete_objects: Empty the buckets when the stack goes: lake, access logs and query results; only
                with DESTROY and RetentionMode.NONE. Default: False.

        Raises:
            InvalidPropertyError: A value or combination that cannot work, or would have no effect.
        """
        check_scope("scope", scope)
        super().__init__(scope, id)
        self.name = self.node.path
        check_dimension("id", self.name)
        props = PipelineProps(
            webhook=webhook,
            partner_bus=partner_bus,
            genesys=genesys,
            watch=watch,
            ingest=IngestProps() if ingest is None else ingest,
            transform=TransformProps() if transform is None else transform,
            delivery=DeliveryProps() if delivery is None else delivery,
            lake=LakeProps() if lake is None else lake,
            monitoring=MonitoringProps() if monitoring is None else monitoring,
            removal_policy=removal_policy,
            auto_delete_objects=auto_delete_objects,
        )
        self.context = self._create_context(props)
        self._create_lake(props)
        self._create_delivery(props)
        self._create_ingress(props)
        self._manage_genesys(props)
        self._create_monitoring(props)
        self.parameters = self._create_parameters()
        self.outputs = self._create_outputs()

    def _create_context(self, props: PipelineProps) -> PipelineContext:
        self.operations_key = OperationsKey(self, "OperationsKey", removal_policy=props.removal_policy).key
        self.alarm_topic = (
            props.monitoring.existing_alarm_topic
            or AlarmTopic(self, "AlarmTopic", encryption_key=self.operations_key).topic
        )
        if props.monitoring.alarm_email is not None:
            subscription = sns.Subscription(
                self,
                "AlarmEmail",
                topic=self.alarm_topic,
                protocol=sns.SubscriptionProtocol.EMAIL,
                endpoint=props.monitoring.alarm_email,
            )
            acknowledge(
                subscription,
                "SNSRedrivePolicy",
                SERVERLESS,
                reason="An alarm's history keeps what an e-mail said that could not be delivered; a queue would keep "
                "it where nobody reads.",
            )
        return PipelineContext(
            name=self.name,
            operations_key=self.operations_key,
            alarm_topic=self.alarm_topic,
            ticket_topic=props.monitoring.existing_ticket_topic,
            runbook_url=props.monitoring.runbook_url,
            metrics_namespace=props.monitoring.metrics_namespace,
            log_retention=props.monitoring.log_retention,
            removal_policy=props.removal_policy,
        )

    def _create_lake(self, props: PipelineProps) -> None:
        self.retention_mode: RetentionMode | None = (
            (props.lake.bucket or DataLakeBucketProps()).retention_mode if props.lake.existing_bucket is None else None
        )
        self.bucket = DataLakeBucket(
            self,
            "DataLake",
            props=props.lake.bucket,
            existing_bucket=props.lake.existing_bucket,
            existing_bucket_is_locked_and_versioned=props.lake.existing_bucket_is_locked_and_versioned,
            removal_policy=props.removal_policy,
            auto_delete_objects=props.auto_delete_objects,
        )
        is_applied_on_arrival = self.bucket.props is not None and self.bucket.props.is_applied_on_arrival
        self.retention = (
            RetentionOnArrival(self, "Retention", context=self.context, bucket=self.bucket)
            if is_applied_on_arrival
            else None
        )
        self.catalog = (
            LakeCatalog(
                self,
                "Catalog",
                bucket=self.bucket,
                props=props.lake.catalog,
                has_tables=props.lake.tables is not None,
                removal_policy=props.removal_policy,
                auto_delete_objects=props.auto_delete_objects,
            )
            if props.delivery.dynamic_partitioning
            else None
        )
        self.tables = (
            None
            if self.catalog is None or props.lake.tables is None
            else LakeTables(
                self,
                "Tables",
                context=self.context,
                bucket=self.bucket,
                catalog=self.catalog,
                props=props.lake.tables,
                event_date_past_days=props.transform.event_date_past_days,
                removal_policy=props.removal_policy,
                auto_delete_objects=props.auto_delete_objects,
            )
        )
        self.manifests = self._create_manifests(props)

    def _create_manifests(self, props: PipelineProps) -> LakeManifests | None:
        if props.lake.manifests is None:
            return None
        return LakeManifests(
            self,
            "Manifests",
            context=self.context,
            bucket=self.bucket,
            tables=self.tables,
            props=props.lake.manifests,
            is_reconciled=props.genesys is not None and props.genesys.reconciliation is not None,
            event_date_past_days=props.transform.event_date_past_days,
            event_date_future_days=props.transform.event_date_future_days,
        )

    def _create_delivery(self, props: PipelineProps) -> None:
        self.tokenization_key = HmacKey(
            self,
            "TokenizationKey",
            description="Genesys Firehose pipeline: the key of the hashes in place of personal values",
            existing_secret=props.transform.existing_tokenization_secret,
            removal_policy=props.removal_policy,
        )
        self.deduplication_table = DeduplicationTable(self, "Deduplication", removal_policy=props.removal_policy)
        self.transform_function = TransformFunction(
            self,
            "Transform",
            context=self.context,
            bucket=self.bucket,
            deduplication_table=self.deduplication_table,
            tokenization_key=self.tokenization_key,
            props=props.transform,
            traced=props.monitoring.active_tracing,
        )
        self.delivery_streams = tuple(
            DataLakeDeliveryStream(
                self,
                # The first stream keeps its id when more are added.
                "Delivery" if shard == 1 else f"Delivery{shard}",
                context=self.context,
                bucket=self.bucket,
                transform_function=self.transform_function.function,
                props=props.delivery,
            )
            for shard in range(1, props.delivery.shards + 1)
        )
        self.delivery_stream = self.delivery_streams[0]
        self.rebuild = (
            LakeRebuild(
                self,
                "Rebuild",
                context=self.context,
                bucket=self.bucket,
                tokenization_key=self.tokenization_key,
                transform=props.transform,
                tables=self.tables,
                props=props.delivery.rebuild,
            )
            if props.delivery.dynamic_partitioning
            else None
        )

    def _create_ingress(self, props: PipelineProps) -> None:
        self.buffer_queue = BufferQueue(
            self, "Buffer", context=self.context, visibility_timeout=QUEUE_VISIBILITY_TIMEOUT
        )
        self.signing_key = (
            None
            if props.webhook is None
            else HmacKey(
                self,
                "SigningKey",
                description="Genesys Firehose pipeline: the key that the webhook's sender signs with",
                existing_secret=props.webhook.signature.existing_secret,
                is_rotated=props.webhook.signature.rotation is not None,
                removal_policy=props.removal_policy,
            )
        )
        self.ingest_function = IngestFunction(
            self,
            "Ingest",
            context=self.context,
            streams=[delivery.stream for delivery in self.delivery_streams],
            bucket=self.bucket,
            buffer_queue=self.buffer_queue,
            stream_encryption_key=props.delivery.stream_encryption_key,
            signing_key=self.signing_key,
            webhook=props.webhook,
            props=props.ingest,
            # API Gateway decides which requests are traced; load balancer and queue decide nothing.
            traced=props.monitoring.active_tracing or (props.webhook is not None and props.webhook.front_door is None),
        )
        self.partner_bus = (
            None
            if props.partner_bus is None
            else PartnerEventBus(self, "PartnerBus", props=props.partner_bus, buffer_queue=self.buffer_queue)
        )
        self.ip_allow_list = (
            None
            if props.genesys is None or props.genesys.ip_allow_list is None
            else IpAllowList(
                self,
                "IpAllowList",
                context=self.context,
                connection=props.genesys,
                props=props.genesys.ip_allow_list,
            )
        )
        self.api: WebhookApi | None = None
        self.load_balancer: WebhookLoadBalancer | None = None
        if props.webhook is not None:
            self._create_front_door(props.webhook, props.auto_delete_objects)
        self.front_door: WebhookApi | WebhookLoadBalancer | None = self.api or self.load_balancer

    def _create_front_door(self, webhook: WebhookProps, auto_delete_objects: bool) -> None:
        web_acl_arn = self.ip_allow_list.web_acl.attr_arn if self.ip_allow_list else None
        function = self.ingest_function.function
        if webhook.front_door is None or webhook.domain is None:
            self.api = WebhookApi(
                self, "Ingress", context=self.context, function=function, props=webhook, web_acl_arn=web_acl_arn
            )
            return
        self.load_balancer = WebhookLoadBalancer(
            self,
            "LoadBalancer",
            context=self.context,
            function=function,
            front_door=webhook.front_door,
            domain=webhook.domain,
            props=webhook,
            web_acl_arn=web_acl_arn,
            auto_delete_objects=auto_delete_objects,
        )

    def _manage_genesys(self, props: PipelineProps) -> None:
        self.subscription: EventSubscription | None = None
        self.key_rotation: KeyRotation | None = None
        self.integration: EventBridgeIntegration | None = None
        self.names: GenesysNames | None = None
        self.reconciliation: Reconciliation | None = None
        self.backfill: Backfill | None = None
        genesys = props.genesys
        if genesys is None:
            return
        if genesys.subscription is not None and self.front_door is not None and self.signing_key is not None:
            self.subscription = EventSubscription(
                self,
                "Subscription",
                context=self.context,
                connection=genesys,
                url=self.front_door.ingest_url,
                signing_key=self.signing_key,
                props=genesys.subscription,
            )
            # Genesys Cloud posts as soon as the subscription exists, so the front door must answer by then.
            self.subscription.node.add_dependency(self.front_door)
            self.key_rotation = self._rotate_key(props.webhook, self.signing_key, self.subscription)
        if props.partner_bus is not None and self.partner_bus is not None and genesys.manage_integration:
            self.integration = EventBridgeIntegration(
                self,
                "Integration",
                context=self.context,
                connection=genesys,
                partner_bus=props.partner_bus,
                props=genesys.integration,
            )
            # The bus takes the source that the integration creates.
            self.partner_bus.node.add_dependency(self.integration)
        self._ask_genesys(genesys, props)

    def _ask_genesys(self, genesys: GenesysProps, props: PipelineProps) -> None:
        """Create what takes names and conversations from Genesys Cloud."""
        if genesys.names is not None:
            self.names = GenesysNames(
                self,
                "Names",
                context=self.context,
                connection=genesys,
                streams=[delivery.stream for delivery in self.delivery_streams],
                stream_encryption_key=props.delivery.stream_encryption_key,
                props=genesys.names,
            )
        if genesys.backfill is not None:
            self.backfill = Backfill(
                self,
                "Backfill",
                context=self.context,
                connection=genesys,
                streams=[delivery.stream for delivery in self.delivery_streams],
                bucket=self.bucket,
                delivery_interval=props.delivery.buffering.interval,
                stream_encryption_key=props.delivery.stream_encryption_key,
                tables=self.tables,
                props=genesys.backfill,
            )
        if (
            genesys.reconciliation is not None
            and self.partner_bus is not None
            and self.catalog is not None
            and self.tables is not None
        ):
            self.reconciliation = Reconciliation(
                self,
                "Reconciliation",
                context=self.context,
                connection=genesys,
                topics=self.partner_bus.topics,
                bucket=self.bucket,
                catalog=self.catalog,
                tables=self.tables,
                props=genesys.reconciliation,
            )

    def _rotate_key(
        self, webhook: WebhookProps | None, signing_key: HmacKey, subscription: EventSubscription
    ) -> KeyRotation | None:
        if webhook is None or webhook.signature.rotation is None:
            return None
        return KeyRotation(
            self,
            "KeyRotation",
            context=self.context,
            signing_key=signing_key,
            signature=webhook.signature,
            interval=webhook.signature.rotation,
            ingest=self.ingest_function,
            subscription=subscription,
        )

    def _create_monitoring(self, props: PipelineProps) -> None:
        self.watch = (
            None
            if props.partner_bus is None and props.watch is None
            else GenesysWatch(
                self,
                "Watch",
                context=self.context,
                props=props.watch,
                partner_bus=self.partner_bus,
                connection=props.genesys,
                front_door=self.front_door,
            )
        )
        domain = None if props.webhook is None else props.webhook.domain
        self.certificate_alarms = (
            None
            if domain is None or self.front_door is None or self.front_door.certificate is None
            else CertificateAlarms(
                self,
                "CertificateAlarms",
                context=self.context,
                certificate=self.front_door.certificate,
                days_to_expiry=domain.days_to_expiry,
            )
        )
        self.certificate_probe = None if props.webhook is None else self._probe(props.webhook)
        # The last of all: it watches what is there.
        self.alarms = PipelineAlarms(
            self,
            "Alarms",
            context=self.context,
            pipeline=self,
            delivery_streams=self.delivery_streams,
            buffer_queue=self.buffer_queue,
            messages_at_once=self.ingest_function.messages_at_once,
            front_door=self.front_door,
            thresholds=props.monitoring.thresholds,
        )
        alarms = [each for each in self.node.find_all() if isinstance(each, PipelineAlarm)]
        self.events_at_risk = EventsAtRisk(self, "EventsAtRisk", context=self.context, alarms=alarms)
        self.dashboard = (
            PipelineDashboard(
                self,
                "Dashboard",
                context=self.context,
                alarms=alarms,
                events_at_risk=self.events_at_risk,
                delivery_streams=self.delivery_streams,
                bucket=self.bucket,
                deduplication_table=self.deduplication_table,
                front_door=self.front_door,
                partner_bus=self.partner_bus,
            )
            if props.monitoring.dashboard
            else None
        )

    def _probe(self, webhook: WebhookProps) -> CertificateProbe | None:
        if webhook.domain is None or not webhook.domain.probe:
            return None
        prefix_list = webhook.front_door.prefix_list if webhook.front_door else None
        is_listed = webhook.allowed_cidrs or webhook.web_acl_arn or self.ip_allow_list or prefix_list
        return CertificateProbe(
            self,
            "CertificateProbe",
            context=self.context,
            domain_name=webhook.domain.domain_name,
            health_path=None if is_listed else HEALTH_PATH,
            days_to_expiry=webhook.domain.days_to_expiry,
        )

    def _create_parameters(self) -> PipelineParameters:
        return PipelineParameters(
            self,
            "Parameters",
            values={
                "BucketName": self.bucket.bucket.bucket_name,
                "BufferQueueArn": self.buffer_queue.queue.queue_arn,
                "OperationsKeyArn": self.operations_key.key_arn,
                "StreamNames": ",".join(each.stream.delivery_stream_name for each in self.delivery_streams),
                "DeliveryLogGroups": ",".join(each.log_group.log_group_name for each in self.delivery_streams),
            },
        )

    def _create_outputs(self) -> dict[str, CfnOutput]:
        outputs = {
            name: CfnOutput(self, name, value=value, description=description)
            for name, value, description in (
                *self._ingress_outputs(),
                (
                    "IngestFunctionName",
                    self.ingest_function.function.function_name,
                    'Invoke it with {"operatorView": true} for more of its health',
                ),
                ("BucketName", self.bucket.bucket.bucket_name, "The data lake bucket"),
                (
                    "StreamNames",
                    ",".join(delivery.stream.delivery_stream_name for delivery in self.delivery_streams),
                    "The delivery streams",
                ),
                (
                    "TokenizationSecretArn",
                    self.tokenization_key.secret.secret_arn,
                    "The key of the tokens; who may read it can find a person",
                ),
                ("RawKeyArn", self.bucket.raw_key.key_arn, "Encrypts raw/"),
                ("AlarmTopicArn", self.alarm_topic.topic_arn, "Where alarms report to"),
                ("BufferQueueUrl", self.buffer_queue.queue.queue_url, "Redrive to here"),
                ("DeadLetterQueueUrl", self.buffer_queue.dead_letter_queue.queue_url, "Redrive from here"),
                *self._lake_outputs(),
            )
        }
        # Logical ids may be overridden later: they are tokens, resolved when the template is written.
        metadata = Stack.of(self).template_options.metadata or {}
        pipelines = {
            **metadata.get(PIPELINES_METADATA, {}),
            self.name: {name: output.logical_id for name, output in outputs.items()},
        }
        Stack.of(self).template_options.metadata = {**metadata, PIPELINES_METADATA: pipelines}
        return outputs

    def _ingress_outputs(self) -> Iterator[tuple[str, str, str]]:
        if self.front_door is not None and self.signing_key is not None:
            yield "IngestUrl", self.front_door.ingest_url, "Where the sender posts events to"
            yield "HealthUrl", self.front_door.health_url, "Answers 200 while events can be taken"
            yield "SigningSecretArn", self.signing_key.secret.secret_arn, "The sender's signing key"
        if self.load_balancer is not None:
            name = self.load_balancer.load_balancer.attr_dns_name
            yield "LoadBalancerName", name, "Point the webhook's domain here, unless a hosted zone is given"
        if self.partner_bus is not None:
            yield "PartnerBusName", self.partner_bus.event_source_name, "The partner event source, and its bus"

    def _lake_outputs(self) -> Iterator[tuple[str, str, str]]:
        if self.catalog is not None:
            yield "DatabaseName", self.catalog.database_name, "The Glue database of the lake"
            yield "WorkgroupName", self.catalog.workgroup.ref, "Query masked events here"
        if self.tables is not None:
            machine = self.tables.state_machine.state_machine_arn
            yield "TablesStateMachineArn", machine, "Brings events from clean/ into the tables"
        if self.reconciliation is not None:
            machine = self.reconciliation.state_machine.state_machine_arn
            yield "ReconciliationStateMachineArn", machine, "Holds a day of the lake against Genesys Cloud"
        if self.backfill is not None:
            machine = self.backfill.state_machine.state_machine_arn
            yield "BackfillStateMachineArn", machine, "Takes conversations' details records from Genesys Cloud"
        if self.manifests is not None:
            machine = self.manifests.state_machine.state_machine_arn
            yield "ManifestKeyArn", self.manifests.key.key_arn, "Signs the manifests of raw/"
            yield "ManifestStateMachineArn", machine, "Makes the manifests of closed days"
        if self.rebuild is not None:
            yield "RebuildStateMachineArn", self.rebuild.state_machine.state_machine_arn, "Makes clean/ anew from raw/"

    def grant_read_clean(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` list and read masked events under `clean/`, and nothing else."""
        return self.bucket.grant_read_clean(grantee)

    def grant_read_raw(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` list and read events as received under `raw/` and `errors/`: personal data in clear."""
        return self.bucket.grant_read_raw(grantee)

    def grant_redrive(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` run `genesys-firehose redrive`: personal data in clear, and the right to put records."""
        stack = Stack.of(self)
        whole = (
            self.bucket.grant_redrive(grantee)
            .combine(self.buffer_queue.grant_redrive(grantee))
            .combine(
                iam.Grant.add_to_principal(
                    grantee=grantee,
                    actions=["cloudformation:DescribeStacks", "cloudformation:GetTemplate"],
                    resource_arns=[stack.stack_id],
                )
            )
        )
        for delivery in self.delivery_streams:
            whole = whole.combine(delivery.grant_put(grantee))
        return whole

    def grant_operate(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` run `genesys-firehose doctor`: read the settings of everything, change nothing, read no event.

        A role takes them all; the CDK splits what is too much for one policy. An `iam.ManagedPolicy` is a grantee, too:
        a policy to be attached outside of the app. Its 6,144 characters (AWS IAM User Guide, "IAM and AWS STS quotas")
        are enough for a pipeline with few properties.
        """
        rights = operator_rights(
            self,
            bucket_arn=self.bucket.bucket.bucket_arn,
            secret_arns=[secret_arn(key.secret) for key in (self.signing_key, self.tokenization_key) if key],
            topic_arn=self.alarm_topic.topic_arn,
            event_source_arn=None if self.partner_bus is None else self.partner_bus.event_source_arn,
            rest_api_id=None if self.api is None else self.api.api.rest_api_id,
            has_load_balancer=self.load_balancer is not None,
        )
        first, *rest = (
            iam.Grant.add_to_principal(
                grantee=grantee,
                actions=right.actions,
                resource_arns=right.resource_arns,
                conditions=right.conditions,
            )
            for right in rights
        )
        for grant in rest:
            first = first.combine(grant)
        return first

    def metric(
        self,
        metric_name: MetricName,
        *,
        statistic: str = "Sum",
        period: Duration = PERIOD,
        event_type: str | None = None,
        ingress: Ingress | None = None,
    ) -> cloudwatch.Metric:
        """Return a metric of the pipeline's functions; see PipelineContext.metric."""
        return self.context.metric(
            metric_name, statistic=statistic, period=period, event_type=event_type, ingress=ingress
        )
