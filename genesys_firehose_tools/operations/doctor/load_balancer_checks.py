"""The check of a load balancer as the webhook's front door."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from genesys_firehose_tools.operations.deployed_resources import Resource
from genesys_firehose_tools.operations.doctor.findings import Finding, fault, not_applicable, warning
from genesys_firehose_tools.operations.doctor.inspection import Inspection

_KIND = "AWS::ElasticLoadBalancingV2"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBalancer:
    """A load balancer with its listeners and target groups.

    Attributes:
        name: Its name.
        state: Its state.
        differences: Where its settings or a listener's differ from the template's.
        idle: Target groups without a target.
    """

    name: str
    state: str
    differences: tuple[str, ...]
    idle: tuple[str, ...]


def look_at_load_balancers(inspection: Inspection) -> list[LoadBalancer]:
    """Ask for every load balancer of the template."""
    return [_look(inspection, each) for each in inspection.resources.of_type(f"{_KIND}::LoadBalancer")]


def _look(inspection: Inspection, balancer: Resource) -> LoadBalancer:
    client, resources = inspection.client("elbv2"), inspection.resources
    arn = balancer.physical_id
    [described] = client.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"]
    declared = _by_key(balancer.properties["LoadBalancerAttributes"])
    actual = _by_key(client.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"])
    differences = [*resources.differences(declared, actual)]
    listeners = {each["ListenerArn"]: each for each in client.describe_listeners(LoadBalancerArn=arn)["Listeners"]}
    for listener in resources.of_type(f"{_KIND}::Listener"):
        wanted = {name: listener.properties[name] for name in ("Port", "Protocol", "SslPolicy")}
        differences += resources.differences(wanted, listeners.get(listener.physical_id), "Listener")
    groups = resources.of_type(f"{_KIND}::TargetGroup")
    return LoadBalancer(
        name=described["LoadBalancerName"],
        state=described.get("State", {}).get("Code", "active"),
        differences=tuple(differences),
        idle=tuple(
            each.logical_id
            for each in groups
            if not client.describe_target_health(TargetGroupArn=each.physical_id)["TargetHealthDescriptions"]
        ),
    )


def _by_key(attributes: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {each["Key"]: each["Value"] for each in attributes}


def judge_load_balancers(balancers: list[LoadBalancer]) -> Iterator[Finding]:
    """A load balancer must be active, as in the template, and lead to the function."""
    if not balancers:
        yield not_applicable("the pipeline has no load balancer")
    for balancer in balancers:
        if balancer.state != "active":
            yield warning(
                f"The load balancer {balancer.name} is {balancer.state}.",
                means="Senders may get no answer.",
                fix="Wait, then run this again; if it stays, look at the free addresses of its subnets.",
            )
        if balancer.differences:
            yield fault(
                f"The load balancer {balancer.name} is not the template's: {'; '.join(balancer.differences)}.",
                means="Requests may be refused, or taken that could be read in two ways.",
                fix="Deploy the stack again; CloudFormation puts back what drift detection shows.",
            )
        if balancer.idle:
            yield fault(
                f"No function is behind {', '.join(balancer.idle)} of the load balancer {balancer.name}.",
                means="Senders get 503.",
                fix="aws elbv2 register-targets, or deploy the stack again.",
            )
