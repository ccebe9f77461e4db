"""The alarms and the dashboard of a local pipeline as its synthesized template defines them, with its resources' names.

The embedded AWS has neither calculated alarms nor the dashboard.
"""

import json
from collections.abc import Mapping
from typing import Any

from genesys_firehose_tools.local.drills.alarms import AlarmDefinition
from genesys_firehose_tools.local.pipeline import LocalPipeline
from genesys_firehose_tools.local.stacks import synthesized_template

_ALARMS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")


class Definitions:
    """What a local pipeline's template says of alarms and dashboard.

    Args:
        pipeline: The pipeline.
    """

    def __init__(self, pipeline: LocalPipeline) -> None:
        deployment = pipeline.deployment
        cloudformation = deployment.client("cloudformation")
        described = cloudformation.describe_stack_resources(StackName=deployment.stack)["StackResources"]
        self._names = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in described}
        self._names |= {"AWS::Region": deployment.region, "AWS::AccountId": deployment.account, "AWS::Partition": "aws"}
        resources = synthesized_template(pipeline.aws, deployment.stack)["Resources"]
        self._names |= {
            name: each["Properties"]["AlarmName"] for name, each in resources.items() if each["Type"] in _ALARMS
        }
        self._resources = resources.values()

    def alarms(self) -> list[AlarmDefinition]:
        """Return every alarm that watches a metric."""
        return [AlarmDefinition.of(self._resolve(properties)) for properties in self._of_type("AWS::CloudWatch::Alarm")]

    def dashboard(self) -> dict[str, Any]:
        """Return the body of the dashboard."""
        [properties] = self._of_type("AWS::CloudWatch::Dashboard")
        body: dict[str, Any] = json.loads(self._resolve(properties["DashboardBody"]))
        return body

    def _of_type(self, name: str) -> list[Mapping[str, Any]]:
        return [each["Properties"] for each in self._resources if each["Type"] == name]

    def _resolve(self, value: Any) -> Any:
        """Put names in the place of references; what the embedded AWS did not create keeps its logical id."""
        match value:
            case {"Ref": name}:
                return self._names.get(name, name)
            case {"Fn::GetAtt": [name, "QueueName"]}:
                return self._names[name].rsplit("/", 1)[1]
            # The end of the ARN, which is the physical id.
            case {"Fn::GetAtt": [name, "LoadBalancerFullName"]}:
                return self._names[name].partition(":loadbalancer/")[2]
            case {"Fn::GetAtt": [name, "TargetGroupFullName"]}:
                return self._names[name].rpartition(":")[2]
            case {"Fn::GetAtt": [name, _]}:
                return self._names.get(name, name)
            case {"Fn::Join": [separator, parts]}:
                return str(separator).join(str(self._resolve(part)) for part in parts)
            case {"Fn::Split": [separator, text]}:
                return self._resolve(text).split(separator)
            case {"Fn::Select": [index, parts]}:
                return self._resolve(parts)[int(index)]
            case Mapping():
                return {key: self._resolve(part) for key, part in value.items()}
            case list():
                return [self._resolve(part) for part in value]
        return value
