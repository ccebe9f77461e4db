"""The errors that a command shows, each as one sentence."""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
    SSOError,
    TokenRetrievalError,
)

from genesys_firehose_tools.errors import ToolError

SHOWN = (ToolError, ClientError, BotoCoreError, OSError)
"""The errors that are shown; any other is a fault of the program and keeps its traceback."""

# AWS General Reference, "Common errors", and the errors of the services' own APIs.
_REFUSED_CREDENTIALS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}


def sentence(error: BaseException) -> str:
    """Return what the user is told of an error, with the option that helps where there is one."""
    match error:
        case NoCredentialsError() | PartialCredentialsError():
            return "No AWS credentials were found: name an AWS profile with --profile."
        case ProfileNotFound():
            return f"There is no AWS profile {error.kwargs['profile']}: name another with --profile."
        case NoRegionError():
            return "No AWS region is configured: name one with --region."
        case InvalidRegionError():
            return f"{error.kwargs['region_name']} is no AWS region: name another with --region."
        case EndpointConnectionError() | ConnectTimeoutError() | ReadTimeoutError():
            return (
                f"AWS does not answer at {error.kwargs['endpoint_url']}: check the network, or name another region "
                "with --region."
            )
        case ProxyConnectionError():
            return f"The proxy {error.kwargs['proxy_url']} does not answer: check the network and HTTPS_PROXY."
        case SSLError():
            return f"TLS with {error.kwargs['endpoint_url']} failed: check the proxy and AWS_CA_BUNDLE."
        case TokenRetrievalError() | SSOError():
            return "The AWS login has expired: log in again, or name another AWS profile with --profile."
        case ClientError() if (code := error.response["Error"]["Code"]) in _REFUSED_CREDENTIALS:
            return f"AWS refused the credentials ({code}): log in again, or name another AWS profile with --profile."
    return str(error)
