"""Each of Firehose's error codes that the pipeline can cause names the property to change."""

import pytest

from genesys_firehose_tools.local.firehose import processor
from verification.causes import cause_of

# Amazon Data Firehose Developer Guide, "Monitor Amazon Data Firehose Using CloudWatch Logs".
CODES_BY_PROPERTY = {
    "S3.AccessDenied": "delivery.restrict_trust_to_account",
    "S3.InvalidRequest": "lake.bucket.retention_applied",
    "S3.NoSuchBucket": "lake.existing_bucket",
    "S3.MethodNotAllowed": "lake.existing_bucket",
    "S3.KMS.NotFoundException": "lake.existing_bucket",
    "S3.KMS.KeyDisabled": "lake.existing_bucket",
    "Lambda.AssumeRoleAccessDenied": "delivery.restrict_trust_to_account",
    "Lambda.InvokeLimitExceeded": "ingest.queue_max_concurrency",
    "Lambda.FunctionTimedOut": "transform.memory_size",
}


@pytest.mark.parametrize("code", CODES_BY_PROPERTY)
def test_a_code_names_the_property_to_change(code: str) -> None:
    assert cause_of([code]).startswith(f"Firehose logged {code}: ")
    assert CODES_BY_PROPERTY[code] in cause_of([code])


def test_every_code_of_the_local_firehose_has_an_advice_but_the_services_own_fault() -> None:
    unknown = {code for code in processor._ERROR_MESSAGES if "names no property" in cause_of([code])}
    assert unknown == {"Lambda.InternalServerError"}


def test_the_first_known_code_is_explained_and_the_others_are_named_once() -> None:
    cause = cause_of(["InternalError", "S3.SlowDown", "S3.NoSuchBucket", "S3.SlowDown"])
    assert cause.startswith("Firehose logged S3.NoSuchBucket (and InternalError, S3.SlowDown): the bucket")


def test_an_unknown_code_is_named_as_it_is() -> None:
    assert cause_of(["S3.SlowDown"]) == "Firehose logged S3.SlowDown, a code that names no property"
