"""The AWS calls of our functions' first invocations, with the AWS SDK as it comes and nothing else: their floor."""

from contextlib import suppress
from typing import Any

import botocore.session


def ingest(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Read both versions of a secret and put a record."""
    session = botocore.session.get_session()
    secrets_manager = session.create_client("secretsmanager")
    secrets_manager.get_secret_value(SecretId="key", VersionStage="AWSCURRENT")
    for label in ("AWSPREVIOUS", "AWSPENDING"):
        with suppress(secrets_manager.exceptions.ResourceNotFoundException):  # never rotated
            secrets_manager.get_secret_value(SecretId="key", VersionStage=label)
    session.create_client("firehose").put_record_batch(DeliveryStreamName="stream", Records=[{"Data": b"{}"}])
    return {"statusCode": 200}


def transform(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Read a secret and claim a key."""
    session = botocore.session.get_session()
    session.create_client("secretsmanager").get_secret_value(SecretId="key")
    statement = {"Statement": "INSERT INTO owners VALUE {'dedup_key': ?}", "Parameters": [{"S": "key"}]}
    session.create_client("dynamodb").batch_execute_statement(Statements=[statement])
    return {"records": []}
