"""Whoever has the signing key sends an event under the id of another one, to put it in the place of that one."""

import gzip
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from tests.functions.rebuild.test_rebuild_objects import RAW_KEY, put_raw, rebuild
from tests.in_memory_aws import InMemoryAws
from tests.library.lake.test_queries import Lake
from tests.wired_functions import firehose_batch, ingest_function, post, transform_function, transformed

ID = "0a1b2c3d-0000-4000-8000-00000000abcd"
TOPIC = f"v2.audits.entitytype.user.entityid.{ID}"
BODY = {"id": ID, "eventTime": "2026-11-20T10:00:00Z", "action": "DELETE", "status": "SUCCESS"}
AUDIT = {"topicName": TOPIC, "eventBody": BODY}
FORGED = {"topicName": TOPIC, "eventBody": {**BODY, "action": "VIEW"}}


class Pipeline:
    """Both ways in, and the lake behind them."""

    def __init__(self, root: Path) -> None:
        self.aws = InMemoryAws()
        self._ingest = ingest_function(self.aws)
        self._transform = transform_function(self.aws)
        self._lake = Lake(root)
        self.clean: list[dict[str, Any]] = []

    def come(self, name: str) -> None:
        """Let the real audit come over the bus, or the forged one over the webhook."""
        if name == "forged":
            assert post(self._ingest, FORGED) == 200
            return
        event = {"detail-type": "v2.audits", "source": "aws.partner/genesys.com/cloud/o/lake", "detail": AUDIT}
        answer = self._ingest.handle({"Records": [{"messageId": "1", "body": json.dumps(event)}]})
        assert answer == {"batchItemFailures": []}

    def transform(self) -> None:
        """Let Firehose transform what has come since the last time."""
        batch, self.aws.in_stream[:] = list(self.aws.in_stream), []
        self.clean += transformed(self._transform.handle(firehose_batch(batch)))

    def rebuild(self) -> None:
        put_raw(self.aws, *self.aws.raw)
        rebuild(self.aws)

    def view(self) -> list[tuple[str, str]]:
        """Ingress and action of the events that the view shows."""
        lines = "".join(json.dumps(record) + "\n" for record in self.clean)
        delivered = {"clean/event_type=audit/date=2026-11-20/delivered.gz": gzip.compress(lines.encode())}
        rebuilt = {key: content for key, content in self.aws.objects.items() if key.startswith("clean/")}
        self._lake.copy({**delivered, **rebuilt})
        action = "json_extract_scalar(event, '$.eventBody.action')"
        return [(row[0], row[1]) for row in self._lake.view(f"SELECT ingress, {action} FROM events ORDER BY 1")]  # noqa: S608


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    return Pipeline(tmp_path)


BOTH = [("eventbridge", "DELETE"), ("webhook", "VIEW")]
ORDERS = sorted({*itertools.permutations(["real", "real", "forged", "forged"])})


@pytest.mark.parametrize("in_one_batch", [False, True])
@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
def test_the_real_audit_stands_in_clean_and_in_the_view_whatever_is_forged_under_its_id(
    pipeline: Pipeline, order: tuple[str, ...], in_one_batch: bool
) -> None:
    for name in order:
        pipeline.come(name)
        if not in_one_batch:
            pipeline.transform()
    pipeline.transform()
    landed = [(record["ingress"], record["event"]["eventBody"]["action"]) for record in pipeline.clean]
    assert sorted(landed) == BOTH
    # Which of the two came later is known, which of them is forged is not.
    assert [record.get("conflict", False) for record in pipeline.clean] == [False, True]
    assert pipeline.view() == BOTH
    pipeline.rebuild()
    assert RAW_KEY in pipeline.aws.objects
    assert pipeline.view() == BOTH


@pytest.mark.parametrize("order", [("real", "forged"), ("forged", "real")], ids=" ".join)
def test_the_real_audit_stands_where_nothing_could_be_checked(pipeline: Pipeline, order: tuple[str, ...]) -> None:
    for name in order:
        pipeline.come(name)
    pipeline.rebuild()
    assert pipeline.view() == BOTH


def test_a_forgery_with_the_very_content_of_the_real_audit_changes_nothing_but_the_way_it_came(
    pipeline: Pipeline,
) -> None:
    assert post(ingest_function(pipeline.aws), AUDIT) == 200
    pipeline.come("real")
    pipeline.transform()
    assert pipeline.view() == [("webhook", "DELETE")]
    pipeline.rebuild()
    assert pipeline.view() == [("eventbridge", "DELETE")]


def test_two_contents_under_one_message_id_are_both_stored_and_both_shown() -> None:
    aws = InMemoryAws()
    for level in (1, 2):
        assert post(ingest_function(aws), {"messageId": "42", "level": level}) == 200
    assert [json.loads(record)["event"]["level"] for record in aws.raw] == [1, 2]
    clean = transformed(transform_function(aws).handle(firehose_batch(aws.in_stream)))
    assert [(record["event"]["level"], record.get("conflict", False)) for record in clean] == [(1, False), (2, True)]


def test_two_contents_under_one_message_id_in_one_request_are_both_stored() -> None:
    aws = InMemoryAws()
    assert post(ingest_function(aws), [{"messageId": "42", "level": level} for level in (1, 2)]) == 200
    assert [json.loads(record)["event"]["level"] for record in aws.raw] == [1, 2]


@pytest.mark.parametrize("order", [("real", "forged"), ("forged", "real")], ids=" ".join)
def test_a_forged_timestamp_moves_no_event_of_the_bus_to_another_day(order: tuple[str, str]) -> None:
    aws = InMemoryAws()
    function = ingest_function(aws)
    update = {"topicName": "v2.audits", "eventBody": {"id": ID, "action": "DELETE"}}
    for name in order:
        if name == "forged":
            assert post(function, {**update, "timestamp": "2026-11-19T10:00:00Z"}) == 200
        else:
            event = {"detail-type": "v2.audits", "detail": {**update, "timestamp": "2026-11-20T10:00:00Z"}}
            function.handle({"Records": [{"messageId": "1", "body": json.dumps(event)}]})
    clean = transformed(transform_function(aws).handle(firehose_batch(aws.in_stream)))
    landed = {(record["ingress"], record["event_time"][:10]) for record in clean}
    assert landed == {("eventbridge", "2026-11-20"), ("webhook", "2026-11-19")}
