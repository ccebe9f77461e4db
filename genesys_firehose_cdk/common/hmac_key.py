"""A generated key for HMACs in Secrets Manager."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import AWS_SOLUTIONS, HIPAA, NIST, acknowledge
from genesys_firehose_cdk.common.keys import rotated_key, secret_statements
from genesys_firehose_cdk.common.validation import check_removal_policy

KEY_LENGTH = 64
KEY_KNOWN_AFTER = Duration.seconds(310)
"""How old a version is until every environment of the ingest function knows it: it caches the secret for 300 s."""


class HmacKey(Construct):
    """A secret of 64 random letters and digits (381 bits), encrypted with its own KMS key.

    Two of them make a pipeline: the signing key, which the sender shares, and the tokenization key,
    which never leaves the account. While the signing key is rotated the ingest function accepts the versions
    AWSPENDING, AWSCURRENT and AWSPREVIOUS, so the sender may follow later. docs/keys.md says how a
    key that leaked ends at once.

    Attributes:
        secret: The secret.
        encryption_key: The KMS key of the secret; None for an existing secret under the account's
            default key of Secrets Manager.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        description: str,
        existing_secret: secretsmanager.ISecret | None = None,
        is_rotated: bool = False,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    ) -> None:
        """Create the key, or wrap an existing secret.

        Args:
            scope: The parent construct.
            id: The construct's id.
            description: What the key is for; shown in Secrets Manager.
            existing_secret: A secret whose plain text is the HMAC key. Default: a generated one.
            is_rotated: Whether a KeyRotation rotates it on a schedule. Default: False.
            removal_policy: What happens to a generated secret and its KMS key when the stack goes.
                Default: RETAIN_ON_UPDATE_OR_DELETE.
        """
        super().__init__(scope, id)
        check_removal_policy(removal_policy)
        if existing_secret is not None:
            self.secret = existing_secret
            self.encryption_key = existing_secret.encryption_key
            return
        self.encryption_key = rotated_key(
            self, "Key", description=f"Encrypts: {description}", removal_policy=removal_policy
        )
        self.secret = secretsmanager.Secret(
            self,
            "Secret",
            description=description,
            encryption_key=self.encryption_key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=KEY_LENGTH, exclude_punctuation=True
            ),
            removal_policy=removal_policy,
        )
        if is_rotated:
            return
        rotation = (
            "Nobody can rotate this key alone on a schedule: a new signing key has to reach the sender, and a "
            "new tokenization key gives every person new tokens. It is rotated by hand, after the runbook."
        )
        acknowledge(self.secret, "SMG4", AWS_SOLUTIONS, reason=rotation)
        acknowledge(self.secret, "SecretsManagerRotationEnabled", HIPAA, NIST, reason=rotation)

    @property
    def read_statements(self) -> list[iam.PolicyStatement]:
        """What a role needs to read the key, and nothing else."""
        return secret_statements("HmacKey", self.secret, self.encryption_key)

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` read the key: for the sender's side, when it lives in the same account."""
        return self.secret.grant_read(grantee)
