"""Takes the names behind Genesys Cloud's identifiers into the lake: events name a queue by its id alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from genesys_firehose_cdk.common.alarm import AlarmSeverity, PipelineAlarm
from genesys_firehose_cdk.common.context import PipelineContext
from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.scheduled_function import ScheduledFunction
from genesys_firehose_cdk.common.validation import InvalidPropertyError, check_duration, check_one_of
from genesys_firehose_cdk.genesys.connection import GenesysConnectionProps
from genesys_firehose_cdk.ingress.ingest_function import stream_key_statement

KINDS = ("queue", "wrapup_code", "skill", "division", "flow", "presence_definition", "user")
USER = "user"

# A run ends within it by itself. It is Lambda's limit (AWS Lambda Developer Guide, "Lambda quotas").
_TIMEOUT = Duration.minutes(15)


@dataclass(frozen=True, kw_only=True)
class GenesysNamesProps(Props, at="genesys.names"):
    """Which names are taken into the lake, and how often.

    Attributes:
        kinds: What has names: queue, with its service-level targets, wrapup_code, skill, division, flow,
            presence_definition and user. The OAuth client needs a permission for each (docs/genesys.md). Names of
            users become tokens in `clean/`, unless `transform.masking_policy` has `keep_user_names`. Default: all but
            user.
        interval: How often a snapshot is taken; 1 to 24 hours, because CloudWatch evaluates a week at most. Default:
            24 hours.
        credentials: The secret of an OAuth client of its own, which only needs to read. Its form is that of
            GenesysConnectionProps. Default: the client that also makes changes.

    Raises:
        InvalidPropertyError: There is no such kind, one comes twice or there is none, or `interval` is out of range.
    """

    kinds: Sequence[str] = tuple(kind for kind in KINDS if kind != USER)
    interval: Duration = Duration.hours(24)
    credentials: secretsmanager.ISecret | None = None

    def validate(self) -> None:
        """Check kinds and interval."""
        name = self.name_of("kinds")
        if not self.kinds:
            raise InvalidPropertyError(name, "is empty", f"allowed are {', '.join(KINDS)}")
        for kind in self.kinds:
            check_one_of(name, kind, KINDS)
            if self.kinds.count(kind) > 1:
                raise InvalidPropertyError(name, f"holds {kind!r} twice", "each kind is allowed once")
        check_duration(self.name_of("interval"), self.interval, 60, 1440, "minutes", "so that an alarm can watch it")


class GenesysNames(Construct):
    """A function that takes a snapshot of names on a schedule and puts it to the delivery streams.

    Each thing is a record in an envelope of the ingress `names`, which no sender can write, and lands under
    `clean/event_type=names/`. A kind that fails does not keep the others from being taken.

    Attributes:
        function: The function with its schedule.
        alarms: The alarms, by name.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        context: PipelineContext,
        connection: GenesysConnectionProps,
        streams: Sequence[firehose.IDeliveryStream],
        stream_encryption_key: kms.IKey | None = None,
        props: GenesysNamesProps | None = None,
    ) -> None:
        """Create the function and the alarms.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: What the pipeline's constructs share.
            connection: Where to ask; `props` may hold an OAuth client of its own.
            streams: The delivery streams that records are put to.
            stream_encryption_key: The customer managed key of the streams. Default: none, AWS owns it.
            props: Which names. Default: GenesysNamesProps().

        Raises:
            InvalidPropertyError: The stack is where the region's data may not go.
        """
        super().__init__(scope, id)
        connection.region.check_pairing(self)
        props = props or GenesysNamesProps()
        if props.credentials is not None:
            connection = replace(connection, credentials=props.credentials)
        self.function = ScheduledFunction(
            self,
            "Function",
            context=context,
            package="genesys_names",
            libraries=["genesys", "ingest"],
            description="Takes the names behind Genesys Cloud's identifiers",
            statements=[
                *connection.read_statements,
                iam.PolicyStatement(
                    sid="PutNames",
                    actions=["firehose:PutRecordBatch"],
                    resources=[stream.delivery_stream_arn for stream in streams],
                ),
                *([] if stream_encryption_key is None else [stream_key_statement(stream_encryption_key)]),
            ],
            environment={
                "GENESYS_HOST": connection.region.host,
                "CREDENTIALS_SECRET_ARN": connection.credentials.secret_arn,
                "KINDS": ",".join(props.kinds),
                "STREAM_NAMES": ",".join(stream.delivery_stream_name for stream in streams),
                **context.environment,
            },
            interval=props.interval,
            timeout=_TIMEOUT,
        )
        self.alarms = self._create_alarms(context, props.interval)

    def _create_alarms(self, context: PipelineContext, interval: Duration) -> dict[str, PipelineAlarm]:
        return {
            "NamesForbidden": context.alarm(
                self,
                "NamesForbidden",
                metric=context.metric("NamesForbidden", statistic="Maximum", period=interval),
                severity=AlarmSeverity.TICKET,
                section="names-forbidden",
                threshold=1,
                description="Genesys Cloud does not let the OAuth client list a kind of names. The function's log "
                "names the permission: give it to the client's role, or leave the kind out of genesys.names.kinds.",
            ),
            "NamesMissing": context.report_alarm(
                self,
                "NamesMissing",
                metric=context.metric("NamesWhole", statistic="Minimum", period=interval),
                severity=AlarmSeverity.TICKET,
                section="names-missing",
                # Two runs may fall into one period, and none into the next.
                missed=2,
                description="Names are not taken from Genesys Cloud, or not all of them: the lake goes on with the "
                "last whole snapshot. Read the function's log.",
            ),
        }
