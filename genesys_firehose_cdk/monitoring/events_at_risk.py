"""One alarm for the question that matters first: are events lost, refused or late?"""

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from genesys_firehose_cdk.common.alarm import AlarmSeverity, PipelineAlarm
from genesys_firehose_cdk.common.context import PipelineContext, alarm_name

# 100 alarms in a rule of 10,240 characters (Amazon CloudWatch API Reference, "PutCompositeAlarm"). An alarm's name has
# 255 at most, and its place in a rule 13 more.
_ALARMS_IN_A_RULE = 10_240 // (255 + 13)


class EventsAtRisk(Construct):
    """A composite alarm that is on while any alarm of AlarmSeverity.PAGE is.

    It reports as they do. Its message when it is over says that all of them are. More alarms than a rule holds, as
    with many shards, are in composite alarms of their own, which report nothing.

    Attributes:
        alarm: The composite alarm.
    """

    def __init__(self, scope: Construct, id: str, *, context: PipelineContext, alarms: Sequence[PipelineAlarm]) -> None:
        """Create the alarm.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: What the pipeline's constructs share.
            alarms: The alarms; those that do not page are left out.
        """
        super().__init__(scope, id)
        self._context = context
        self._name = alarm_name(scope, id)
        paging: list[cloudwatch.AlarmBase] = [each for each in alarms if each.severity is AlarmSeverity.PAGE]
        if len(paging) > _ALARMS_IN_A_RULE:
            groups = [paging[start : start + _ALARMS_IN_A_RULE] for start in range(0, len(paging), _ALARMS_IN_A_RULE)]
            paging = [self._create(f"Part{number}", group) for number, group in enumerate(groups, start=1)]
        self.alarm = self._create("Alarm", paging)
        context.report(self.alarm, AlarmSeverity.PAGE)

    def _create(self, id: str, alarms: Sequence[cloudwatch.AlarmBase]) -> cloudwatch.CompositeAlarm:
        rules = [cloudwatch.AlarmRule.from_string(f'ALARM("{alarm.alarm_name}")') for alarm in alarms]
        return cloudwatch.CompositeAlarm(
            self,
            id,
            composite_alarm_name=self._name if id == "Alarm" else alarm_name(self, id),
            alarm_description=self._context.describe(
                "Events are lost, refused or late, or cannot come: at least one alarm that pages is on. It says what "
                "is wrong.",
                "events-at-risk",
            ),
            alarm_rule=cloudwatch.AlarmRule.any_of(*rules),
        )
