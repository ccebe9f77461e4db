"""The ingest function's entry: the requests of the front door and the buffer queue's batches."""

import gc
from typing import Any

# A start leaves hardly any garbage; looking for it all the while would be a twelfth of it.
gc.disable()

from ingest import deadline
from ingest.function import IngestHandler
from ingest.settings import IngestSettings
from shared import aws

_READ_SECONDS = {
    "secretsmanager": deadline.SECRET_READ_SECONDS,
    "firehose": deadline.FIREHOSE_READ_SECONDS,
    "sqs": deadline.QUEUE_READ_SECONDS,
    "s3": deadline.S3_READ_SECONDS,
}


def _client(service: str) -> Any:
    return aws.client(service, connect_seconds=deadline.CONNECT_SECONDS, read_seconds=_READ_SECONDS[service])


_function = IngestHandler(IngestSettings.from_environment(), _client)
gc.freeze()
gc.enable()


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer a request or consume a batch."""
    return _function.handle(event)
