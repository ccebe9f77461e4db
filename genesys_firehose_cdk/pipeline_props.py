"""The pipeline's properties as a whole: which of them go together."""

from dataclasses import dataclass

from aws_cdk import RemovalPolicy

from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.validation import InvalidPropertyError, check_removal_policy
from genesys_firehose_cdk.delivery.delivery_stream import DeliveryProps
from genesys_firehose_cdk.delivery.transform_function import TransformProps
from genesys_firehose_cdk.genesys.names import USER
from genesys_firehose_cdk.genesys.props import GenesysProps
from genesys_firehose_cdk.genesys.watch import GenesysWatchProps
from genesys_firehose_cdk.ingress.ingest_function import IngestProps
from genesys_firehose_cdk.ingress.partner_bus import PartnerBusProps
from genesys_firehose_cdk.ingress.signature import SignatureKind, SignatureProps
from genesys_firehose_cdk.ingress.webhook import WebhookProps
from genesys_firehose_cdk.lake.props import LakeProps
from genesys_firehose_cdk.monitoring.props import MonitoringProps


@dataclass(frozen=True, kw_only=True)
class PipelineProps(Props, at=""):
    """The keywords of GenesysFirehosePipeline, where each is described.

    Raises:
        InvalidPropertyError: A property is of the wrong type, or would have no effect beside the others.
    """

    webhook: WebhookProps | None
    partner_bus: PartnerBusProps | None
    genesys: GenesysProps | None
    watch: GenesysWatchProps | None
    ingest: IngestProps
    transform: TransformProps
    delivery: DeliveryProps
    lake: LakeProps
    monitoring: MonitoringProps
    removal_policy: RemovalPolicy
    auto_delete_objects: bool

    def validate(self) -> None:
        """Check that every property that is given has an effect."""
        check_removal_policy(self.removal_policy)
        if self.webhook is None:
            self._check_without_webhook()
        if self.partner_bus is None and self.genesys is not None:
            self._check_genesys_without_bus(self.genesys)
        if self.webhook is not None and self.genesys is not None and self.genesys.ip_allow_list is not None:
            allowed = "one of the two is allowed"
            fields = ["allowed_cidrs", "rate_limit", "web_acl_arn"]
            self.webhook.refuse_given(fields, "is given with genesys.ip_allow_list", allowed)
            if self.webhook.front_door is not None:
                self.webhook.front_door.refuse_given(["prefix_list"], "is given with genesys.ip_allow_list", allowed)
        if self.webhook is not None and self.genesys is not None:
            self._check_sender(self.webhook.signature, self.genesys)
        if self.webhook is not None and (self.genesys is None or self.genesys.subscription is None):
            self.webhook.signature.refuse_given(
                ["rotation"],
                "is given without genesys.subscription",
                "it is allowed with it alone, because nobody else gives the sender a new key: "
                "`genesys-firehose rotate-key` rotates it by hand",
            )
        self._check_keys()
        self._check_user_names()
        if not self.delivery.dynamic_partitioning and self.lake.catalog is not None:
            raise InvalidPropertyError(
                "lake.catalog",
                "is given with delivery.dynamic_partitioning False",
                "it is allowed with partitions alone, because the tables follow them",
            )
        if not self.delivery.dynamic_partitioning and self.genesys is not None:
            self.genesys.refuse_given(
                ["backfill"],
                "is given with delivery.dynamic_partitioning False",
                "it is allowed with partitions alone, because history is filed by its own days",
            )
        if not self.delivery.dynamic_partitioning and self.lake.tables is not None:
            self.lake.refuse_given(
                ["tables"],
                "is given with delivery.dynamic_partitioning False",
                "it is allowed with partitions alone, because the tables are made of them",
            )
        if self.genesys is not None and (self.lake.tables is None or not self.delivery.dynamic_partitioning):
            self.genesys.refuse_given(
                ["reconciliation"], "is given without lake.tables", "it is allowed with them alone, which are compared"
            )

    def _check_sender(self, signature: SignatureProps, genesys: GenesysProps) -> None:
        """Refuse what Genesys Cloud would send and the webhook would answer with 401."""
        if genesys.subscription is not None:
            genesys.subscription.check_signature(signature)
        if (
            genesys.ip_allow_list is not None
            and "data-actions" in genesys.ip_allow_list.services
            and signature.kind is SignatureKind.HMAC
        ):
            raise InvalidPropertyError(
                genesys.ip_allow_list.name_of("services"),
                "holds 'data-actions' with webhook.signature.kind HMAC",
                "it is allowed with SHARED_KEY and BASIC alone, because a data action signs nothing",
            )

    def _check_keys(self) -> None:
        """Refuse one secret for both keys: a sender with the signing key could then tell whose a token is."""
        signing = None if self.webhook is None else self.webhook.signature.existing_secret
        tokens = self.transform.existing_tokenization_secret
        if signing is not None and tokens is not None and signing.secret_arn == tokens.secret_arn:
            raise InvalidPropertyError(
                "transform.existing_tokenization_secret",
                "is also webhook.signature.existing_secret",
                "another secret is allowed, because the webhook's sender has the signing key",
            )

    def _check_user_names(self) -> None:
        """Refuse to keep names that are not taken."""
        policy = self.transform.masking_policy
        names = None if self.genesys is None else self.genesys.names
        if policy is not None and policy.keep_user_names and (names is None or USER not in names.kinds):
            raise InvalidPropertyError(
                policy.name_of("keep_user_names"),
                "is given without user among genesys.names.kinds",
                "it is allowed with it alone",
            )

    def _check_without_webhook(self) -> None:
        if self.partner_bus is None:
            raise InvalidPropertyError("webhook", "is None without a partner_bus", "one of the two is needed")
        problem, allowed = "is given with webhook None", "it is allowed with the webhook alone"
        if self.genesys is not None:
            self.genesys.refuse_given(["subscription", "ip_allow_list"], problem, allowed)
        if self.watch is not None:
            self.watch.refuse_given(["subscription_path"], problem, allowed)
        of_the_webhook = ["client_errors", "refused_share_ratio", "server_errors"]
        self.monitoring.thresholds.refuse_given(of_the_webhook, problem, allowed)

    def _check_genesys_without_bus(self, genesys: GenesysProps) -> None:
        problem, allowed = "is given without a partner_bus", "it is allowed with the bus alone"
        genesys.refuse_given(["manage_integration", "integration", "reconciliation"], problem, allowed)
        watches_subscription = self.watch is not None and self.watch.subscription_path is not None
        has_work = any((genesys.subscription, genesys.ip_allow_list, genesys.names, genesys.backfill))
        if not has_work and not watches_subscription:
            raise InvalidPropertyError(
                "genesys",
                "is given with nothing to do",
                "it is allowed with a partner_bus, a subscription, an ip_allow_list, names, a backfill or a watched "
                "subscription_path",
            )
