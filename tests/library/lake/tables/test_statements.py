"""What the statements look like to Athena, as far as a parser of its dialect and its documents tell."""

import re

import pytest
import sqlglot
from sqlglot import exp

from genesys_firehose_cdk.lake.tables.model import (
    COMPLETENESS_TABLES,
    EXPECTED_CONVERSATIONS,
    TABLES,
    VIEWS,
    Table,
    View,
)
from genesys_firehose_cdk.lake.tables.statements import (
    add_column,
    create_table,
    create_view,
    merge,
    optimize,
    vacuum,
)
from tests.library.lake.tables.duckdb_lake import Tables

# Amazon Athena User Guide, "Create Iceberg tables" and "Supported data types for Iceberg tables in Athena".
TYPES = {"string", "bigint", "double", "boolean", "date", "timestamp"}
# Amazon Athena User Guide, "Escape reserved keywords in queries": those that a column might be called.
RESERVED = {
    *("all", "alter", "and", "array", "as", "authorization", "between", "by", "case", "cast", "column", "constraint"),
    *("create", "cross", "cube", "current", "cursor", "database", "date", "delete", "describe", "distinct", "drop"),
    *("else", "end", "escape", "exchange", "exists", "external", "extract", "false", "fetch", "first", "float", "for"),
    *(
        "from",
        "full",
        "function",
        "grant",
        "group",
        "having",
        "if",
        "import",
        "in",
        "inner",
        "insert",
        "int",
        "interval",
    ),
    *("into", "is", "join", "last", "left", "less", "like", "local", "macro", "map", "more", "none", "not", "null"),
    *("numeric", "of", "on", "only", "or", "order", "out", "outer", "over", "partition", "percent", "precision"),
    *("preserve", "primary", "procedure", "range", "reads", "references", "revoke", "right", "rollback", "row", "rows"),
    *("set", "smallint", "start", "table", "then", "time", "timestamp", "to", "transform", "trigger", "true", "union"),
    *("unique", "update", "user", "using", "values", "varchar", "views", "when", "where", "window", "with"),
}


def parsed(statement: str) -> exp.Expression:
    [tree] = sqlglot.parse(statement, dialect="athena")
    assert tree is not None
    return tree


@pytest.mark.parametrize("table", [*TABLES, *COMPLETENESS_TABLES], ids=lambda table: table.name)
def test_athena_knows_each_statement_of_a_table(table: Table, caplog: pytest.LogCaptureFixture) -> None:
    assert isinstance(parsed(create_table(table, f"s3://bucket/{table.name}/")), exp.Create)
    assert isinstance(parsed(add_column(table, table.columns[-1].name)), exp.Alter)
    assert isinstance(parsed(merge(table, "2026-11-01", "2026-11-30")), exp.Merge)
    assert not caplog.records
    # The parser takes these two as commands, unread.
    assert optimize(table, "2026-11-01", "2026-11-30") == (
        f"OPTIMIZE {table.name} REWRITE DATA USING BIN_PACK\nWHERE day BETWEEN DATE '2026-11-01' AND DATE '2026-11-30'"
    )
    assert vacuum(table) == f"VACUUM {table.name}"


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_athena_knows_each_view(view: View, caplog: pytest.LogCaptureFixture) -> None:
    assert isinstance(parsed(create_view(view)), exp.Create)
    assert not caplog.records


@pytest.mark.parametrize("table", [*TABLES, *COMPLETENESS_TABLES], ids=lambda table: table.name)
def test_days_may_be_filled_in_later(table: Table) -> None:
    statement = merge(table, "{from}", "{to}")
    assert statement.replace("{from}", "2026-11-01").replace("{to}", "2026-11-30") == merge(
        table, "2026-11-01", "2026-11-30"
    )
    assert set(re.findall(r"{[^}]*}", statement)) == {"{from}", "{to}"}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_merge_reads_and_writes_constant_days(table: Table) -> None:
    """So that Athena leaves out all other partitions."""
    statement = merge(table, "2026-11-01", "2026-11-30")
    for scan in parsed(statement).find_all(exp.Table):
        select = scan.find_ancestor(exp.Select)
        if scan.name in {"clean", *(each.name for each in TABLES)} and select is not None:
            where = select.args["where"].sql("athena")
            assert re.search(r"\"?(date|day)\"? BETWEEN (CAST\()?'2026-11-01'", where), where
    assert re.search(r"ON kept\.day BETWEEN DATE '2026-11-01'( - INTERVAL '.' DAY)? AND DATE '2026-11-30'", statement)


@pytest.mark.parametrize("table", [*TABLES, *COMPLETENESS_TABLES], ids=lambda table: table.name)
def test_a_statement_is_shorter_than_athena_takes(table: Table) -> None:
    # Amazon Athena User Guide, "Service Quotas": 262,144 bytes.
    assert len(merge(table, "2026-11-01", "2026-11-30").encode()) < 32 * 1024


@pytest.mark.parametrize("owner", [*TABLES, *COMPLETENESS_TABLES, *VIEWS], ids=lambda each: each.name)
def test_columns_are_what_athena_and_glue_take(owner: Table | View) -> None:
    for column in owner.columns:
        assert column.type in TYPES
        assert re.fullmatch(r"[a-z][a-z_]*", column.name)
        assert column.name not in RESERVED
        # AWS Glue API Reference, "Column": 255 characters. A quote or a line break would need escaping.
        assert re.fullmatch(r"[ -&(-~]{2,255}", column.comment)


@pytest.mark.parametrize("table", [*TABLES, *COMPLETENESS_TABLES], ids=lambda table: table.name)
def test_comments_reach_the_table(table: Table) -> None:
    columns = parsed(create_table(table, "s3://bucket/x/")).find_all(exp.ColumnDef)
    comments = {each.name: each.find(exp.CommentColumnConstraint).this.name for each in columns if each.constraints}
    assert comments == {each.name: each.comment for each in table.columns}


def test_a_table_or_view_comes_after_those_that_it_reads() -> None:
    seen = {"clean", EXPECTED_CONVERSATIONS}
    for each in (*TABLES, *COMPLETENESS_TABLES, *VIEWS):
        own = {table.name for table in sqlglot.parse_one(each.select, dialect="athena").find_all(exp.Table)}
        assert own - {each.name} <= seen
        seen.add(each.name)


def test_a_view_has_the_columns_that_it_says() -> None:
    tables = Tables()
    tables.create_views()
    for view in VIEWS:
        described = tables.connection.execute(f"SELECT * FROM {view.name}").description  # noqa: S608
        assert [column[0] for column in described] == [column.name for column in view.columns]
