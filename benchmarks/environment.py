"""The environment variables and the code of the functions, ours and the peers'."""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LAMBDA_SOURCE = ROOT / "lambda_src"
MASKING_POLICY = ROOT / "benchmarks" / "peers" / "masking_policy.json"
RESULTS = ROOT / "build" / "bench"
FUNCTIONS = RESULTS / "functions"
"""Where the functions' code is as it is deployed."""

SIGNING_KEY = "a signing key as long as a generated one"
_SECRETS = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:"
METRICS_ENVIRONMENT = {"METRICS_NAMESPACE": "GenesysFirehose", "PIPELINE_NAME": "test"}
INGEST_ENVIRONMENT = {
    "STREAM_NAMES": "stream",
    "BUFFER_QUEUE_URL": "https://queue.example/buffer",
    "DEAD_LETTER_QUEUE_URL": "https://queue.example/dead-letters",
    "RETRY_DELAY_SECONDS": "60",
    "SIGNING_SECRET_ARN": f"{_SECRETS}signing",
    "PREVIOUS_KEY_VALIDITY_HOURS": "24",
    "BUCKET_NAME": "lake",
    "RAW_KEY_ARN": "arn:aws:kms:eu-central-1:123456789012:key/raw",
    "SIGNATURE_KIND": "hmac",
    "SIGNATURE_HEADER": "X-Genesys-Signature",
    "SIGNATURE_PREFIX": "",
    "SIGNATURE_ENCODING": "hex",
    "TIMESTAMP_HEADER": "",
    "TIMESTAMP_TOLERANCE_SECONDS": "300",
    "MAX_BODY_BYTES": "4194304",
    "MAX_EVENTS": "1000",
    "EVENT_ID_FIELD": "messageId",
    "OVERSIZE_FIELDS": "transcripts,text",
}
TRANSFORM_ENVIRONMENT = {
    "DEDUPLICATION_TABLE": "owners",
    "DEDUPLICATION_TTL_DAYS": "7",
    "TOKENIZATION_SECRET_ARN": f"{_SECRETS}tokenization",
    "BUCKET_NAME": "lake",
    "EVENT_DATE_WINDOW_PAST_DAYS": "30",
    "EVENT_DATE_WINDOW_FUTURE_DAYS": "1",
}
FUNCTION_ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_EC2_METADATA_DISABLED": "true",
    **METRICS_ENVIRONMENT,
    **INGEST_ENVIRONMENT,
    **TRANSFORM_ENVIRONMENT,
    "GENESYS_HOST": "mypurecloud.de",
    "CREDENTIALS_SECRET_ARN": f"{_SECRETS}credentials",
    "GIVE_UP_AFTER_SECONDS": "3000",
    "GENESYS_AWS_REGION": "eu-central-1",
    "STACK_ID": "arn:aws:cloudformation:eu-central-1:123456789012:stack/genesys/1",
    "LOGICAL_ID": "Resource",
    "PROPERTIES": "{}",
    "SERVICES": "open-messaging",
    "DIRECTIONS": "outbound",
    "SET_NAME": "genesys",
    "MAX_SHRINK_RATIO": "0.5",
    "KINDS": "queue",
    "PURPOSES": "customer,acd,agent",
    "MEDIA": "voice",
    "TABLES_BUCKET_NAME": "tables",
    "PAUSE_SECONDS": "0",
    "SIGNING_KEY_ARN": "arn:aws:kms:eu-central-1:123456789012:key/manifests",
    "CLOSED_AFTER_HOURS": "26",
    "WORKGROUP": "",
    "DATABASE": "",
    "EVENT_DATE_PAST_DAYS": "30",
    "EVENT_DATE_FUTURE_DAYS": "1",
    "EXPECTED_PREFIX": "expected_conversations/",
    "EVENT_SOURCE_NAME": "",
    "INTEGRATION_SUFFIX": "",
    "SUBSCRIPTION_PATH": "",
    "SUBSCRIPTION_URL": "",
    "QUEUE_URL": "https://queue.example/retention",
    "RETENTION_MODE": "GOVERNANCE",
    "RETENTION_DAYS": "30",
    "DELIVERY_LOG_GROUPS": "deliveries",
    "RAW_PREFIX": "raw/",
    "CLEAN_PREFIX": "clean/",
    "WAIT_SECONDS": "240",
    "KEY_KNOWN_AFTER_SECONDS": "310",
    "DRAIN_SECONDS": "120",
    "SENDER_FUNCTION": "subscription",
    "INGEST_FUNCTION": "ingest",
    "HOST": "events.example.com",
    "HEALTH_PATH": "/health",
    # The peers' own.
    "STREAM_NAME": "stream",
    "IDEMPOTENCY_TABLE": "idempotency",
    "MASKING_POLICY": str(MASKING_POLICY),
    "POWERTOOLS_SERVICE_NAME": "bench",
    "POWERTOOLS_METRICS_NAMESPACE": "GenesysFirehose",
    "POWERTOOLS_TRACE_DISABLED": "true",
}


def stage_functions() -> None:
    """Put the functions' code where it can be imported as it is deployed: with its data, without compiled files."""
    from genesys_firehose_cdk.events.event_shapes import EventShapes
    from genesys_firehose_cdk.events.masking_plan import compile_plan
    from genesys_firehose_cdk.events.masking_policy import MaskingPolicy

    shutil.rmtree(FUNCTIONS, ignore_errors=True)
    shutil.copytree(LAMBDA_SOURCE, FUNCTIONS, ignore=shutil.ignore_patterns("__pycache__"))
    for path, text in compile_plan(MaskingPolicy.default(), EventShapes.default()).items():
        (FUNCTIONS / path).parent.mkdir(exist_ok=True)
        (FUNCTIONS / path).write_text(text, encoding="utf-8")
