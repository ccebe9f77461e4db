"""How the sender of a deployed pipeline proves itself, as the ingest function's environment says."""

from typing import Any

from genesys_firehose_tools.library_files import function_module
from genesys_firehose_tools.local.sender import Encoding, Target
from genesys_firehose_tools.operations.clients import Clients
from genesys_firehose_tools.operations.deployed_pipeline import DeployedPipeline, PipelineError


def ingest_settings(clients: Clients, pipeline: DeployedPipeline) -> Any:
    """Read the settings of a pipeline's ingest function: an `IngestSettings`.

    Raises:
        PipelineError: The function has not the settings of this version.
    """
    functions = clients.client("lambda")
    configuration = functions.get_function_configuration(FunctionName=pipeline.output("IngestFunctionName"))
    variables = {"SIGNING_SECRET_ARN": "", **configuration.get("Environment", {}).get("Variables", {})}
    try:
        return function_module("ingest.settings").IngestSettings.from_environment(variables)
    except (KeyError, ValueError) as error:
        raise PipelineError(
            f"The ingest function of the stack {pipeline.stack} is of another version ({error}): deploy the stack "
            "again with this version of genesys-firehose-cdk, or name another with --stack."
        ) from None


HOST_HEADER = "WebhookHostHeader"
"""The output of a local pipeline that holds the Host header of its webhook, where the URL's own will not do."""


def target_of(scheme: Any, url: str, key: bytes, host_header: str | None = None) -> Target:
    """Return where events go and how their sender proves itself.

    Args:
        scheme: The ingest function's `SignatureScheme`.
        url: The ingest URL.
        key: The signing key.
        host_header: The Host header where the URL's own will not do.
    """
    return Target(
        url=url,
        key=key,
        host_header=host_header,
        kind=scheme.kind,
        header=scheme.header,
        prefix=scheme.prefix,
        encoding=Encoding(scheme.encoding),
        timestamp_header=scheme.timestamp_header,
    )
