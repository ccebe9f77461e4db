"""What a user says of a load balancer as the webhook's front door."""

from dataclasses import dataclass

from aws_cdk import aws_ec2 as ec2

from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.validation import InvalidPropertyError, check_range

ZONES = 2
# Amazon VPC User Guide, "Amazon VPC quotas": inbound rules of a security group, if the account has no higher quota. A
# prefix list counts as many as it may have entries.
MOST_RULES = 60


@dataclass(frozen=True, kw_only=True)
class LoadBalancerProps(Props, at="webhook.front_door"):
    """An Application Load Balancer in place of the REST API, for many events: cheaper from about 220,000 a day.

    It answers HTTPS alone, at `webhook.domain`, which is needed with its certificate.

    Attributes:
        vpc: The VPC whose public subnets it stands in, one in each of two zones at least (Elastic Load Balancing User
            Guide for Application Load Balancers, "Availability Zone subnets"). Default: a new one that has two public
            subnets and nothing else, no NAT gateway among it.
        prefix_list: The networks that may call; with as many entries at most as a security group has inbound rules, 60
            (Amazon VPC User Guide, "Amazon VPC quotas"). Not with `webhook.allowed_cidrs`. Default: all.

    Raises:
        InvalidPropertyError: The VPC has no public subnets in two zones, or the prefix list is too large.
    """

    vpc: ec2.IVpc | None = None
    prefix_list: ec2.IPrefixList | None = None

    def validate(self) -> None:
        """Check zones and size."""
        if self.vpc is not None and len(public_subnets(self.vpc)) < ZONES:
            zones = len(public_subnets(self.vpc))
            raise InvalidPropertyError(
                self.name_of("vpc"),
                f"has public subnets in {zones} zone{'' if zones == 1 else 's'}",
                "two zones or more are allowed, Elastic Load Balancing's limit",
            )
        list_of_app = None if self.prefix_list is None else self.prefix_list.node.default_child
        if isinstance(list_of_app, ec2.CfnPrefixList) and list_of_app.max_entries is not None:
            name = self.name_of("prefix_list")
            reason = "the inbound rules of a security group"
            check_range(name, list_of_app.max_entries, 1, MOST_RULES, "entries at most", reason)


def public_subnets(vpc: ec2.IVpc) -> list[ec2.ISubnet]:
    """Return a public subnet of each zone of a VPC."""
    by_zone: dict[str, ec2.ISubnet] = {}
    for subnet in vpc.public_subnets:
        by_zone.setdefault(subnet.availability_zone, subnet)
    return list(by_zone.values())
