"""What Firehose's error codes say about a pipeline, and which property of it to change.

Documented are the codes of Amazon Data Firehose Developer Guide, "Monitor Amazon Data Firehose Using CloudWatch Logs".
``S3.InvalidRequest`` is not among them: it follows from S3's own code for an upload without the checksum that Object
Lock demands, and nobody has seen it from Firehose.
"""

import json
import re
from collections.abc import Iterable

# A code, never the message beside it: nobody knows what stands in that.
_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,80}")

_ROLE = (
    "Firehose could not take on the delivery role: give it its trust policy back, or set "
    "delivery.restrict_trust_to_account to False"
)
_KEY = (
    "a KMS key of the bucket can't be used: enable it and allow the delivery role to use it, with a bucket of your own "
    "the encryption_key of lake.existing_bucket"
)
_FUNCTION = "the transform function failed: its log names the place"
_ANSWER = "the transform function's answer was refused: deploy its code again, unchanged"
_ADVICE = {
    "S3.AccessDenied": (
        "S3 denied the delivery role access: give role, bucket policy and keys their statements back, with a bucket of "
        "your own those of lake.existing_bucket; or set delivery.restrict_trust_to_account to False"
    ),
    "S3.InvalidRequest": (
        "S3 refused the upload, as it does without the checksum that a default retention demands: set "
        "lake.bucket.retention_applied to on_arrival"
    ),
    "S3.NoSuchBucket": "the bucket does not exist: name another as lake.existing_bucket, or create it again",
    "S3.MethodNotAllowed": "the bucket's policy does not allow uploads: correct that of lake.existing_bucket",
    "Lambda.AssumeRoleAccessDenied": _ROLE,
    "Lambda.InvokeAccessDenied": "the delivery role may not invoke the transform function: give it its policy back",
    "Lambda.InvokeLimitExceeded": (
        "the account's concurrent executions are used up: ask AWS Lambda for a higher quota, or lower "
        "ingest.queue_max_concurrency"
    ),
    "Lambda.ResourceNotFound": "the transform function does not exist: deploy the pipeline's stack again",
    "Lambda.FunctionError": _FUNCTION,
    "Lambda.FunctionTimedOut": "the transform function took too long: raise transform.memory_size",
    "Lambda.ProcessingFailedStatus": _FUNCTION,
    "Lambda.JsonProcessingException": _ANSWER,
    "Lambda.DuplicatedRecordId": _ANSWER,
    "Lambda.MissingRecordId": _ANSWER,
}


def error_code(message: str) -> str | None:
    """Return the error code of one entry of Firehose's log, or None if it has none."""
    try:
        entry = json.loads(message)
    except ValueError:
        return None
    code = entry.get("errorCode") if isinstance(entry, dict) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else None


def cause_of(codes: Iterable[str]) -> str:
    """Say in part of a sentence what codes, the oldest first, mean and what to change."""
    named = list(dict.fromkeys(codes))
    known = next((code for code in named if _advice(code)), None)
    if known is None:
        return f"Firehose logged {', '.join(named)}, a code that names no property"
    others = f" (and {', '.join(code for code in named if code != known)})" if len(named) > 1 else ""
    return f"Firehose logged {known}{others}: {_advice(known)}"


def _advice(code: str) -> str | None:
    return _KEY if code.startswith(("S3.KMS.", "KMS.")) else _ADVICE.get(code)
