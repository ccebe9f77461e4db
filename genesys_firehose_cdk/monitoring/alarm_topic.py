"""The topic that alarms report to."""

import jsii
from aws_cdk import Annotations, Aspects, IAspect, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct, IConstruct


class AlarmTopic(Construct):
    """An encrypted SNS topic that takes HTTPS alone, and CloudWatch alarms of this account alone.

    Synthesis warns where no subscription of the app is to it.

    Attributes:
        topic: The topic; subscribe to it.
    """

    def __init__(self, scope: Construct, id: str, *, encryption_key: kms.IKey) -> None:
        """Create the topic.

        Args:
            scope: The parent construct.
            id: The construct's id.
            encryption_key: Must let CloudWatch alarms and EventBridge use it.
        """
        super().__init__(scope, id)
        self.topic = sns.Topic(self, "Topic", master_key=encryption_key, enforce_ssl=True)
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="CloudWatchAlarms",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )
        # Of the topic's own resource, which has nothing below it, so that it is visited once.
        Aspects.of(self.topic.node.default_child).add(_Heard(self.topic))  # type: ignore[arg-type]


@jsii.implements(IAspect)
class _Heard:
    """Warns where nobody is subscribed to a topic, once the app is complete."""

    def __init__(self, topic: sns.Topic) -> None:
        self._topic = topic

    def visit(self, node: IConstruct) -> None:
        """Look at every subscription of the app."""
        stack = Stack.of(self._topic)
        own = stack.resolve(self._topic.topic_arn)
        for each in node.node.root.node.find_all():
            if isinstance(each, sns.CfnSubscription) and stack.resolve(each.topic_arn) == own:
                return
        Annotations.of(self._topic).add_warning_v2(
            "genesys-firehose-cdk:nobody-is-told",
            "Nobody is subscribed to the alarm topic, so no alarm is heard: give monitoring.alarm_email, or subscribe "
            "to the pipeline's alarm_topic.",
        )
