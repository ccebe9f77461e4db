"""The contestants of one process: our functions and their peers, on AWS clients that answer at once."""

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.environment import FUNCTION_ENVIRONMENT, FUNCTIONS
from benchmarks.instant_aws import InstantAws
from benchmarks.lambda_context import Context

Handler = Callable[[dict[str, Any]], Any]
_CONTEXT = Context()


def prepare_process() -> None:
    """Make this process look like a function's environment; before anything of a function is imported."""
    os.environ.update(FUNCTION_ENVIRONMENT)
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(FUNCTIONS))


def our_ingest(aws: InstantAws) -> Handler:
    """Return the ingest function."""
    from ingest.function import IngestHandler
    from ingest.settings import IngestSettings

    return IngestHandler(IngestSettings.from_environment(), aws.client).handle


def our_transform(aws: InstantAws) -> Handler:
    """Return the transform function."""
    from transform.function import TransformHandler
    from transform.plan import staged_plan
    from transform.settings import TransformSettings

    return TransformHandler(TransformSettings.from_environment(), staged_plan(), aws.client).handle


def plain_ingest(aws: InstantAws) -> Handler:
    """Return the peer in the style of AWS's samples."""
    module = importlib.import_module("benchmarks.peers.plain_ingest")
    module.firehose = module.secrets_manager = aws  # type: ignore[attr-defined]
    return _with_context(module)


def powertools_ingest(aws: InstantAws) -> Handler:
    """Return the peer on Powertools for AWS Lambda."""
    module = importlib.import_module("benchmarks.peers.powertools_ingest")
    module.firehose = module.secrets.client = module.persistence.client = aws  # type: ignore[attr-defined]
    return _with_context(module)


def powertools_transform(aws: InstantAws) -> Handler:
    """Return the transforming peer on Powertools for AWS Lambda."""
    module = importlib.import_module("benchmarks.peers.powertools_transform")
    module.secrets.client = aws
    return _with_context(module)


def _with_context(module: Any) -> Handler:
    handler = module.lambda_handler
    return lambda event: handler(event, _CONTEXT)
