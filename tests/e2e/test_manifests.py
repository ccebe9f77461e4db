"""The deployed function signs what raw/ held of closed days, and `verify` finds whatever is done to them."""

import base64
import gzip
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner, Result

from genesys_firehose_tools.cli import app
from genesys_firehose_tools.local.events import EventGenerator
from genesys_firehose_tools.local.pipeline import LocalPipeline
from genesys_firehose_tools.operations.completeness import check_days, read_days
from genesys_firehose_tools.operations.deployed_pipeline import find_pipeline
from shared.envelope import wrap
from shared.event import describe
from tests.e2e.conftest import pipeline_with
from tests.e2e.test_least_privilege import USED_BY_LAMBDA_ITSELF, Function, allow_plain_http
from tests.e2e.test_object_lock import is_locked, versions

# With a reconciliation a day is closed five days after its end, and the days of a week are looked at.
DAY = datetime.now(UTC).date() - timedelta(days=8)
NEXT = DAY + timedelta(days=1)


@dataclass
class Site:
    """A deployed pipeline with manifests, and events of closed days."""

    local: LocalPipeline

    def __post_init__(self) -> None:
        self.deployment = self.local.deployment
        self.s3 = self.deployment.client("s3")
        deployed = find_pipeline(self.deployment.client("cloudformation"), self.deployment.stack)
        self.machine = deployed.output("ManifestStateMachineArn")
        self.key_arn = deployed.output("ManifestKeyArn")
        self.raw_key = deployed.output("RawKeyArn")
        self._generate = EventGenerator(7).generate

    def put(self, key: str, body: bytes) -> str:
        version: str = self.s3.put_object(
            Bucket=self.deployment.bucket,
            Key=key,
            Body=body,
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=self.raw_key,
            ChecksumAlgorithm="SHA256",
        )["VersionId"]
        return version

    def put_events(self, day: date, *families: str) -> str:
        """Put an object as Firehose does when such events arrive on a day."""
        arrival = datetime.combine(day, time_of_day(10), UTC)
        records = []
        for family in families:
            event = self._generate(family).body
            records.append(
                wrap(json.dumps(event).encode(), describe(event, ("messageId",), arrival), "webhook", arrival)
            )
        key = f"raw/{day:%Y/%m/%d}/10/stream-1-{day}-10-00-00-{len(families)}.gz"
        self.put(key, gzip.compress(b"".join(records)))
        return key

    def run(self, **given: str) -> str:
        client = self.deployment.client("stepfunctions")
        execution = client.start_execution(stateMachineArn=self.machine, input=json.dumps(given))["executionArn"]
        while (status := client.describe_execution(executionArn=execution)["status"]) == "RUNNING":
            time.sleep(0.1)
        return str(status)

    def manifest_key(self, day: date) -> str:
        return f"manifests/{day:%Y/%m/%d}/manifest.jsonl"

    def manifest(self, day: date) -> bytes:
        content: bytes = self.s3.get_object(Bucket=self.deployment.bucket, Key=self.manifest_key(day))["Body"].read()
        return content

    def verify(self, day: date, *options: str) -> Result:
        return CliRunner().invoke(app, ["verify", "--day", str(day), "--name", self.local.aws.directory.name, *options])

    def found(self, day: date) -> list[tuple[str, str]]:
        answer = json.loads(self.verify(day, "--json").stdout)
        return sorted((each["kind"], each["key"]) for each in answer["differences"])


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with pipeline_with(manifests=True) as pipeline:
        site = Site(pipeline)
        for day in (DAY, NEXT):
            for families in (["call"], ["call", "acd.end"], ["call", "acd.end", "audit"]):
                site.put_events(day, *families)
            site.put(f"raw/oversize/{day:%Y/%m/%d}/{'0' * 32}.json.gz", gzip.compress(b"{}"))
        yield site


def test_a_manifest_holds_what_the_last_check_of_its_day_found(site: Site) -> None:
    # The first test: a day that has its manifest gets no other.
    deployed = find_pipeline(site.deployment.client("cloudformation"), site.deployment.stack)
    check_days(site.deployment, deployed, DAY, DAY, sleep=lambda _: time.sleep(0.2))
    [checked] = read_days(site.deployment, deployed, DAY, DAY)
    assert site.run() == "SUCCEEDED"
    noted = json.loads(site.manifest(DAY).splitlines()[0])["completeness"]
    assert (noted["day"], noted["state"], noted["missing"]) == (f"{DAY}", checked.state, f"{checked.missing}")
    assert checked.state == "complete"
    # No check has looked at the next day.
    assert json.loads(site.manifest(NEXT).splitlines()[0])["completeness"] is None


def test_a_run_signs_every_closed_day_and_the_day_is_what_it_was(site: Site) -> None:
    assert site.run() == "SUCCEEDED"
    result = site.verify(DAY, "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["versions_read"] == 4
    assert answer["manifest"]["raw"]["records"] == 6
    assert answer["chain"] == ["names the manifest of the day before", "the manifest of the day after names it"]
    assert "what it held when the manifest was made" in site.verify(DAY).stdout


def test_the_doctor_sees_that_every_closed_day_has_its_manifest(site: Site) -> None:
    result = CliRunner().invoke(app, ["doctor", "--json", "--name", site.local.aws.directory.name])
    states = {each["check"]: each["state"] for each in json.loads(result.stdout)["checks"]}
    assert (states["manifests"], states["keys"]) == ("ok", "ok")


def test_the_manifest_and_its_parts_are_locked_and_under_the_key_of_raw(site: Site) -> None:
    found = versions(site.deployment, f"manifests/{DAY:%Y/%m/%d}/")
    # And a part of each folder; the last, without a dead letter, is empty.
    assert len(found) == 1 + 3
    for key, version_id in found:
        assert is_locked(site.deployment, key, version_id)
        head = site.s3.head_object(Bucket=site.deployment.bucket, Key=key, VersionId=version_id)
        assert head["SSEKMSKeyId"] == site.raw_key


def test_openssl_finds_the_signature_of_kms_good(site: Site, tmp_path: Path) -> None:
    line, signature = site.manifest(DAY).splitlines(keepends=True)
    key = site.deployment.client("kms").get_public_key(KeyId=site.key_arn)["PublicKey"]
    for name, content in {
        "key.der": key,
        "manifest": line,
        "signature": base64.b64decode(json.loads(signature)["signature"]),
    }.items():
        (tmp_path / name).write_bytes(content)
    for command in (
        "pkey -pubin -inform DER -in key.der -out key.pem",
        "dgst -sha256 -verify key.pem -signature signature manifest",
    ):
        subprocess.run(["openssl", *command.split()], cwd=tmp_path, check=True)
    assert site.verify(DAY, "--public-key", str(tmp_path / "key.pem")).exit_code == 0


def test_a_rebuild_leaves_the_day_as_it_was_and_a_later_manifest_knows_what_the_tables_hold(site: Site) -> None:
    days = ["--from", str(DAY - timedelta(days=1)), "--to", str(DAY), "--yes"]
    name = ["--name", site.local.aws.directory.name]
    earlier = DAY - timedelta(days=20)
    site.put_events(earlier, "call", "call")
    for days in ([earlier, earlier], [DAY, DAY]):
        command = ["rebuild", *name, "--from", str(days[0]), "--to", str(days[1]), "--yes"]
        assert CliRunner().invoke(app, command).exit_code == 0
    command = ["tables", "refresh", *name, "--from", str(earlier - timedelta(days=30)), "--to", str(NEXT)]
    refreshed = CliRunner().invoke(app, command)
    assert refreshed.exit_code == 0, refreshed.output
    assert site.verify(DAY).exit_code == 0
    assert site.run(day=str(earlier)) == "SUCCEEDED"
    [counted] = json.loads(site.manifest(earlier).splitlines()[0])["clean"]
    assert (counted["event_type"], counted["records"]) == ("call", 2)
    assert counted["transform_version"]
    assert site.verify(earlier).exit_code == 0


def test_whatever_is_done_to_a_day_is_found(site: Site) -> None:
    bucket, prefix = site.deployment.bucket, f"raw/{NEXT:%Y/%m/%d}/10"
    changed, hidden, deleted = sorted(key for key, _ in versions(site.deployment, prefix))
    site.put(changed, gzip.compress(b"other"))
    site.s3.delete_object(Bucket=bucket, Key=hidden)
    [(_, version_id)] = versions(site.deployment, deleted)
    site.s3.delete_object(Bucket=bucket, Key=deleted, VersionId=version_id, BypassGovernanceRetention=True)
    site.put(f"{prefix}/late.gz", gzip.compress(b""))
    result = site.verify(NEXT)
    assert result.exit_code == 1
    assert f"Error: raw/ differs from the manifest of {NEXT} in 4 places." in result.stderr
    assert site.found(NEXT) == sorted(
        [("changed", changed), ("missing", hidden), ("missing", deleted), ("added", f"{prefix}/late.gz")]
    )


def test_whatever_is_done_to_a_manifest_is_found(site: Site) -> None:
    day = DAY - timedelta(days=1)
    key = site.manifest_key(day)
    site.put(key, site.manifest(DAY))
    assert site.found(day) == [("changed", key)]
    site.s3.delete_object(Bucket=site.deployment.bucket, Key=key)
    assert site.found(day) == [("changed", key), ("missing", key)]
    assert site.found(DAY) == []
    for _, version_id in versions(site.deployment, key):
        arguments = {"Bucket": site.deployment.bucket, "Key": key, "VersionId": version_id}
        site.s3.delete_object(**arguments, BypassGovernanceRetention=True)
    result = site.verify(day)
    assert result.exit_code == 1
    assert f"Error: The day {day} has no manifest" in result.stderr
    assert site.found(DAY) == [("missing", key)]
    # Signed, but for another day; and with its signature cut.
    for content, said in (
        (site.manifest(DAY), f"its day is {DAY}, not {day}"),
        (site.manifest(DAY)[:-40], "it was changed or cut, or another key made it"),
    ):
        version_id = site.put(key, content)
        assert said in site.verify(day).stderr
        arguments = {"Bucket": site.deployment.bucket, "Key": key, "VersionId": version_id}
        site.s3.delete_object(**arguments, BypassGovernanceRetention=True)


def test_a_day_that_is_not_closed_is_refused(site: Site) -> None:
    today = datetime.now(UTC).date()
    assert f"Error: The day {today} is not closed" in site.verify(today).stderr
    assert site.run(day=str(today)) == "FAILED"


def test_nobody_but_the_function_signs_and_its_role_has_what_it_needs_and_no_more(site: Site) -> None:
    # The last test of the file: from here on IAM is evaluated.
    deployment, function = site.deployment, Function(site.deployment, "manifest")
    iam = deployment.client("iam")
    allow_plain_http(deployment)
    for bucket in site.s3.list_buckets()["Buckets"]:
        if bucket["Name"] != deployment.bucket:
            # The same of the buckets of tables and results.
            site.s3.delete_bucket_policy(Bucket=bucket["Name"])
    for statement in function.role.document["Statement"]:
        if statement["Sid"] == "Query":
            # By a query's id the embedded AWS does not find the workgroup, as AWS does.
            statement["Resource"] = "*"
    function.role.grant(function.role.document)
    iam.create_user(UserName="administrator")
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    iam.put_user_policy(UserName="administrator", PolicyName="all", PolicyDocument=document)
    secret = iam.create_access_key(UserName="administrator")["AccessKey"]
    days = iter(DAY - timedelta(days=100 + number) for number in range(20))
    site.put_events(DAY - timedelta(days=99), "call")
    site.local.aws.enforce_iam()
    # With the role's own credentials, not those of before.
    function.start_anew()

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=deployment.endpoint_url,
            region_name=deployment.region,
            aws_access_key_id=secret["AccessKeyId"],
            aws_secret_access_key=secret["SecretAccessKey"],
        )

    with pytest.raises(ClientError, match="AccessDenied"):
        client("kms").sign(
            KeyId=site.key_arn, Message=bytes(32), MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256"
        )
    with pytest.raises(ClientError, match="AccessDenied"):
        client("s3").put_object(Bucket=deployment.bucket, Key="manifests/x", Body=b"", ChecksumAlgorithm="SHA256")

    def makes_one(day: date) -> dict[str, Any] | None:
        """Make a manifest with the rights of the role alone."""
        event: Any = {"day": str(day)}
        while event:
            answer = client("lambda").invoke(FunctionName=function.name, Payload=json.dumps(event), LogType="Tail")
            if "FunctionError" in answer:
                # What pytest shows where it should not have failed.
                print(base64.b64decode(answer["LogResult"]).decode())
                return None
            event = json.load(answer["Payload"])
        values: dict[str, Any] = json.loads(site.manifest(day).splitlines()[0])
        return values

    whole = makes_one(DAY - timedelta(days=99))
    assert whole is not None
    assert whole["raw"]["versions"] == 1
    assert whole["clean"] is not None
    for action in sorted(SIGNING_NEEDS | ASKING_NEEDS):
        day = next(days)
        client("s3").put_object(
            Bucket=deployment.bucket, Key=f"raw/{day:%Y/%m/%d}/10/a", Body=b"", ChecksumAlgorithm="SHA256"
        )
        with function.without(action):
            made = makes_one(day)
        assert made is None or (action in ASKING_NEEDS and made["clean"] is None), action
    assert function.role.actions - USED_BY_LAMBDA_ITSELF == SIGNING_NEEDS | ASKING_NEEDS | ASKING_NEEDS_ON_AWS


SIGNING_NEEDS = {"kms:Sign", "s3:GetObjectVersion", "s3:ListBucketVersions", "s3:PutObject"}
ASKING_NEEDS = {
    *("athena:GetQueryExecution", "athena:GetQueryResults", "athena:StartQueryExecution"),
    *("glue:GetTable", "s3:GetObject"),
}
# Amazon Athena User Guide, "Configure access to databases and tables in the AWS Glue Data Catalog" and "Access to
# Amazon S3"; the local Athena asks for none of them to read a table of Iceberg.
ASKING_NEEDS_ON_AWS = {"glue:GetDatabase", "s3:GetBucketLocation", "s3:ListBucket"}
