"""The function that locks new versions, and finds those that escaped, against an S3 that enforces Object Lock."""

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

import retention.sweep
from genesys_firehose_tools.local.aws import ACCOUNT, REGION, SECRET_ACCESS_KEY, EmbeddedAws
from retention.function import SPARE_SECONDS, RetentionHandler
from retention.messages import Place, Version, beginning, read_message
from retention.settings import RetentionSettings
from tests.functions.observing import metrics_of

KEY = "clean/event_type=call/date=2026-11-23/object.gz"
ENVIRONMENT = {
    "BUCKET_NAME": "lake",
    "RETENTION_MODE": "GOVERNANCE",
    "RETENTION_DAYS": "30",
    "QUEUE_URL": "https://queue.example/retention",
}


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    embedded = EmbeddedAws.start(tmp_path_factory.mktemp("aws"))
    yield embedded
    embedded.stop()


class Lake:
    """A bucket under Object Lock, its queue, and the function."""

    def __init__(self, embedded: EmbeddedAws) -> None:
        self._endpoint_url = embedded.endpoint_url
        self.s3, self.sqs = self.client("s3"), self.client("sqs")
        self.bucket = f"lake-{uuid.uuid4().hex}"
        self.s3.create_bucket(Bucket=self.bucket, ObjectLockEnabledForBucket=True)
        self.queue = self.sqs.create_queue(QueueName=self.bucket)["QueueUrl"]

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self._endpoint_url,
            region_name=REGION,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key=SECRET_ACCESS_KEY,
        )

    def function(self, mode: str = "GOVERNANCE", days: int = 30) -> RetentionHandler:
        settings = RetentionSettings(
            bucket_name=self.bucket, mode=mode, period=timedelta(days=days), queue_url=self.queue
        )
        return RetentionHandler(settings, self.client)

    def put(self, key: str = KEY) -> Version:
        version_id = self.s3.put_object(Bucket=self.bucket, Key=key, Body=b"")["VersionId"]
        return Version(key, version_id, datetime.now(UTC).replace(microsecond=0))

    def retention(self, version: Version) -> tuple[str, datetime] | None:
        head = self.s3.head_object(Bucket=self.bucket, Key=version.key, VersionId=version.version_id)
        if "ObjectLockMode" not in head:
            return None
        return head["ObjectLockMode"], head["ObjectLockRetainUntilDate"]

    def waiting(self) -> list[str]:
        """Take the messages of the queue."""
        answer = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        return [message["Body"] for message in answer.get("Messages", [])]


@pytest.fixture
def lake(embedded: EmbeddedAws) -> Lake:
    return Lake(embedded)


@pytest.fixture
def nothing_is_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 dates versions itself, so what landed just now counts as having had its time."""
    monkeypatch.setattr(retention.sweep, "ARRIVES_WITHIN", timedelta(seconds=-5))


def created(version: Version) -> str:
    return json.dumps(
        {
            "source": "aws.s3",
            "detail-type": "Object Created",
            "time": version.created_at.isoformat().replace("+00:00", "Z"),
            "detail": {
                "bucket": {"name": "lake"},
                "object": {"key": version.key, "version-id": version.version_id, "size": 1},
            },
        }
    )


def work(function: RetentionHandler, *bodies: str, seconds: Callable[[], float] = lambda: 60.0) -> list[str]:
    """Let the function work on a batch; return the numbers of the messages that failed."""
    records = [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]
    answer = function.handle({"Records": records}, seconds)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_a_new_version_is_locked_from_its_creation_on(lake: Lake) -> None:
    version = lake.put()
    assert work(lake.function(), created(version)) == []
    assert lake.retention(version) == ("GOVERNANCE", version.created_at + timedelta(days=30))


def test_the_lag_is_measured(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    version = lake.put()
    late = Version(version.key, version.version_id, version.created_at - timedelta(minutes=7))
    work(lake.function(), created(late))
    metrics = metrics_of(capsys.readouterr().out)
    assert metrics["RetentionsPut"] == 1
    assert 7 * 60_000 <= metrics["RetentionLag"] < 8 * 60_000


def test_the_same_event_again_changes_nothing(lake: Lake) -> None:
    version = lake.put()
    assert work(lake.function(), created(version), created(version)) == []
    first = lake.retention(version)
    assert work(lake.function(), created(version)) == []
    assert lake.retention(version) == first


@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_an_event_that_comes_again_after_the_days_were_made_fewer_shortens_nothing(lake: Lake, mode: str) -> None:
    version = lake.put()
    work(lake.function(mode, days=365), created(version))
    locked = lake.retention(version)
    assert work(lake.function(mode, days=30), created(version)) == []
    assert lake.retention(version) == locked


def test_an_event_that_comes_again_after_the_mode_was_made_weaker_weakens_nothing(lake: Lake) -> None:
    version = lake.put()
    work(lake.function("COMPLIANCE"), created(version))
    assert work(lake.function("GOVERNANCE"), created(version)) == []
    assert lake.retention(version) == ("COMPLIANCE", version.created_at + timedelta(days=30))


def test_a_retention_that_s3_refuses_for_another_reason_is_tried_again(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    function, version, other = lake.function(), lake.put(), lake.put("raw/2026/11/23/10/object.gz")
    s3 = function._client("s3")
    put = s3.put_object_retention

    def refuse(**request: Any) -> Any:
        if request["Key"] == KEY:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "PutObjectRetention")
        return put(**request)

    s3.put_object_retention = refuse
    assert work(function, created(version), created(other)) == ["0"]
    assert lake.retention(version) is None
    assert lake.retention(other) is not None
    output = capsys.readouterr().out
    assert metrics_of(output)["RetentionsFailed"] == 1
    assert KEY not in output


def test_a_version_that_is_gone_needs_no_retention(lake: Lake) -> None:
    version = lake.put()
    lake.s3.delete_object(Bucket=lake.bucket, Key=version.key, VersionId=version.version_id)
    assert work(lake.function(), created(version)) == []


def test_a_version_whose_retention_would_be_over_needs_none(lake: Lake) -> None:
    version = lake.put()
    old = Version(version.key, version.version_id, version.created_at - timedelta(days=31))
    assert work(lake.function(), created(old)) == []
    assert lake.retention(version) is None


@pytest.mark.parametrize("body", ["", "no JSON", "[]", "7", "{}", '{"detail": {}, "time": "2026-11-23T10:00:00Z"}'])
def test_a_message_that_is_neither_event_nor_sweep_comes_again_and_stops_no_other(lake: Lake, body: str) -> None:
    version = lake.put()
    assert work(lake.function(), body, created(version)) == ["0"]
    assert lake.retention(version) is not None


@pytest.mark.usefixtures("nothing_is_on_its_way")
def test_a_sweep_locks_and_counts_what_escaped(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    locked, escaped, newer = lake.put(), lake.put(), lake.put()
    elsewhere = lake.put("errors/object.gz")
    work(lake.function(), created(locked), created(newer))
    before = lake.retention(locked)
    capsys.readouterr()

    assert work(lake.function(), '{"sweep":["clean/"]}') == []
    assert metrics_of(capsys.readouterr().out)["RetentionsEscaped"] == 1
    assert lake.retention(escaped) == ("GOVERNANCE", escaped.created_at + timedelta(days=30))
    assert lake.retention(locked) == before
    assert lake.retention(elsewhere) is None
    assert lake.waiting() == []


def test_a_sweep_leaves_what_may_still_be_on_its_way(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    version = lake.put()
    assert work(lake.function(), '{"sweep":["clean/"]}') == []
    # A zero shows that somebody looked.
    assert metrics_of(capsys.readouterr().out)["RetentionsEscaped"] == 0
    assert lake.retention(version) is None


@pytest.mark.usefixtures("nothing_is_on_its_way")
def test_a_sweep_that_runs_out_of_time_goes_on_where_it_stopped(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    versions = [lake.put(f"clean/{name}") for name in "abc"] + [lake.put("clean/c")]
    messages, turns = ['{"sweep":["clean/"]}'], 0
    while messages:
        turns += 1
        # Time for one version a turn.
        clock = iter([SPARE_SECONDS + 1, SPARE_SECONDS])
        assert work(lake.function(), *messages, seconds=lambda clock=clock: next(clock)) == []  # type: ignore[misc]
        messages = lake.waiting()
    assert all(lake.retention(version) for version in versions)
    assert turns == len(versions) + 1
    lines = capsys.readouterr().out.splitlines()
    assert sum(json.loads(line).get("RetentionsEscaped", 0) for line in lines) == len(versions)


def test_new_versions_are_locked_before_a_sweep_takes_the_time(lake: Lake) -> None:
    version = lake.put()
    assert work(lake.function(), '{"sweep":["clean/"]}', created(version), seconds=lambda: 0.0) == []
    assert lake.retention(version) is not None
    assert [read_message(body) for body in lake.waiting()] == [Place("clean/")]


def test_a_sweep_of_raw_passes_over_the_days_that_are_older_and_one_of_clean_does_not() -> None:
    oldest = datetime(2026, 11, 21, 0, 30, tzinfo=UTC)
    assert beginning(Place("raw/"), oldest) == Place("raw/", "raw/2026/11/20/")
    assert beginning(Place("raw/", "raw/2026/11/22/10/a", "v"), oldest) == Place("raw/", "raw/2026/11/22/10/a", "v")
    assert beginning(Place("clean/"), oldest) == Place("clean/")


@pytest.mark.usefixtures("nothing_is_on_its_way")
def test_a_sweep_of_raw_finds_this_hours_objects_and_the_oversize_ones(lake: Lake) -> None:
    now = datetime.now(UTC)
    versions = [lake.put(f"raw/{now:%Y/%m/%d/%H}/a.gz"), lake.put(f"raw/oversize/{now:%Y/%m/%d}/b.gz")]
    work(lake.function(), '{"sweep":["raw/"]}')
    assert all(lake.retention(version) for version in versions)


def test_the_function_reads_its_settings() -> None:
    assert RetentionSettings.from_environment(ENVIRONMENT) == RetentionSettings(
        bucket_name="lake",
        mode="GOVERNANCE",
        period=timedelta(days=30),
        queue_url="https://queue.example/retention",
    )


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_the_function_does_not_start_without_a_setting(name: str) -> None:
    environment = {key: value for key, value in ENVIRONMENT.items() if key != name}
    with pytest.raises(KeyError, match=name):
        RetentionSettings.from_environment(environment)
