"""Both functions read their settings once, and a missing one stops them before their first event."""

from datetime import timedelta

import pytest

from ingest.settings import IngestSettings, SignatureScheme
from tests.wired_functions import INGEST_ENVIRONMENT, TRANSFORM_ENVIRONMENT
from transform.partitioning import DateWindow
from transform.settings import TransformerSettings, TransformSettings


def test_the_ingest_function_reads_its_settings() -> None:
    environment = {
        **INGEST_ENVIRONMENT,
        "STREAM_NAMES": "stream,second",
        "SIGNATURE_HEADER": "X-Hub-Signature-256",
        "SIGNATURE_PREFIX": "sha256=",
        "SIGNATURE_ENCODING": "base64",
        "TIMESTAMP_HEADER": "X-Time",
        "TIMESTAMP_TOLERANCE_SECONDS": "60",
        "EVENT_ID_FIELD": "metadata.id",
    }
    assert IngestSettings.from_environment(environment) == IngestSettings(
        stream_names=("stream", "second"),
        queue_url="https://queue.example/buffer",
        dead_letter_queue_url="https://queue.example/dead-letters",
        retry_delay=timedelta(minutes=1),
        signing_secret_arn="arn:aws:secretsmanager:eu-central-1:123456789012:secret:signing",
        previous_key_validity=timedelta(days=1),
        bucket_name="lake",
        raw_key_arn="arn:aws:kms:eu-central-1:123456789012:key/raw",
        signature=SignatureScheme(
            kind="hmac",
            header="X-Hub-Signature-256",
            prefix="sha256=",
            encoding="base64",
            timestamp_header="X-Time",
            timestamp_tolerance=timedelta(minutes=1),
        ),
        max_body_bytes=4 * 1024 * 1024,
        max_events=1000,
        event_id_path=("metadata", "id"),
        oversize_fields=frozenset({"transcripts", "text"}),
    )


def test_the_transform_function_reads_its_settings() -> None:
    assert TransformSettings.from_environment(TRANSFORM_ENVIRONMENT) == TransformSettings(
        table_name="owners",
        owner_ttl=timedelta(days=7),
        transformer=TransformerSettings(
            tokenization_secret_arn="arn:aws:secretsmanager:eu-central-1:123456789012:secret:tokenization",
            bucket_name="lake",
            date_window=DateWindow(past=timedelta(days=30), future=timedelta(days=1)),
        ),
    )


@pytest.mark.parametrize("name", INGEST_ENVIRONMENT)
def test_the_ingest_function_does_not_start_without_a_setting(name: str) -> None:
    environment = {key: value for key, value in INGEST_ENVIRONMENT.items() if key != name}
    with pytest.raises(KeyError, match=name):
        IngestSettings.from_environment(environment)


@pytest.mark.parametrize("name", TRANSFORM_ENVIRONMENT)
def test_the_transform_function_does_not_start_without_a_setting(name: str) -> None:
    environment = {key: value for key, value in TRANSFORM_ENVIRONMENT.items() if key != name}
    with pytest.raises(KeyError, match=name):
        TransformSettings.from_environment(environment)
