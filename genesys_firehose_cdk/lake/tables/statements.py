"""The Athena statements that make and fill the tables: pure functions from the model to one statement each.

Each runs in the context of the lake's database, so none names it. Days are texts such as 2026-11-30, or whatever mark
the caller fills in later: they stand between single quotes.
"""

from genesys_firehose_cdk.lake.tables.model import PARTITION, Table, View

_AGAINST_THE_TABLE = """\
SELECT
    {columns},
    remembered = 1 AS gone
FROM (
    SELECT
        *,
        row_number() OVER (PARTITION BY {key} ORDER BY remembered) AS place
    FROM (
        SELECT
    {columns},
    0 AS remembered
        FROM (
{select}        )
        UNION ALL
        SELECT
    {columns},
    1 AS remembered
        FROM {table}
        WHERE day BETWEEN {first_written} AND {last_written}
    )
)
WHERE place = 1
"""


def create_table(table: Table, location: str) -> str:
    """Return the statement that creates a table that is not there.

    Args:
        table: The table.
        location: Where its objects lie, such as s3://bucket/events/.
    """
    columns = ",\n".join(f"    {each.name} {each.type} COMMENT '{each.comment}'" for each in table.columns)
    return (
        f"CREATE TABLE IF NOT EXISTS {table.name} (\n{columns}\n)\nPARTITIONED BY ({PARTITION})\n"
        f"LOCATION '{location}'\n"
        "TBLPROPERTIES ('table_type' = 'ICEBERG', 'format' = 'parquet', 'write_compression' = 'zstd')"
    )


def add_column(table: Table, column: str) -> str:
    """Return the statement that adds a column, by its name, to a table that lacks it.

    It fails where the column is there: Athena knows no IF NOT EXISTS here (Amazon Athena User Guide, "ALTER TABLE ADD
    COLUMNS").
    """
    [added] = [each for each in table.columns if each.name == column]
    return f"ALTER TABLE {table.name} ADD COLUMNS ({added.name} {added.type})"


def merge(table: Table, first_day: str, last_day: str) -> str:
    """Return the statement that brings the events of these days, both included, into a table.

    It may be run again, on any days and in any order: the rows are those that the events make, and no others.
    """
    columns = [each.name for each in table.columns]
    matches = " AND ".join(f"kept.{name} = found.{name}" for name in table.key)
    others = [name for name in columns if name not in table.key]
    changes = " OR ".join(f"kept.{name} IS DISTINCT FROM found.{name}" for name in others)
    statement = (
        f"MERGE INTO {table.name} AS kept\nUSING (\n{_found(table)}) AS found\n"
        f"ON kept.{PARTITION} BETWEEN {table.first_written} AND {table.last_written} AND {matches}\n"
        "WHEN MATCHED AND found.gone THEN DELETE\n"
        f"WHEN MATCHED AND ({changes}) THEN UPDATE SET {', '.join(f'{name} = found.{name}' for name in others)}\n"
        f"WHEN NOT MATCHED AND NOT found.gone THEN INSERT ({', '.join(columns)})\n"
        f"VALUES ({', '.join(f'found.{name}' for name in columns)})"
    )
    return statement.replace("{first_day}", first_day).replace("{last_day}", last_day)


def optimize(table: Table, first_day: str, last_day: str) -> str:
    """Return the statement that rewrites the small files of these days, both included, into large ones."""
    return (
        f"OPTIMIZE {table.name} REWRITE DATA USING BIN_PACK\n"
        f"WHERE {PARTITION} BETWEEN DATE '{first_day}' AND DATE '{last_day}'"
    )


def vacuum(table: Table) -> str:
    """Return the statement that removes what no snapshot of a table needs any more."""
    return f"VACUUM {table.name}"


def create_view(view: View) -> str:
    """Return the statement that creates or replaces a view."""
    return f"CREATE OR REPLACE VIEW {view.name} AS\n{view.select}"


def _found(table: Table) -> str:
    """The rows that the events make, and, as gone, those of the table that they no longer make."""
    columns = ",\n    ".join(each.name for each in table.columns)
    query = table.select if table.finds_gone else _AGAINST_THE_TABLE.replace("{select}", table.select)
    for mark, text in {
        "columns": columns,
        "key": ", ".join(table.key),
        "table": table.name,
        "first_written": table.first_written,
        "last_written": table.last_written,
    }.items():
        query = query.replace(f"{{{mark}}}", text)
    return query
