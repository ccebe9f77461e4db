"""What lies in the lake, as an analyst finds it: read by DuckDB from the objects, by their partitions."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import urllib3
from typer.testing import CliRunner

from genesys_firehose_cdk.events.event_shapes import EventShapes
from genesys_firehose_cdk.events.masking_plan import compile_plan
from genesys_firehose_cdk.events.masking_policy import Action, FieldRule, MaskingPolicy
from genesys_firehose_tools.cli import app
from genesys_firehose_tools.local.deployment import Deployment
from genesys_firehose_tools.local.events import FAMILIES
from genesys_firehose_tools.local.pipeline import LocalPipeline
from genesys_firehose_tools.local.values import GeneratedEvent, find_personal_values, personal_values
from tests.e2e.conftest import Sender

Generate = Callable[[str], GeneratedEvent]


def download(sender: Sender, prefix: str, into: Path) -> Path:
    """Fetch the objects that came under a prefix since the sender began, as they are, keys for paths."""
    sender.landed(prefix)
    s3 = sender.deployment.client("s3")
    for key in sender.lakes[prefix].objects:
        path = into / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(s3.get_object(Bucket=sender.deployment.bucket, Key=key)["Body"].read())
    return into / prefix


def read_clean(folder: Path) -> list[dict[str, Any]]:
    """Read clean/ with DuckDB, by Hive partition, and each line's event as its text."""
    relation = duckdb.sql(
        # The only thing put in is the path of our own folder.
        "SELECT dedup_key, event_type, CAST(date AS VARCHAR) AS date, received_at, transform_version, event "  # noqa: S608
        f"FROM read_json('{folder}/**/*.json.gz', format='newline_delimited', hive_partitioning=true, columns={{"
        "dedup_key: 'VARCHAR', received_at: 'VARCHAR', transform_version: 'VARCHAR', event: 'JSON'}, "
        "hive_types={event_type: 'VARCHAR', date: 'DATE'})"
    )
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def test_duckdb_finds_every_event_once_in_its_partition_and_nothing_personal_but_in_raw(
    sender: Sender, generate: Generate, tmp_path: Path
) -> None:
    events = [generate(family) for family in FAMILIES for _ in range(3)]
    sender.post_events(*events)
    sender.post_events(*events)

    clean = download(sender, "clean/", tmp_path)
    rows = read_clean(clean)
    assert sorted(event.marker for event in events) == sorted(
        event.marker for row in rows for event in events if event.marker in row["event"]
    )
    assert len(rows) == len({row["dedup_key"] for row in rows}) == len(events)
    today = datetime.now(UTC).date()
    for row in rows:
        assert row["event_type"] != "unknown"
        assert today - timedelta(days=3) <= datetime.fromisoformat(row["date"]).date() <= today

    personal = personal_values(events)
    leaked = {value for row in rows for value in find_personal_values(json.dumps(row)) & personal}
    assert not leaked
    raw = "\n".join(sender.landed("raw/"))
    assert personal <= find_personal_values(raw)


@contextmanager
def policy_of_rebuild(deployment: Deployment, policy: MaskingPolicy) -> Iterator[None]:
    """Change the plan in the deployed rebuild function's code, as a deployment with another policy does."""
    plan = compile_plan(policy, EventShapes.default())
    functions = deployment.client("lambda")
    [name] = [
        function["FunctionName"]
        for page in functions.get_paginator("list_functions").paginate()
        for function in page["Functions"]
        if function["Handler"] == "rebuild.handler.handle"
    ]
    location = functions.get_function(FunctionName=name)["Code"]["Location"]
    original: bytes = urllib3.request("GET", location).data
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(original)) as before, zipfile.ZipFile(changed, "w") as after:
        for item in before.infolist():
            content = plan.get(item.filename)
            after.writestr(item, before.read(item) if content is None else content)
    functions.update_function_code(FunctionName=name, ZipFile=changed.getvalue())
    try:
        yield
    finally:
        functions.update_function_code(FunctionName=name, ZipFile=original)


def test_a_rebuild_after_a_change_of_the_policy_masks_old_days_anew(
    pipeline: LocalPipeline, sender: Sender, generate: Generate
) -> None:
    drop_queues = MaskingPolicy(version=2, fields={"queueId": FieldRule(action=Action.DROP)})
    event = generate("acd.end")
    sender.post_events(event)
    [delivered] = sender.landings(event)
    assert delivered["event"]["eventBody"]["queueId"]

    today = datetime.now(UTC).date()
    days = ["--from", str(today - timedelta(days=1)), "--to", str(today)]
    with policy_of_rebuild(pipeline.deployment, drop_queues):
        run = CliRunner().invoke(app, ["rebuild", "--name", pipeline.aws.directory.name, *days, "--yes"])
    assert run.exit_code == 0, run.output

    newest = max(sender.landings(event), key=lambda record: str(record["transform_version"]))
    assert newest["transform_version"] > delivered["transform_version"]
    assert "queueId" not in newest["event"]["eventBody"]
    assert newest["event"]["eventBody"]["ani"] == delivered["event"]["eventBody"]["ani"]
