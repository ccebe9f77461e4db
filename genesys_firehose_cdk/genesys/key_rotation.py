"""Rotates the signing key of a sender that the stack manages, as AWS Secrets Manager does it."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from genesys_firehose_cdk.common.context import PipelineContext
from genesys_firehose_cdk.common.hmac_key import KEY_KNOWN_AFTER, HmacKey
from genesys_firehose_cdk.common.keys import key_statement
from genesys_firehose_cdk.common.lambda_function import LeastPrivilegeFunction
from genesys_firehose_cdk.genesys.event_subscription import EventSubscription
from genesys_firehose_cdk.ingress.ingest_function import IngestFunction
from genesys_firehose_cdk.ingress.signature import SignatureProps

# A request that was signed with the key before may be repeated for 85 s (Genesys Cloud Developer Center, "Open
# messaging").
_DRAIN = Duration.seconds(120)
# The longest step waits until the next key is known, and then for the subscription's function.
_TIMEOUT = KEY_KNOWN_AFTER.plus(Duration.seconds(150))


class RotationFunction(LeastPrivilegeFunction):
    """The function that Secrets Manager calls."""

    _NO_DEAD_LETTER_QUEUE = (
        "Secrets Manager calls it, reports its failures, and calls it again; an alarm is on its errors. A queued "
        "message about a past step would need no action."
    )
    _NO_RESERVED_CONCURRENCY = (
        "Secrets Manager calls it for one step after the other. A reservation would take from the account's other "
        "functions."
    )


class KeyRotation(Construct):
    """A rotation schedule of the signing key, with its function.

    Secrets Manager calls the function for each of the four steps (AWS Secrets Manager User Guide, "Lambda rotation
    functions"). The next key is made, and once every environment of the ingest function knows it, about five minutes
    later, the subscription's function gives it to Genesys Cloud. A request signed with it is tried at the ingest
    function. Then it becomes the current key, and the one before ends after `previous_key_validity`. In between both
    are accepted, so no event is refused. A rotation takes about eight minutes.

    The first rotation comes with the schedule, not with the deployment.

    Attributes:
        function: The function that does the steps.
        schedule: The rotation schedule.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        context: PipelineContext,
        signing_key: HmacKey,
        signature: SignatureProps,
        interval: Duration,
        ingest: IngestFunction,
        subscription: EventSubscription,
    ) -> None:
        """Create the function and the schedule.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: The pipeline's log settings.
            signing_key: The key, with a secret of this app.
            signature: How the sender signs.
            interval: How often the key is rotated, 1 to 1,000 days.
            ingest: The function that checks signatures.
            subscription: What gives the sender a new key.
        """
        super().__init__(scope, id)
        secret = signing_key.secret
        self.function = RotationFunction(
            self,
            "Function",
            context=context,
            package="key_rotation",
            libraries=["ingest"],
            description="Rotates the key that the webhook's sender signs with",
            statements=_statements(signing_key, ingest.function, subscription.function),
            environment={
                "SIGNING_SECRET_ARN": secret.secret_arn,
                "KEY_KNOWN_AFTER_SECONDS": str(int(KEY_KNOWN_AFTER.to_seconds())),
                "DRAIN_SECONDS": str(int(_DRAIN.to_seconds())),
                "SENDER_FUNCTION": subscription.function.function_name,
                "INGEST_FUNCTION": ingest.function.function_name,
                **signature.environment,
            },
            timeout=_TIMEOUT,
            memory_size=256,
        ).function
        self.function.add_permission(
            "SecretsManager",
            principal=iam.ServicePrincipal("secretsmanager.amazonaws.com"),
            source_account=Stack.of(self).account,
            source_arn=secret.secret_arn,
        )
        self.schedule = secretsmanager.CfnRotationSchedule(
            self,
            "Schedule",
            secret_id=secret.secret_arn,
            rotation_lambda_arn=self.function.function_arn,
            rotation_rules=secretsmanager.CfnRotationSchedule.RotationRulesProperty(
                automatically_after_days=int(interval.to_days())
            ),
            rotate_immediately_on_update=False,
        )
        # Secrets Manager tries the function when the schedule is made, so what it calls must be complete.
        self.schedule.node.add_dependency(self.function.node.find_child("SecretsManager"), subscription)


def _statements(
    signing_key: HmacKey, ingest: lambda_.IFunction, sender: lambda_.IFunction
) -> list[iam.PolicyStatement]:
    encryption_key = signing_key.encryption_key
    return [
        *signing_key.read_statements,
        iam.PolicyStatement(
            sid="RotateHmacKey",
            actions=[
                "secretsmanager:DescribeSecret",
                "secretsmanager:PutSecretValue",
                "secretsmanager:UpdateSecretVersionStage",
            ],
            resources=[signing_key.secret.secret_arn],
        ),
        *(
            []
            if encryption_key is None
            else [key_statement("EncryptHmacKey", encryption_key, "kms:GenerateDataKey", via="secretsmanager")]
        ),
        iam.PolicyStatement(
            sid="TellAndTry",
            actions=["lambda:InvokeFunction"],
            resources=[sender.function_arn, ingest.function_arn],
        ),
    ]
