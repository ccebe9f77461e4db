"""The custom resources at Genesys Cloud, on AWS CDK's own provider framework and a CloudFormation that rolls back."""

import contextlib
import json
import shutil
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import boto3
import pytest
from aws_cdk import aws_secretsmanager as secretsmanager
from botocore.exceptions import WaiterError
from ministack.services.cloudformation import provisioners

from genesys_firehose_cdk import (
    AlarmTopic,
    EventBridgeIntegration,
    EventSubscription,
    EventSubscriptionProps,
    GenesysConnectionProps,
    GenesysRegion,
    HmacKey,
    IpAllowList,
    OperationsKey,
    PartnerBusProps,
    PipelineContext,
)
from genesys_firehose_tools.local.adaptation import remove_unsupported
from genesys_firehose_tools.local.aws import ACCOUNT, REGION, SECRET_ACCESS_KEY, EmbeddedAws
from genesys_firehose_tools.local.genesys.faults import Fault
from genesys_firehose_tools.local.genesys.organization import Organization
from genesys_firehose_tools.local.genesys.partner import EmbeddedPartner
from genesys_firehose_tools.local.genesys.server import LocalGenesys

pytestmark = pytest.mark.xdist_group("genesys resources")

ORGANIZATION_ID = "3fd2f1a0-8f5c-4a53-9c43-0c2a3b4d5e6f"
CLIENT_SECRET = "s3cret-of-the-client"
STACK = "Resources"
WAITING = {"Delay": 1, "MaxAttempts": 120}


@dataclass
class World:
    """An embedded AWS, a Genesys Cloud beside it, and the template of all custom resources."""

    aws: EmbeddedAws
    genesys: LocalGenesys
    template: dict[str, Any]

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.aws.endpoint_url,
            region_name=REGION,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key=SECRET_ACCESS_KEY,
        )

    def change(self, property_name: str, value: Any) -> dict[str, Any]:
        """The template with another property of the custom resource that has it, and of its function."""
        template = deepcopy(self.template)
        for resource in template["Resources"].values():
            properties = resource["Properties"]
            if resource["Type"] == "AWS::CloudFormation::CustomResource" and property_name in properties:
                properties[property_name] = value
            variables = properties.get("Environment", {}).get("Variables", {})
            configured = json.loads(variables.get("PROPERTIES", "{}"))
            if property_name in configured:
                variables["PROPERTIES"] = json.dumps({**configured, property_name: value})
        assert template != self.template
        return template

    def create(self) -> str:
        """Create the stack and return how it ended."""
        return self._run("create_stack", "stack_create_complete", self.template)

    def update(self, template: dict[str, Any]) -> str:
        """Update the stack and return how it ended."""
        return self._run("update_stack", "stack_update_complete", template)

    def _run(self, operation: str, waiter: str, template: dict[str, Any]) -> str:
        cloudformation = self.client("cloudformation")
        getattr(cloudformation, operation)(
            StackName=STACK, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"]
        )
        with contextlib.suppress(WaiterError):
            cloudformation.get_waiter(waiter).wait(StackName=STACK, WaiterConfig=WAITING)
        status: str = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]
        return status

    def delete(self) -> None:
        """Delete the stack."""
        cloudformation = self.client("cloudformation")
        cloudformation.delete_stack(StackName=STACK)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=STACK, WaiterConfig=WAITING)

    def reasons(self) -> str:
        """Everything that the stack's events say."""
        events = self.client("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"]
        return "\n".join(event.get("ResourceStatusReason", "") for event in events)

    def ip_sets(self) -> dict[str, list[str]]:
        """What the IP sets of the account hold, by name."""
        waf = self.client("wafv2")
        found = sorted(waf.list_ip_sets(Scope="REGIONAL")["IPSets"], key=lambda each: str(each["Name"]))
        return {
            each["Name"]: waf.get_ip_set(Name=each["Name"], Id=each["Id"], Scope="REGIONAL")["IPSet"]["Addresses"]
            for each in found
        }

    def function(self, package: str) -> str:
        """The name of the function of a package."""
        functions = self.client("lambda").list_functions()["Functions"]
        [name] = [each["FunctionName"] for each in functions if each["Handler"].startswith(package)]
        return str(name)

    def state(self) -> tuple[list[Any], list[Any]]:
        """The event source suffixes with their topics, and the subscribed events, at Genesys Cloud."""
        state = self.genesys.organization.state()
        properties = [each["properties"] for each in state["integrations"] if each["source"]]
        return (
            [(each["eventSourceSuffix"], each["eventFilter"]) for each in properties],
            [each["events"] for each in state["subscriptions"]],
        )


FOUR = ["192.0.2.0/28"]
SIX = ["2001:db8:ca11::/48"]
CREATED = ([("lake", ["v2.users.{id}.presence"])], [["call.event"]])
NOTHING: tuple[list[Any], list[Any]] = ([], [])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("genesys")
    aws = EmbeddedAws.start(directory / "aws")
    genesys = LocalGenesys(
        Organization(
            EmbeddedPartner(aws.endpoint_url, ACCOUNT, SECRET_ACCESS_KEY), ORGANIZATION_ID, {"client": CLIENT_SECRET}
        )
    )
    genesys.start()
    try:
        world = World(aws, genesys, {})
        secret = world.client("secretsmanager").create_secret(
            Name="genesys", SecretString=json.dumps({"client_id": "client", "client_secret": CLIENT_SECRET})
        )
        world.template = _publish(world, secret["ARN"], directory / "assembly")
        yield world
    finally:
        genesys.stop()
        aws.stop()


def _publish(world: World, credentials: str, directory: Path) -> dict[str, Any]:
    """Synthesize all custom resources, publish their assets, and return the template."""
    app = cdk.App(analytics_reporting=False, outdir=str(directory))
    stack = cdk.Stack(
        app,
        STACK,
        env=cdk.Environment(account=ACCOUNT, region=REGION),
        synthesizer=cdk.DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
    )
    secret = secretsmanager.Secret.from_secret_complete_arn(stack, "Credentials", credentials)
    connection = GenesysConnectionProps(region=GenesysRegion.US_EAST_1, credentials=secret)
    key = OperationsKey(stack, "Key", removal_policy=cdk.RemovalPolicy.DESTROY).key
    context = PipelineContext(
        name=STACK,
        operations_key=key,
        alarm_topic=AlarmTopic(stack, "AlarmTopic", encryption_key=key).topic,
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    integration = EventBridgeIntegration(
        stack,
        "Integration",
        context=context,
        connection=connection,
        partner_bus=PartnerBusProps(org_id=ORGANIZATION_ID, event_source_suffix="lake", topics=["agent_presence"]),
    )
    subscription = EventSubscription(
        stack,
        "Subscription",
        context=context,
        connection=connection,
        url="https://events.example.com/ingest",
        props=EventSubscriptionProps(event_names=["call.event"]),
        signing_key=HmacKey(stack, "SigningKey", description="signing", removal_policy=cdk.RemovalPolicy.DESTROY),
    )
    allow_list = IpAllowList(stack, "AllowList", context=context, connection=connection)
    for function in (integration.function, subscription.function, allow_list.refresh.function):
        function.add_environment("GENESYS_API_URL", world.genesys.url)
        function.add_environment("GENESYS_LOGIN_URL", world.genesys.url)
    artifact = app.synth().get_stack_by_name(STACK)
    s3 = world.client("s3")
    bucket = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
    s3.create_bucket(Bucket=bucket)
    for name, file in json.loads((directory / f"{STACK}.assets.json").read_text())["files"].items():
        if file["source"]["packaging"] == "zip":
            archive = shutil.make_archive(str(directory / name), "zip", directory / file["source"]["path"])
            s3.upload_file(archive, bucket, f"{name}.zip")
    template: dict[str, Any] = artifact.template
    remove_unsupported(template, provisioners._RESOURCE_HANDLERS)
    return template


@pytest.fixture(autouse=True)
def no_faults(world: World) -> Iterator[None]:
    yield
    world.genesys.faults.set([])


def test_a_creation_that_genesys_refuses_half_way_leaves_nothing(world: World) -> None:
    world.genesys.faults.set([Fault(status=403, method="PATCH", message="You are missing a permission.")])
    assert world.create() == "ROLLBACK_COMPLETE"
    assert "Genesys Cloud answered 403 (fault) to PATCH /api/v2/integrations/{id}" in world.reasons()
    assert "You are missing a permission." not in world.reasons()
    assert CLIENT_SECRET not in world.reasons()
    assert world.ip_sets() == {}
    assert world.state() == NOTHING
    world.delete()


def test_what_is_created_follows_the_stack_through_updates_failed_and_not_and_goes_with_it(world: World) -> None:
    assert world.create() == "CREATE_COMPLETE", world.reasons()
    assert world.state() == CREATED
    assert list(world.ip_sets().values()) == [FOUR, SIX]
    source = f"aws.partner/genesys.com/cloud/{ORGANIZATION_ID}/lake"
    assert world.client("events").describe_event_source(Name=source)["State"] == "PENDING"

    world.genesys.faults.set([Fault(status=403, method="PUT", path="/api/v2/integrations")])
    assert world.update(world.change("Topics", ["v2.quality.evaluations"])) == "UPDATE_ROLLBACK_COMPLETE"
    assert world.state() == CREATED

    world.genesys.faults.set([Fault(status=403, method="PATCH")])
    assert world.update(world.change("Suffix", "other")) == "UPDATE_ROLLBACK_COMPLETE"
    assert world.state() == CREATED

    assert world.update(world.change("Topics", ["v2.quality.evaluations"])) == "UPDATE_COMPLETE"
    assert world.state()[0] == [("lake", ["v2.quality.evaluations"])]

    assert world.update(world.change("Suffix", "other")) == "UPDATE_COMPLETE"
    assert world.state()[0] == [("other", ["v2.users.{id}.presence"])]

    world.genesys.organization.ip_ranges[0]["cidr"] = "192.0.2.0/27"
    world.client("lambda").invoke(FunctionName=world.function("genesys_ipranges"), Payload=b"{}")
    assert list(world.ip_sets().values()) == [["192.0.2.0/27"], SIX]

    world.delete()
    assert world.state() == NOTHING
    assert world.genesys.organization.integrations == {}
    assert world.ip_sets() == {}
