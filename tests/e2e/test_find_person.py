"""A person's records are found in a deployed lake, and the command tells nothing of them."""

import gzip
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner, Result

from genesys_firehose_tools.cli import app
from genesys_firehose_tools.local.pipeline import LocalPipeline
from genesys_firehose_tools.local.values import GeneratedEvent
from tests.e2e.conftest import Sender

Generate = Callable[[str], GeneratedEvent]


@pytest.fixture
def find_person(pipeline: LocalPipeline) -> Callable[..., Result]:
    today = datetime.now(UTC).date()

    def run(value: str, *options: str) -> Result:
        days = ["--from", str(today - timedelta(days=2)), "--to", str(today + timedelta(days=1))]
        return CliRunner().invoke(
            app, ["find-person", "--name", pipeline.aws.directory.name, *days, *options], input=f"{value}\n"
        )

    return run


def _called_from(event: GeneratedEvent) -> str:
    """Let an event be of a caller that no other has, and return the number in another spelling than the event's."""
    digits = f"1555{secrets.randbelow(10**7):07}"
    event.body["eventBody"]["ani"] = f"tel:+{digits}"
    return f"+{digits[0]} ({digits[1:4]}) {digits[4:7]}-{digits[7:]}"


def test_a_caller_is_found_by_the_number_in_clean_and_raw_and_nothing_is_told(
    sender: Sender, generate: Generate, find_person: Callable[..., Result]
) -> None:
    event = generate("customer.start")
    number = _called_from(event)
    sender.post_events(event)
    [landed] = sender.landings(event)

    result = find_person(number, "--json")

    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert (answer["records"], answer["in_clear"], answer["without_original"], answer["unreadable"]) == (1, 0, 0, 0)
    assert [(hit["layer"], hit["ingest_ids"]) for hit in answer["hits"]] == [
        ("clean", [landed["ingest_id"]]),
        ("raw", [landed["ingest_id"]]),
    ]
    s3 = sender.deployment.client("s3")
    for hit in answer["hits"]:
        assert s3.head_object(Bucket=sender.deployment.bucket, Key=hit["key"], VersionId=hit["version_id"])
    for output in (result.output, find_person(number).output):
        assert number not in output
        assert event.body["eventBody"]["ani"] not in output
        assert "tok_" not in output
        assert event.marker not in output


def test_nobody_is_found_by_a_number_that_never_called(find_person: Callable[..., Result]) -> None:
    result = find_person("+49 30 0000 0000")
    assert result.exit_code == 3, result.output
    assert "records" in result.stdout


def test_a_person_whose_lines_are_taken_out_is_found_no_more_and_the_others_stay(
    sender: Sender, generate: Generate, find_person: Callable[..., Result]
) -> None:
    event, other = generate("customer.start"), generate("customer.start")
    number, other_number = _called_from(event), _called_from(other)
    sender.post_events(event, other)
    assert len(sender.landings(event)) == len(sender.landings(other)) == 1
    deployment = sender.deployment
    s3, bucket = deployment.client("s3"), deployment.bucket

    for hit in json.loads(find_person(number, "--json").stdout)["hits"]:
        place = {"Bucket": bucket, "Key": hit["key"]}
        old = s3.get_object(**place, VersionId=hit["version_id"])
        lines = gzip.decompress(old["Body"].read()).splitlines(keepends=True)
        kept = [line for number, line in enumerate(lines, 1) if number not in hit["lines"]]
        s3.put_object(
            **place,
            Body=gzip.compress(b"".join(kept)),
            ChecksumAlgorithm="SHA256",
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=old["SSEKMSKeyId"],
        )
        s3.delete_object(**place, VersionId=hit["version_id"], BypassGovernanceRetention=True)

    assert find_person(number).exit_code == 3
    assert json.loads(find_person(other_number, "--json").stdout)["records"] == 1
