"""What the local Athena reads out of a statement."""

import pytest

from genesys_firehose_cdk.lake.tables.model import TABLES, VIEWS, Table
from genesys_firehose_cdk.lake.tables.statements import create_table, merge
from genesys_firehose_tools.local.athena.engine import _CREATE_TABLE, _columns, _tables_of


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("SELECT 1", []),
        ("SELECT * FROM events", ["events"]),
        ('SELECT * FROM "events" e, sessions s JOIN names USING (id)', ["events", "sessions", "names"]),
        ("WITH calls AS (SELECT * FROM events) SELECT * FROM calls", ["events"]),
        ("SELECT 'FROM raw' FROM events -- FROM raw", ["events"]),
        ("SELECT 1 FROM events WHERE kept.day IS DISTINCT FROM found.day", ["events"]),
        ("MERGE INTO sessions AS kept USING (SELECT * FROM events) AS found ON true", ["sessions", "events"]),
    ],
)
def test_it_finds_the_tables_that_a_statement_names(statement: str, names: list[str]) -> None:
    assert _tables_of(statement) == names


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_it_finds_only_what_there_is_in_the_statements_of_the_tables(table: Table) -> None:
    there = {"clean", *(each.name for each in TABLES), *(each.name for each in VIEWS)}
    assert set(_tables_of(merge(table, "2026-11-29", "2026-11-30"))) <= there


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_it_reads_the_columns_of_a_table_with_their_comments(table: Table) -> None:
    match = _CREATE_TABLE.match(create_table(table, "s3://bucket/place/"))
    assert match is not None
    found = [(each["Name"], each["Type"], each["Comment"]) for each in _columns(match["columns"])]
    assert found == [(each.name, each.type, each.comment) for each in table.columns]
