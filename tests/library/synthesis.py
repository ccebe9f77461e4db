"""Synthesizes stacks in this process and asks their templates."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53

from genesys_firehose_cdk import (
    AlarmTopic,
    BufferingProps,
    DataLakeBucketProps,
    DeliveryProps,
    GenesysFirehosePipeline,
    LakeManifestsProps,
    LakeProps,
    MonitoringProps,
    OperationsKey,
    PipelineContext,
    RetentionMode,
    SignatureProps,
    WebhookDomainProps,
    WebhookProps,
)

ROOT = Path(__file__).parents[2]
CONTEXT: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
"""The context of the app, feature flags included."""

_WITH_PATHS = {"aws:cdk:enable-path-metadata": True}

KEY_ARN = "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-0000-4000-8000-000000000000"
CERTIFICATE_ARN = "arn:aws:acm:eu-west-1:111122223333:certificate/0a1b2c3d-0000-4000-8000-000000000000"
WEB_ACL_ARN = "arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/events/0a1b2c3d-0000-4000-8000-000000000000"


class Template:
    """A stack's template, as CloudFormation gets it."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content

    def resources(self, type_name: str) -> dict[str, dict[str, Any]]:
        """All resources of a type, by logical id."""
        return {
            logical_id: resource
            for logical_id, resource in self.content["Resources"].items()
            if resource["Type"] == type_name
        }

    def one(self, type_name: str, path_end: str = "") -> dict[str, Any]:
        """The one resource of a type whose construct path ends so."""
        found = [
            resource
            for resource in self.resources(type_name).values()
            if resource["Metadata"]["aws:cdk:path"].endswith(f"{path_end}/Resource" if path_end else "")
        ]
        assert len(found) == 1, (type_name, path_end, len(found))
        return found[0]

    def properties(self, type_name: str, path_end: str = "") -> dict[str, Any]:
        """The properties of that resource."""
        properties: dict[str, Any] = self.one(type_name, path_end)["Properties"]
        return properties


def new_stack(context: Mapping[str, Any] | None = None, environment: cdk.Environment | None = None) -> cdk.Stack:
    """A stack in an app of its own; the app has the context of cdk.json unless told otherwise."""
    app = cdk.App(analytics_reporting=False, context={**(CONTEXT if context is None else context), **_WITH_PATHS})
    return cdk.Stack(app, "Test", env=environment)


def template_of(stack: cdk.Stack) -> Template:
    """Synthesizes the stack's app."""
    app = stack.node.root
    assert isinstance(app, cdk.App)
    return Template(app.synth().get_stack_by_name(stack.stack_name).template)


def synthesize(**properties: Any) -> Template:
    """The template of a stack with one pipeline."""
    stack = new_stack()
    GenesysFirehosePipeline(stack, "Pipeline", **properties)
    return template_of(stack)


def new_context(stack: cdk.Stack, **properties: Any) -> PipelineContext:
    """What a construct that stands alone shares with the pipeline that is not there."""
    key = OperationsKey(stack, "OperationsKey").key
    topic = AlarmTopic(stack, "AlarmTopic", encryption_key=key).topic
    return PipelineContext(**{"name": "Test/Pipeline", "operations_key": key, "alarm_topic": topic, **properties})


def maximal_pipeline(stack: cdk.Stack) -> GenesysFirehosePipeline:
    """A pipeline with everything that can be switched on."""
    zone = route53.HostedZone.from_hosted_zone_attributes(
        stack, "Zone", hosted_zone_id="Z0123456789ABC", zone_name="example.com"
    )
    return GenesysFirehosePipeline(
        stack,
        "Pipeline",
        lake=LakeProps(
            bucket=DataLakeBucketProps(
                retention_mode=RetentionMode.COMPLIANCE,
                retention_days=365,
                acknowledge_compliance=True,
                raw_expiration_days=3650,
                clean_expiration_days=1825,
                errors_expiration_days=730,
                noncurrent_expiration_days=400,
            ),
            manifests=LakeManifestsProps(),
        ),
        delivery=DeliveryProps(
            buffering=BufferingProps(size=cdk.Size.mebibytes(128), interval=cdk.Duration.minutes(15)),
            stream_encryption_key=cdk.aws_kms.Key(stack, "StreamKey", enable_key_rotation=True),
            restrict_trust_to_account=True,
        ),
        webhook=WebhookProps(
            signature=SignatureProps.open_messaging(),
            path="open-messaging/events",
            domain=WebhookDomainProps(
                domain_name="events.example.com",
                certificate=acm.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE_ARN),
                hosted_zone=zone,
            ),
            allowed_cidrs=["198.51.100.0/24", "2001:db8::/32"],
            web_acl_arn=WEB_ACL_ARN,
            cloud_watch_role=False,
        ),
        monitoring=MonitoringProps(alarm_email="events@example.com"),
    )


def statements(policy_document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A policy's statements by their ids."""
    return {statement.get("Sid", ""): statement for statement in policy_document["Statement"]}


def as_list(value: Any) -> list[Any]:
    """A value of a policy, which may stand alone or in a list, as a list."""
    return value if isinstance(value, list) else [value]


def flat(value: Any) -> str:
    """A reference as one readable text."""
    match value:
        case str():
            return value
        case {"Fn::Join": [delimiter, items]}:
            return str(delimiter).join(flat(item) for item in items)
        case {"Fn::GetAtt": [resource, attribute]}:
            return f"<{resource}.{attribute}>"
        case {"Ref": name}:
            return f"<{name}>"
    raise AssertionError(value)
