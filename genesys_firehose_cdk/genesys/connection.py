"""How functions reach a Genesys Cloud organization."""

from dataclasses import dataclass

from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager

from genesys_firehose_cdk.common.keys import secret_statements
from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.genesys.region import GenesysRegion


@dataclass(frozen=True, kw_only=True)
class GenesysConnectionProps(Props, at="genesys"):
    """A Genesys Cloud region, and an OAuth client of an organization in it.

    Attributes:
        region: The region of the organization.
        credentials: The secret of an OAuth client with the grant type client credentials; its text is the
            JSON object `{"client_id": "...", "client_secret": "..."}`. The functions read it when they run; neither
            the template nor a log nor an error ever holds it. Give the secret with its `encryption_key` if it
            has one.
    """

    region: GenesysRegion
    credentials: secretsmanager.ISecret

    @property
    def read_statements(self) -> list[iam.PolicyStatement]:
        """What a role needs to read the credentials, and nothing else."""
        return secret_statements("GenesysCredentials", self.credentials, self.credentials.encryption_key)
