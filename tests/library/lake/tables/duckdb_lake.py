"""The tables of a lake in DuckDB, filled by the very statements that Athena runs."""

import json
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from genesys_firehose_cdk.lake.tables.model import TABLES, VIEWS, Table
from genesys_firehose_cdk.lake.tables.statements import create_view, merge

MACROS = Path("genesys_firehose_tools/local/athena/macros.sql").read_text(encoding="utf-8")
DAY = date(2026, 11, 23)
Rows = list[tuple[Any, ...]]


def iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def record(number: int, **fields: Any) -> dict[str, Any]:
    """A record of clean/, an event of its own."""
    return {
        "ingest_id": f"{number:032x}",
        "received_at": f"{DAY}T10:00:00.000Z",
        "ingress": "webhook",
        "dedup_key": f"{number:064x}",
        "event_type": "call",
        "event_time": f"{DAY}T09:59:58.000Z",
        "topic": None,
        "transform_version": "0001.0001",
        "event": {},
        **fields,
    }


class Tables:
    """The lines of clean/, and the tables."""

    def __init__(self) -> None:
        # What is not in the package stays away: a test downloads nothing.
        self.connection = duckdb.connect(config={"autoinstall_known_extensions": False})
        self.connection.execute("SET TimeZone = 'UTC'; SET threads = 1")
        self.connection.execute(MACROS)
        self.connection.execute('CREATE TABLE clean (line varchar, event_type varchar, "date" varchar)')
        for table in TABLES:
            self.create(table)
        self._count = 0

    def create_views(self) -> None:
        for view in VIEWS:
            self.connection.execute(create_view(view))

    def create(self, table: Table) -> None:
        columns = ", ".join(f"{each.name} {each.type.replace('string', 'varchar')}" for each in table.columns)
        self.connection.execute(f"CREATE TABLE {table.name} ({columns})")

    def add(self, event_type: str = "call", day: date | str = DAY, **fields: Any) -> None:
        """Add a line with one record; without a key it is an event of its own."""
        self._count += 1
        self.add_lines([(json.dumps(record(self._count, event_type=event_type, **fields)), event_type, str(day))])

    def add_lines(self, lines: Iterable[tuple[str, str, str]]) -> None:
        """Add lines with their type and day."""
        rows = list(lines)
        if rows:
            texts, types, days = zip(*rows, strict=True)
            self.connection.execute(
                "INSERT INTO clean SELECT unnest(?), unnest(?), unnest(?)", [list(texts), list(types), list(days)]
            )

    def merge(self, first: date = DAY, last: date | None = None, *, tables: Iterable[Table] = TABLES) -> int:
        """Merge these days into every table, and return how many rows changed."""
        changed = 0
        for table in tables:
            statement = merge(table, str(first), str(last or first))
            [(rows,)] = self.connection.execute(statement).fetchall()
            changed += rows
        return changed

    def rows(self, query: str) -> Rows:
        return self.connection.execute(query).fetchall()

    def content(self) -> dict[str, Rows]:
        """All that is in the tables."""
        return {table.name: self.rows(f"SELECT * FROM {table.name} ORDER BY ALL") for table in TABLES}  # noqa: S608
