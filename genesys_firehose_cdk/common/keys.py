"""KMS keys, and the conditions under which a role may use one."""

from typing import Any

from aws_cdk import ArnFormat, RemovalPolicy, Stack, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.region_info import RegionInfo
from constructs import Construct

from genesys_firehose_cdk.common.validation import check_removal_policy


def rotated_key(scope: Construct, id: str, *, description: str, removal_policy: RemovalPolicy) -> kms.Key:
    """A symmetric key with yearly rotation of its material."""
    return kms.Key(scope, id, description=description, enable_key_rotation=True, removal_policy=removal_policy)


def key_statement(
    sid: str,
    key: kms.IKey,
    *actions: str,
    via: str,
    encryption_context: dict[str, list[str]] | None = None,
) -> iam.PolicyStatement:
    """Allow `actions` on `key`, only when the service `via` asks, and only within `encryption_context`."""
    conditions: dict[str, Any] = {"StringEquals": {"kms:ViaService": _service_names(via, Stack.of(key).region)}}
    if encryption_context:
        conditions["StringLike"] = {
            f"kms:EncryptionContext:{name}": values for name, values in encryption_context.items()
        }
    return iam.PolicyStatement(sid=sid, actions=list(actions), resources=[key.key_arn], conditions=conditions)


def _service_names(service: str, region: str) -> str | list[str]:
    """Name a service as `kms:ViaService` does.

    Outside the partitions whose domain is amazonaws.com it is not documented whether the name has the partition's own
    domain, so both are allowed there.
    """
    own = None if Token.is_unresolved(region) else RegionInfo.get(region).domain_suffix
    names = [f"{service}.{region}.{domain}" for domain in dict.fromkeys(["amazonaws.com", own or "amazonaws.com"])]
    return names if len(names) > 1 else names[0]


def secret_arn(secret: secretsmanager.ISecret) -> str:
    """Return a secret's ARN as a policy names it: Secrets Manager appends six characters to the name."""
    return secret.secret_full_arn or f"{secret.secret_arn}-??????"


def secret_statements(
    name: str, secret: secretsmanager.ISecret, encryption_key: kms.IKey | None
) -> list[iam.PolicyStatement]:
    """Allow to read `secret`, and to decrypt it with its key; the statements are `Read<name>` and `Decrypt<name>`."""
    read = ["secretsmanager:GetSecretValue"]
    statements = [iam.PolicyStatement(sid=f"Read{name}", actions=read, resources=[secret_arn(secret)])]
    if encryption_key is not None:
        statements.append(key_statement(f"Decrypt{name}", encryption_key, "kms:Decrypt", via="secretsmanager"))
    return statements


class OperationsKey(Construct):
    """The key of log groups, queues and the alarm topic: everything beside the data lake and the secrets.

    CloudWatch Logs may use it for log groups of this account (Amazon CloudWatch Logs User Guide, "Encrypt
    log data in CloudWatch Logs using AWS Key Management Service", which names the service with its region;
    the global name is there for a region that knows that one alone. Its kms:Describe* is left out: a
    description has no encryption context, so the condition would never hold). CloudWatch alarms of this
    account and EventBridge may use it
    to publish to an encrypted topic (Amazon SNS Developer Guide, "Managing Amazon SNS encryption keys and
    costs", which says that EventBridge supports no condition on the account here) and to send to encrypted
    queues (Amazon SQS Developer Guide, "Amazon SQS Key management", whose statement has no condition either).
    Which rule may send is for the policies of topic and queues to say.

    Attributes:
        key: The KMS key, rotated yearly.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    ) -> None:
        """Create the key.

        Args:
            scope: The parent construct.
            id: The construct's id.
            removal_policy: What happens to the key when the stack goes. Default: RETAIN_ON_UPDATE_OR_DELETE.

        Raises:
            InvalidPropertyError: `removal_policy` is SNAPSHOT.
        """
        super().__init__(scope, id)
        check_removal_policy(removal_policy)
        stack = Stack.of(self)
        self.key = rotated_key(
            self,
            "Key",
            description="Genesys Firehose pipeline: log groups, queues and alarms",
            removal_policy=removal_policy,
        )
        log_groups = stack.format_arn(
            service="logs", resource="log-group", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="CloudWatchLogs",
                principals=[
                    iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com"),
                    iam.ServicePrincipal("logs.amazonaws.com"),
                ],
                actions=[
                    "kms:Encrypt",
                    "kms:Decrypt",
                    "kms:ReEncryptFrom",
                    "kms:ReEncryptTo",
                    "kms:GenerateDataKey",
                    "kms:GenerateDataKeyWithoutPlaintext",
                ],
                resources=["*"],
                conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log_groups}},
            )
        )
        publishing = ["kms:Decrypt", "kms:GenerateDataKey"]
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="CloudWatchAlarms",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=publishing,
                resources=["*"],
                conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
            )
        )
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="EventBridge",
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=publishing,
                # No condition on the account: with one, EventBridge cannot publish to an encrypted topic.
                resources=["*"],
            )
        )
