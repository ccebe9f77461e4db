"""CloudFormation and AWS CDK's provider framework, as a custom resource's function sees them.

After the framework's own source (aws-cdk-lib, custom-resources/lib/provider-framework/runtime): what the beginning
returns is laid over the event and handed to the passes; a creation that failed in its beginning has no physical id,
and its deletion never reaches the function.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

STACK_ID = "arn:aws:cloudformation:eu-central-1:111122223333:stack/pipeline/1a2b"

Handle = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass
class RequestFailedError(Exception):
    """The framework reported FAILED.

    Attributes:
        physical_id: The physical id it reported; None for the marker of a failed creation.
        reason: The reason it reported.
    """

    physical_id: str | None
    reason: str


class CrashError(BaseException):
    """The function's environment is gone."""


@dataclass
class Stack:
    """One custom resource of a stack.

    Attributes:
        handle: The function.
        wait: What passes between two passes.
        physical_id: The resource's id, once it has one.
        attributes: What its last request returned.
        abandoned: The physical ids of replaced resources whose deletion failed.
    """

    handle: Handle
    wait: Callable[[float], None]
    logical_id: str = "Integration"
    physical_id: str | None = None
    properties: Mapping[str, Any] | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    abandoned: list[str] = field(default_factory=list)

    def create(self, properties: Mapping[str, Any]) -> None:
        """Create the resource; a failure is rolled back as CloudFormation does, and raised."""
        try:
            self.physical_id, self.attributes = self._request("Create", properties)
        except RequestFailedError as error:
            if error.physical_id is not None:
                self._request("Delete", properties, physical_id=error.physical_id)
            raise
        self.properties = properties

    def update(self, properties: Mapping[str, Any]) -> None:
        """Update the resource; a failure is rolled back as CloudFormation does, and raised."""
        old, old_id = self.properties, self.physical_id
        assert old is not None
        assert old_id is not None
        try:
            new_id, self.attributes = self._request("Update", properties, old, old_id)
        except RequestFailedError:
            back_id, self.attributes = self._request("Update", old, properties, old_id)
            assert back_id == old_id
            raise
        self.physical_id, self.properties = new_id, properties
        if new_id != old_id:
            try:
                self._request("Delete", old, physical_id=old_id)
            except RequestFailedError:
                self.abandoned.append(old_id)

    def delete(self) -> None:
        """Delete the resource."""
        assert self.physical_id is not None
        self._request("Delete", self.properties or {}, physical_id=self.physical_id)
        self.physical_id = None

    def _request(
        self,
        kind: str,
        properties: Mapping[str, Any],
        old_properties: Mapping[str, Any] | None = None,
        physical_id: str | None = None,
    ) -> tuple[str, Mapping[str, Any]]:
        event: dict[str, Any] = {
            "RequestType": kind,
            "StackId": STACK_ID,
            "RequestId": "request",
            "LogicalResourceId": self.logical_id,
            "ResourceType": "AWS::CloudFormation::CustomResource",
            "ResourceProperties": {"ServiceToken": "arn", **properties},
        }
        if old_properties is not None:
            event["OldResourceProperties"] = {"ServiceToken": "arn", **old_properties}
        if physical_id is not None:
            event["PhysicalResourceId"] = physical_id
        try:
            begun = self.handle(event)
        except (Exception, CrashError) as error:
            raise RequestFailedError(physical_id, str(error)) from error
        event |= begun
        new_id: str = event["PhysicalResourceId"]
        while True:
            try:
                answer = self.handle(dict(event))
            except (Exception, CrashError) as error:
                raise RequestFailedError(new_id, str(error)) from error
            if answer["IsComplete"]:
                return new_id, answer.get("Data", {})
            assert set(answer) == {"IsComplete"}
            self.wait(10)
