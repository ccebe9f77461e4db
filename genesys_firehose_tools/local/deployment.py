"""Deploys the app of this checkout with the real CDK command line, and says where everything is."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from genesys_firehose_tools.local.adaptation import adapt
from genesys_firehose_tools.local.aws import ACCOUNT, REGION, SECRET_ACCESS_KEY, EmbeddedAws
from genesys_firehose_tools.local.errors import LocalError
from genesys_firehose_tools.local.passed_over import apply_settings
from genesys_firehose_tools.operations.deployed_pipeline import DeployedPipeline, find_pipeline

ENVIRONMENT = "local"
"""The app's environment that is deployed."""

_STACK = f"GenesysFirehose-{ENVIRONMENT}"
_VERIFICATION_STACK = f"{_STACK}-Verification"
# The OAuth client that a local Genesys Cloud has unless it is told another.
_GENESYS_CREDENTIALS = {"client_id": "client", "client_secret": "secret"}
# Waiting is shorter, as in the local Firehose: a message that failed comes again after two seconds, not a minute.
_SOON = {
    '"RETRY_DELAY_SECONDS": "60"': '"RETRY_DELAY_SECONDS": "2"',
    '"VisibilityTimeout": 60': '"VisibilityTimeout": 2',
}
_EXECUTE_API = re.compile(r"https://(?P<api>[^.]+)\.execute-api\.[^/]+/(?P<stage>[^/]+)(?P<path>/.*)")


def checkout() -> Path:
    """Return the directory of the app: the checkout that this package is installed from.

    Raises:
        LocalError: The package is installed without its app.
    """
    root = Path(__file__).parents[2]
    if not (root / "cdk.json").is_file():
        raise LocalError("The local commands deploy the app of a checkout; this package is installed without one.")
    return root


def environment_settings() -> Mapping[str, Any]:
    """Return the settings of the app's environment that is deployed, as they stand in cdk.json."""
    context = json.loads((checkout() / "cdk.json").read_text())["context"]
    settings: Mapping[str, Any] = context["environments"][ENVIRONMENT]
    return settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Where the deployed pipeline is.

    Attributes:
        endpoint_url: The endpoint of every AWS service but Firehose.
        firehose_url: The endpoint of Firehose, and of the local Firehose's controls.
        genesys_url: The endpoint of Genesys Cloud, and of the local Genesys Cloud's controls.
        region: The region of the stack.
        account: The account of the stack; also the access key id, whose secret half is ``test``.
        stack: The stack's name.
        ingest_url: Where events are posted.
        ingest_host_header: The Host header that goes with it, or None when the URL's own will do.
        health_url: The health check.
        bucket: The data lake's bucket.
        stream: The name of the delivery stream, the first of several.
        secret: The name or ARN of the secret that holds the signing key.
        queue: The URL of the buffer queue.
        dlq: The URL of its dead-letter queue.
        table: The name of the de-duplication table.
        verification: What the deployment found when it tried the delivery.
    """

    endpoint_url: str
    firehose_url: str
    genesys_url: str
    region: str
    account: str
    stack: str
    ingest_url: str
    ingest_host_header: str | None
    health_url: str
    bucket: str
    stream: str
    secret: str
    queue: str
    dlq: str
    table: str
    verification: str

    def client(self, service_name: str) -> Any:
        """Make a boto3 client of the deployment's account, as a boto3 session does."""
        return _client(service_name, self.firehose_url if service_name == "firehose" else self.endpoint_url)

    def embedded_firehose(self) -> Any:
        """Make a client of the embedded AWS's own Firehose, which keeps the streams' settings."""
        return _client("firehose", self.endpoint_url)

    def pipeline(self, name: str | None = None) -> DeployedPipeline:
        """Find the pipeline as operations see it.

        Args:
            name: Its construct path, or the end of it. Default: the stack's only pipeline.

        Raises:
            PipelineError: The pipeline can't be told.
        """
        found = find_pipeline(self.client("cloudformation"), self.stack, name)
        # The outputs are those of API Gateway; the embedded AWS serves them elsewhere.
        return replace(found, outputs={**found.outputs, "IngestUrl": self.ingest_url, "HealthUrl": self.health_url})

    def signing_key(self) -> bytes:
        """Read the key that the sender signs with."""
        secret: str = self.client("secretsmanager").get_secret_value(SecretId=self.secret)["SecretString"]
        return secret.encode()

    def to_dict(self) -> dict[str, str | None]:
        """Return what the command line prints."""
        return asdict(self)


def deploy(aws: EmbeddedAws) -> Deployment:
    """Deploy this checkout's app into an embedded AWS: `cdk bootstrap`, `cdk synth -c env=local`, `cdk deploy --all`.

    What the embedded AWS's CloudFormation passes over, such as Object Lock, is set between the pipeline's stack and the
    one that tries the delivery.

    The credentials of the local Genesys Cloud are in a secret there before, and the deployment creates its
    integration.

    Raises:
        LocalError: A tool is missing, or the CDK command line failed; its output is in the embedded AWS's directory.
    """
    root = checkout()
    credentials = _client("secretsmanager", aws.endpoint_url).create_secret(
        Name="genesys", SecretString=json.dumps(_GENESYS_CREDENTIALS)
    )
    cdk = _CdkCommandLine(aws, root)
    assembly = aws.directory / "cdk.out"
    with ThreadPoolExecutor() as executor:
        # Away from cdk.json, or the bootstrap would synthesize the app to find the environment it is given anyway.
        bootstrap = executor.submit(cdk.run, "bootstrap", f"aws://{ACCOUNT}/{REGION}", cwd=aws.directory)
        synthesis = executor.submit(
            cdk.run, "synth", "--quiet", "--context", f"env={ENVIRONMENT}", "--output", str(assembly), cwd=root
        )
        synthesis.result()
        bootstrap.result()
    # The end of a secret's ARN is random, so no setting can know it before.
    adapt(assembly, {environment_settings()["genesys_credentials_arn"]: credentials["ARN"], **_SOON})
    cloudformation = _client("cloudformation", aws.endpoint_url)
    options = ("--app", str(assembly), "--method", "direct", "--require-approval", "never")
    cdk.run("deploy", _STACK, *options, cwd=aws.directory)
    # Before the verification looks at retentions.
    apply_settings(lambda service: _client(service, aws.endpoint_url), _STACK)
    cdk.run("deploy", "--all", *options, cwd=aws.directory)
    output = find_pipeline(cloudformation, _STACK).output
    [table] = [
        resource["PhysicalResourceId"]
        for resource in cloudformation.describe_stack_resources(StackName=_STACK)["StackResources"]
        if resource["ResourceType"] == "AWS::DynamoDB::Table"
    ]
    return Deployment(
        endpoint_url=aws.endpoint_url,
        firehose_url=aws.firehose_url,
        genesys_url=aws.genesys_url,
        region=REGION,
        account=ACCOUNT,
        stack=_STACK,
        ingest_url=_on(aws, output("IngestUrl")),
        # ministack serves an API under a path of its own, so no Host header is needed.
        ingest_host_header=None,
        health_url=_on(aws, output("HealthUrl")),
        bucket=output("BucketName"),
        stream=output("StreamNames").split(",")[0],
        secret=output("SigningSecretArn"),
        queue=output("BufferQueueUrl"),
        dlq=output("DeadLetterQueueUrl"),
        table=table,
        verification=_verification(cloudformation),
    )


def _verification(cloudformation: Any) -> str:
    """Return in words what the verification's stack has found."""
    [stack] = cloudformation.describe_stacks(StackName=_VERIFICATION_STACK)["Stacks"]
    found = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    layers = [f"{name.lower()}/ {found[f'{name}Retention']}, {found[f'{name}Encryption']}" for name in ("Raw", "Clean")]
    return f"delivered in {found['Seconds']} s: {'; '.join(layers)}"


def _on(aws: EmbeddedAws, url: str) -> str:
    """Return where the embedded AWS serves a URL of API Gateway."""
    match = _EXECUTE_API.fullmatch(url)
    if match is None:
        raise LocalError(f"The stack's URL {url} is none of API Gateway's own.")
    return f"{aws.endpoint_url}/_aws/execute-api/{match['api']}/{match['stage']}{match['path']}"


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


class _CdkCommandLine:
    def __init__(self, aws: EmbeddedAws, root: Path) -> None:
        binaries = os.path.dirname(sys.executable)
        path = os.pathsep.join([binaries, os.environ.get("PATH", os.defpath)])
        node = shutil.which("node", path=path)
        self._cdk = root / "node_modules" / "aws-cdk" / "bin" / "cdk"
        if node is None or not self._cdk.is_file():
            raise LocalError("The CDK command line is not installed in this checkout; run `make setup` first.")
        self._node = node
        self._logs = aws.directory
        # An environment of its own: no profile, proxy or credential of the caller has a say in where this goes.
        self._environment = {
            "PATH": path,
            "HOME": os.environ.get("HOME", str(aws.directory)),
            "LANG": "C.UTF-8",
            "AWS_ENDPOINT_URL": aws.endpoint_url,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "AWS_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_HOME": str(aws.directory / "cdk-home"),
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "CDK_DISABLE_VERSION_CHECK": "true",
        }

    def run(self, *arguments: str, cwd: Path) -> None:
        path = self._logs / f"cdk-{arguments[0]}.log"
        with path.open("wb") as log:
            completed = subprocess.run(  # noqa: S603 - node and the CDK of this checkout
                [self._node, str(self._cdk), *arguments, "--no-notices", "--no-color", "--ci"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=self._environment,
                check=False,
            )
        if completed.returncode:
            complaint = _complaint(path.read_text(errors="replace"))
            raise LocalError(f"`cdk {arguments[0]}` failed: {complaint} (all of its output is in {path})")


_COMPLAINTS = (r"(CREATE|UPDATE)_FAILED", r"^error", r"error", r"")


def _complaint(output: str) -> str:
    """Return the line of the CDK's output that says what went wrong."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for pattern in _COMPLAINTS:
        for line in lines:
            if re.search(pattern, line, re.IGNORECASE):
                return line
    return "it said nothing."
