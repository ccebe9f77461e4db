"""A sender writes a key twice, so that one reader sees the one value and another reader the other."""

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.in_memory_aws import InMemoryAws
from tests.library.lake.test_queries import _TRINO
from tests.wired_functions import firehose_batch, ingest_function, request, transform_function, transformed

LAKE_PAGE = Path(__file__).resolve().parents[2] / "docs/lake.md"
BODIES = [
    rb'{"messageId":"1","level":1,"level":4}',
    rb'{"messageId":"1","level":1,"l\u0065vel":4}',
    rb'{"messageId":"1","level":{"level":1},"level":4}',
    rb'{"messageId":"1","level":4,"queue":{"name":"a","name":"b"}}',
]


def came(body: bytes) -> tuple[str, dict[str, Any]]:
    """What an event is in raw/ and in clean/."""
    aws = InMemoryAws()
    assert ingest_function(aws).handle(request(body))["statusCode"] == 200
    [record] = transformed(transform_function(aws).handle(firehose_batch(aws.in_stream)))
    return aws.raw[0].decode(), record


def ask_raw(query: str, line: str) -> Any:
    connection = duckdb.connect(config={"autoinstall_known_extensions": False})
    connection.execute(_TRINO)
    # Here json_parse is a subquery, which DuckDB does not allow in a TRY.
    connection.execute("CREATE OR REPLACE MACRO json_extract_scalar(text, path) AS json_extract_string(text, path)")
    # As Trino's: it reads the text into maps, and writes these.
    written = json.dumps(json.loads(line))
    connection.execute("CREATE TABLE raw AS SELECT ? AS line, ? AS parsed, '2026/11/23/10' AS hour", [line, written])
    connection.execute("CREATE MACRO json_parse(text) AS (SELECT parsed FROM raw AS same WHERE same.line = text)")
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("body", BODIES)
def test_the_query_of_raw_and_clean_agree_on_the_last_value_and_the_record_is_marked(body: bytes) -> None:
    [query] = re.findall(r"^SELECT .*json_parse.*$", LAKE_PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    line, record = came(body)
    asked = query.replace("TRY(json_parse(line))", "json_parse(line)")
    assert ask_raw(asked, line) == str(record["event"]["level"]) == "4"
    assert record["repeated_keys"] is True


def test_without_parsing_first_the_query_sees_the_first_value() -> None:
    line, record = came(BODIES[0])
    assert ask_raw("SELECT json_extract_scalar(line, '$.event.level') FROM raw", line) == "1"
    assert record["event"]["level"] == 4


@pytest.mark.parametrize("field", ["ingest_id", "received_at", "ingress", "dedup_key"])
def test_no_key_of_an_event_stands_in_the_place_of_one_of_the_envelope(field: str) -> None:
    line, record = came(json.dumps({"messageId": "1", field: "forged", "event": {field: "forged"}}).encode())
    texts = ("line", "json_parse(line)")
    [seen] = {ask_raw(f"SELECT json_extract_scalar({text}, '$.{field}') FROM raw", line) for text in texts}  # noqa: S608
    assert seen == json.loads(line)[field] != "forged"
    assert record[field] != "forged"
