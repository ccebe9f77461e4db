"""The regions of Genesys Cloud, and which AWS region each of them is in."""

from enum import Enum

from aws_cdk import Annotations, Stack, Token
from constructs import Construct

from genesys_firehose_cdk.common.validation import InvalidPropertyError


class GenesysRegion(Enum):
    """A region of Genesys Cloud, named like the AWS region that it is in.

    The hosts are those of Genesys Cloud's own Python SDK (PureCloudPlatformClientV2, `PureCloudRegionHosts`).
    """

    US_EAST_1 = ("mypurecloud.com", "us-east-1")
    US_EAST_2_GOVERNMENT = ("use2.us-gov-pure.cloud", "us-east-2")
    """For organizations of the United States' government (FedRAMP)."""
    US_WEST_2 = ("usw2.pure.cloud", "us-west-2")
    CA_CENTRAL_1 = ("cac1.pure.cloud", "ca-central-1")
    MX_CENTRAL_1 = ("mxc1.pure.cloud", "mx-central-1")
    SA_EAST_1 = ("sae1.pure.cloud", "sa-east-1")
    EU_WEST_1 = ("mypurecloud.ie", "eu-west-1")
    EU_WEST_2 = ("euw2.pure.cloud", "eu-west-2")
    EU_CENTRAL_1 = ("mypurecloud.de", "eu-central-1")
    EU_CENTRAL_2 = ("euc2.pure.cloud", "eu-central-2")
    EUSC_DE_EAST_1 = ("edee1.eusc-pure.cloud", "eusc-de-east-1")
    """In the AWS European Sovereign Cloud."""
    ME_CENTRAL_1 = ("mec1.pure.cloud", "me-central-1")
    AP_SOUTH_1 = ("aps1.pure.cloud", "ap-south-1")
    AP_SOUTHEAST_1 = ("apse1.pure.cloud", "ap-southeast-1")
    AP_SOUTHEAST_2 = ("mypurecloud.com.au", "ap-southeast-2")
    AP_NORTHEAST_1 = ("mypurecloud.jp", "ap-northeast-1")
    AP_NORTHEAST_2 = ("apne2.pure.cloud", "ap-northeast-2")
    AP_NORTHEAST_3 = ("apne3.pure.cloud", "ap-northeast-3")

    def __init__(self, host: str, aws_region: str) -> None:
        self.host = host
        self.aws_region = aws_region

    @property
    def required_aws_regions(self) -> str:
        """What the AWS region must begin with, because data may not leave; empty for everywhere."""
        match self:
            case GenesysRegion.US_EAST_2_GOVERNMENT:
                return "us-"
            case GenesysRegion.EUSC_DE_EAST_1:
                return "eusc-"
            case _:
                return ""

    def check_pairing(self, scope: Construct) -> None:
        """Warn when the stack of `scope` is in another AWS region, and refuse one where the data may not go.

        Raises:
            InvalidPropertyError: The region is a government's or a sovereign one, and the stack's is outside.
        """
        stack_region = Stack.of(scope).region
        if Token.is_unresolved(stack_region) or stack_region == self.aws_region:
            return
        if not stack_region.startswith(self.required_aws_regions):
            raise InvalidPropertyError(
                "region",
                f"is {self.name} with a stack in {stack_region}",
                f"AWS regions that begin with {self.required_aws_regions} are allowed, where its data may be",
            )
        Annotations.of(scope).add_warning_v2(
            "genesys-firehose-cdk:region",
            f"The Genesys Cloud region {self.name} is in {self.aws_region} and the stack in {stack_region}: every "
            "event travels between the two, which takes time and may matter to where data is allowed to be.",
        )
