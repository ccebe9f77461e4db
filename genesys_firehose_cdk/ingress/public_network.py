"""A network for a load balancer and nothing else."""

from aws_cdk import Fn
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import AWS_SOLUTIONS, HIPAA, NIST, PCI, acknowledge
from genesys_firehose_cdk.ingress.load_balancer import ZONES

_NETWORK = "10.0.0.0/24"
_SUBNET_BITS = 7  # a load balancer wants 27 bits of prefix at most, and eight free addresses


class PublicNetwork(Construct):
    """A VPC with a public subnet in each of two zones: no NAT gateway, no private subnet, nothing that costs.

    Its zones are the first two of whatever region the stack goes to.

    Attributes:
        vpc: The VPC.
        way_out: The route to the internet, which must be there before a load balancer is.
    """

    def __init__(self, scope: Construct, id: str) -> None:
        """Create VPC, subnets and their way to the internet.

        Args:
            scope: The parent construct.
            id: The construct's id.
        """
        super().__init__(scope, id)
        vpc = ec2.CfnVPC(self, "Vpc", cidr_block=_NETWORK, enable_dns_hostnames=True, enable_dns_support=True)
        gateway = ec2.CfnInternetGateway(self, "Gateway")
        attachment = ec2.CfnVPCGatewayAttachment(self, "Attachment", vpc_id=vpc.ref, internet_gateway_id=gateway.ref)
        routes = ec2.CfnRouteTable(self, "Routes", vpc_id=vpc.ref)
        route = ec2.CfnRoute(
            self,
            "Route",
            route_table_id=routes.ref,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.ref,
        )
        route.node.add_dependency(attachment)
        self.way_out = route
        # The L2 would look the zones of an account up at synthesis.
        zones = [Fn.select(number, Fn.get_azs()) for number in range(ZONES)]
        subnets = [
            ec2.CfnSubnet(
                self,
                f"Subnet{number + 1}",
                vpc_id=vpc.ref,
                availability_zone=zone,
                cidr_block=Fn.select(number, Fn.cidr(_NETWORK, ZONES, str(_SUBNET_BITS))),
            )
            for number, zone in enumerate(zones)
        ]
        for number, subnet in enumerate(subnets, start=1):
            association = ec2.CfnSubnetRouteTableAssociation(
                self, f"Association{number}", subnet_id=subnet.ref, route_table_id=routes.ref
            )
            association.node.add_dependency(route)
        self.vpc = ec2.Vpc.from_vpc_attributes(
            self,
            "Imported",
            vpc_id=vpc.ref,
            availability_zones=zones,
            public_subnet_ids=[subnet.ref for subnet in subnets],
            public_subnet_route_table_ids=[routes.ref] * ZONES,
        )
        reason = (
            "Only the load balancer's interfaces are in it, which take HTTPS alone. Its access log has what a flow log "
            "would, and more."
        )
        acknowledge(vpc, "VPC7", AWS_SOLUTIONS, reason=reason)
        acknowledge(vpc, "VPCFlowLogsEnabled", HIPAA, NIST, PCI, reason=reason)
        reason = "Nothing is in the VPC's default security group: the load balancer has a group of its own."
        acknowledge(vpc, "VPCDefaultSecurityGroupClosed", HIPAA, NIST, PCI, reason=reason)
        reason = "It is the way of a public load balancer; nothing else is in its subnets."
        acknowledge(route, "VPCNoUnrestrictedRouteToIGW", HIPAA, NIST, PCI, reason=reason)
