"""Uploads the assets of stacks and creates them in an embedded AWS, as the CDK's command line would."""

import contextlib
import copy
import json
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from genesys_firehose_tools.local.adaptation import remove_unsupported
from genesys_firehose_tools.local.assembly import Asset, Stack
from genesys_firehose_tools.local.aws import ACCOUNT, REGION, EmbeddedAws
from genesys_firehose_tools.local.clients import embedded_client
from genesys_firehose_tools.local.errors import LocalError
from genesys_firehose_tools.local.imported import (
    GENESYS_CREDENTIALS,
    ImportedSecret,
    imported_secrets,
    let_genesys_know,
)
from genesys_firehose_tools.local.passed_over import apply_settings

_CAPABILITIES = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_POLL_SECONDS = 0.5
_DEPLOYED_WITHIN_SECONDS = 900
# Where the CDK's bootstrap notes its version, which every template asks for.
_BOOTSTRAP_PARAMETER = "/cdk-bootstrap/"
_BOOTSTRAP_VERSION = "30"
# Waiting is shorter, as in the local Firehose: a message that failed comes again after two seconds, not a minute.
_SOON = {
    '"RETRY_DELAY_SECONDS": "60"': '"RETRY_DELAY_SECONDS": "2"',
    '"VisibilityTimeout": 60': '"VisibilityTimeout": 2',
}
_ASSETS_BUCKET = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"


def synthesized_template(aws: EmbeddedAws, stack: str) -> dict[str, Any]:
    """Return the template of a deployed stack as it was before it was adapted."""
    template: dict[str, Any] = json.loads(_synthesized_file(aws, stack).read_text())
    return template


def _synthesized_file(aws: EmbeddedAws, stack: str) -> Path:
    return aws.directory / f"{stack}.synthesized.json"


class StackDeployer:
    """Uploads assets and creates stacks.

    Args:
        aws: The embedded AWS.
    """

    def __init__(self, aws: EmbeddedAws) -> None:
        self._aws = aws
        self._s3 = self._client("s3")
        self._cloudformation = self._client("cloudformation")
        self._replacements: dict[str, str] = dict(_SOON)
        self._uploaded: set[tuple[str, str]] = set()

    def deploy(self, stacks: Sequence[Stack]) -> None:
        """Deploy stacks one after the other.

        Raises:
            LocalError: Something that the embedded AWS does not support is referred to, or a stack was not created.
        """
        self._s3.create_bucket(Bucket=_ASSETS_BUCKET)
        self._create_secrets({secret for stack in stacks for secret in imported_secrets(stack.template)})
        for stack in stacks:
            # After the secrets, whose ARNs hold both.
            account, region = stack.environment
            self._replacements |= {account: ACCOUNT, region: REGION}
        for stack in stacks:
            for asset in stack.assets:
                self._upload(asset)
            self._create(stack)
            apply_settings(self._client, stack.name)

    def _create_secrets(self, imported: set[ImportedSecret]) -> None:
        secrets_manager = self._client("secretsmanager")
        created: dict[str, str] = {}
        for secret in sorted(imported, key=lambda secret: secret.arn):
            if secret.name not in created:
                value = GENESYS_CREDENTIALS if secret.is_of_genesys else secrets.token_hex(32)
                created[secret.name] = secrets_manager.create_secret(Name=secret.name, SecretString=value)["ARN"]
            # The end of a secret's ARN is random, so no app can know it before.
            self._replacements[secret.arn] = created[secret.name]

    def _upload(self, asset: Asset) -> None:
        if (asset.bucket, asset.key) in self._uploaded:
            return
        self._uploaded.add((asset.bucket, asset.key))
        bucket = asset.bucket.replace("${AWS::AccountId}", ACCOUNT).replace("${AWS::Region}", REGION)
        bucket = self._replaced(bucket)
        with contextlib.suppress(self._s3.exceptions.BucketAlreadyOwnedByYou):
            self._s3.create_bucket(Bucket=bucket)
        if asset.is_template:
            body = self._adapted(json.loads(asset.path.read_text())).encode()
        elif asset.path.is_dir():
            with TemporaryDirectory() as directory:
                body = Path(shutil.make_archive(f"{directory}/asset", "zip", asset.path)).read_bytes()
        else:
            body = asset.path.read_bytes()
        self._s3.put_object(Bucket=bucket, Key=self._replaced(asset.key), Body=body)

    def _create(self, stack: Stack) -> None:
        _synthesized_file(self._aws, stack.name).write_text(json.dumps(stack.template))
        template = self._adapted(stack.template)
        key = f"{stack.name}.template.json"
        # A template of more than 51,200 bytes can only come from a bucket (AWS CloudFormation User Guide, "Quotas").
        self._s3.put_object(Bucket=_ASSETS_BUCKET, Key=key, Body=template.encode())
        self._set_bootstrap_version(stack.template)
        try:
            self._cloudformation.create_stack(
                StackName=stack.name,
                TemplateURL=f"{self._aws.endpoint_url}/{_ASSETS_BUCKET}/{key}",
                Capabilities=_CAPABILITIES,
                Tags=[{"Key": name, "Value": value} for name, value in stack.tags.items()],
            )
            self._cloudformation.get_waiter("stack_create_complete").wait(
                StackName=stack.name,
                WaiterConfig={"Delay": _POLL_SECONDS, "MaxAttempts": round(_DEPLOYED_WITHIN_SECONDS / _POLL_SECONDS)},
            )
        except (ClientError, WaiterError) as error:
            raise LocalError(
                f"The stack {stack.name} was not created: {self._reason(stack, error)} (the embedded AWS's log is "
                f"{self._aws.log})"
            ) from None

    def _adapted(self, template: Mapping[str, Any]) -> str:
        adapted = copy.deepcopy(dict(template))
        remove_unsupported(adapted, self._aws.supported_types)
        let_genesys_know(adapted)
        return self._replaced(json.dumps(adapted))

    def _replaced(self, text: str) -> str:
        for placeholder, value in self._replacements.items():
            text = text.replace(placeholder, value)
        return text

    def _set_bootstrap_version(self, template: Mapping[str, Any]) -> None:
        for parameter in template.get("Parameters", {}).values():
            if str(parameter["Default"]).startswith(_BOOTSTRAP_PARAMETER):
                self._client("ssm").put_parameter(
                    Name=parameter["Default"], Value=_BOOTSTRAP_VERSION, Type="String", Overwrite=True
                )

    def _reason(self, stack: Stack, error: Exception) -> str:
        """Return the first event that tells a failure, or else the error."""
        with contextlib.suppress(ClientError):
            events = self._cloudformation.describe_stack_events(StackName=stack.name)["StackEvents"]
            for event in reversed(events):
                if event["ResourceStatus"].endswith("_FAILED") and event.get("ResourceStatusReason"):
                    return f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
        return str(error)

    def _client(self, service: str) -> Any:
        return embedded_client(service, self._aws.endpoint_url)
