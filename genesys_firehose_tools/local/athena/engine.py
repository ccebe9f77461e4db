"""Runs the statements of Athena's dialect in DuckDB, over the objects of an S3 bucket.

It knows what the lake needs: tables of text lines whose partitions are projected, Iceberg tables, views, MERGE and
other changes of rows, OPTIMIZE and VACUUM. An Iceberg table here is Parquet objects, one for each day, and a list of
them, which Glue points to; the real one's metadata is not written.
"""

import base64
import csv
import io
import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from genesys_firehose_tools.local.athena.objects import Catalog, DataFile, is_iceberg

_MACROS = Path(__file__).with_name("macros.sql")
_NAME = r"[`\"]?(?P<name>\w+)[`\"]?"
_CREATE_TABLE = re.compile(
    rf"CREATE\s+TABLE\s+(?P<quietly>IF\s+NOT\s+EXISTS\s+)?{_NAME}\s*\((?P<columns>.*)\)\s*PARTITIONED\s+BY\s*"
    r"\((?P<partition>\w+)\)\s*LOCATION\s+'(?P<location>[^']+)'\s*TBLPROPERTIES\s*\((?P<properties>[^)]*)\)",
    re.IGNORECASE | re.DOTALL,
)
_ADD_COLUMNS = re.compile(rf"ALTER\s+TABLE\s+{_NAME}\s+ADD\s+COLUMNS\s*\((?P<columns>.*)\)", re.IGNORECASE | re.DOTALL)
_CREATE_VIEW = re.compile(
    rf"CREATE\s+(?P<replace>OR\s+REPLACE\s+)?VIEW\s+{_NAME}\s+AS\s(?P<body>.*)", re.IGNORECASE | re.DOTALL
)
_DROP = re.compile(rf"DROP\s+(TABLE|VIEW)\s+(?P<quietly>IF\s+EXISTS\s+)?{_NAME}", re.IGNORECASE)
_CHANGE = re.compile(rf"(MERGE\s+INTO|INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+{_NAME}\b", re.IGNORECASE)
_OPTIMIZE = re.compile(
    rf"OPTIMIZE\s+{_NAME}\s+REWRITE\s+DATA\s+USING\s+BIN_PACK(\s+WHERE\s+(?P<where>.*))?", re.IGNORECASE | re.DOTALL
)
_VACUUM = re.compile(rf"VACUUM\s+{_NAME}", re.IGNORECASE)
_COLUMN = re.compile(r"(?P<name>\w+)\s+(?P<type>\w+(\([\d, ]+\))?)(\s+COMMENT\s+'(?P<comment>[^']*)')?\s*(,|$)")
_PROPERTY = re.compile(r"'([^']+)'\s*=\s*'([^']+)'")
_COMMENTS = re.compile(r"--[^\n]*")
# What stands behind FROM, JOIN and their like, with commas in a list; a name before a dot is a column's table.
_SOURCE = r"[`\"]?\w+[`\"]?(?![\w.`\"])"
_SOURCES = re.compile(
    rf"\b(?:FROM|JOIN|INTO|USING|UPDATE(?!\s+SET))\s+({_SOURCE}(?:(?:\s+AS)?\s+\w+)?(?:\s*,\s*{_SOURCE}(?:(?:\s+AS)?\s+\w+)?)*)",
    re.IGNORECASE,
)
_NAMED_QUERY = re.compile(r"\b(\w+)\s+AS\s*\(", re.IGNORECASE)
_TEXTS = re.compile(r"'[^']*'")
_VIEW_TEXT = re.compile(r"/\* Presto View: (\S+) \*/")

LINES: Any = {
    "columns": {"line": "varchar"},
    "header": False,
    # No character that can stand in a line of JSON ends a field, as in the table's definition.
    "sep": "\x01",
    "quotechar": "",
    "escapechar": "",
    "compression": "gzip",
    "max_line_size": 16 * 1024 * 1024,
}
"""How DuckDB reads the objects of `raw/` and `clean/`."""

# The types of Athena's DDL in DuckDB, and DuckDB's as Athena calls them.
_DUCKDB_TYPES = {"string": "varchar", "binary": "blob"}
_ATHENA_TYPES = {"blob": "varbinary", "timestamp with time zone": "timestamp with time zone", "float": "real"}


class QueryError(Exception):
    """A statement failed, for a reason that Athena would give as well."""


class BytesScannedError(QueryError):
    """A statement would read more than its workgroup allows."""


@dataclass(slots=True)
class Result:
    """What a statement answers.

    Attributes:
        columns: The names of the columns.
        types: Their types, as Athena calls them.
        rows: The rows.
        scanned: How many bytes were read: here all objects of the tables that the statement names.
    """

    columns: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    scanned: int = 0

    def as_csv(self) -> bytes:
        """Return the rows as Athena leaves them in the results' bucket."""
        text = io.StringIO()
        csv.writer(text, quoting=csv.QUOTE_ALL).writerows([self.columns, *self.rows])
        return text.getvalue().encode()


class Query:
    """One statement.

    Args:
        catalog: What it works on.
        limit: How many bytes it may read; None for any number.
        before_commit: Called before anything is written; raises what must stop that.
    """

    def __init__(
        self, catalog: Catalog, limit: int | None = None, before_commit: Callable[[], None] = lambda: None
    ) -> None:
        self._catalog = catalog
        self._limit = limit
        self._before_commit = before_commit
        self._scanned = 0
        # What is not in the package stays away.
        self._connection = duckdb.connect(config={"autoinstall_known_extensions": False})

    def run(self, statement: str) -> Result:
        """Run a statement.

        Raises:
            QueryError: It failed.
            duckdb.Error: DuckDB refuses it.
            ClientError: The caller lacks a right.
        """
        text = _COMMENTS.sub("", statement).strip().rstrip(";")
        for pattern, run in (
            (_CREATE_TABLE, self._create_table),
            (_ADD_COLUMNS, self._add_columns),
            (_CREATE_VIEW, self._create_view),
            (_DROP, self._drop),
            (_CHANGE, self._change),
            (_OPTIMIZE, self._optimize),
            (_VACUUM, self._vacuum),
        ):
            if match := pattern.match(text):
                run(match)
                return Result(scanned=self._scanned)
        self._prepare(text)
        answer = self._connection.execute(text)
        return Result(
            columns=[each[0] for each in answer.description],
            types=[_athena_type(str(each[1])) for each in answer.description],
            rows=answer.fetchall(),
            scanned=self._scanned,
        )

    def _create_table(self, match: re.Match[str]) -> None:
        if self._catalog.table(match["name"]) is not None:
            if match["quietly"]:
                return
            raise QueryError(f"TABLE_ALREADY_EXISTS: {match['name']}")
        if not self._catalog.is_empty(match["location"]):
            raise QueryError(
                f"ICEBERG_FILESYSTEM_ERROR: Cannot create a table on a non-empty location: {match['location']}"
            )
        self._before_commit()
        self._catalog.create(
            {
                "Name": match["name"],
                "TableType": "EXTERNAL_TABLE",
                "Parameters": {**dict(_PROPERTY.findall(match["properties"])), "partition": match["partition"]},
                "StorageDescriptor": {"Columns": list(_columns(match["columns"])), "Location": match["location"]},
            }
        )

    def _add_columns(self, match: re.Match[str]) -> None:
        table = self._iceberg(match["name"])
        present = table["StorageDescriptor"]["Columns"]
        added = list(_columns(match["columns"]))
        for column in added:
            if column["Name"] in {each["Name"] for each in present}:
                raise QueryError(f"COLUMN_ALREADY_EXISTS: {column['Name']}")
        self._before_commit()
        self._catalog.update(
            {**table, "StorageDescriptor": {**table["StorageDescriptor"], "Columns": [*present, *added]}}
        )

    def _create_view(self, match: re.Match[str]) -> None:
        # A view's columns are those of its tables, whatever is in them.
        self._prepare(match["body"], with_rows=False)
        described = self._connection.execute(f"DESCRIBE {match['body']}").fetchall()
        definition = base64.b64encode(json.dumps({"originalSql": match["body"]}).encode()).decode()
        view = {
            "Name": match["name"],
            "TableType": "VIRTUAL_VIEW",
            "Parameters": {"presto_view": "true"},
            "ViewOriginalText": f"/* Presto View: {definition} */",
            "StorageDescriptor": {
                "Columns": [{"Name": name, "Type": _athena_type(kind)} for name, kind, *_ in described]
            },
        }
        self._before_commit()
        present = self._catalog.table(match["name"])
        if present is None:
            self._catalog.create(view)
        elif match["replace"] and present.get("TableType") == "VIRTUAL_VIEW":
            self._catalog.update(view)
        else:
            raise QueryError(f"TABLE_ALREADY_EXISTS: {match['name']}")

    def _drop(self, match: re.Match[str]) -> None:
        table = self._catalog.table(match["name"])
        if table is None:
            if match["quietly"]:
                return
            raise QueryError(f"TABLE_NOT_FOUND: {match['name']}")
        self._before_commit()
        self._catalog.drop(table)

    def _change(self, match: re.Match[str]) -> None:
        """Change rows: write the days anew that are not as they were."""
        table = self._iceberg(match["name"])
        self._prepare(match.string)
        before = self._days(table)
        self._connection.execute(match.string)
        after = self._days(table)
        changed = [day for day in sorted({*before, *after}) if before.get(day) != after.get(day)]
        self._before_commit()
        if changed:
            self._write(table, changed)

    def _write(self, table: Mapping[str, Any], days: list[str]) -> None:
        name, partition = table["Name"], table["Parameters"]["partition"]
        present = self._catalog.files(table)
        with TemporaryDirectory() as scratch:
            added: list[Path] = []
            for day in days:
                path = Path(scratch, f"{partition}={day}", f"{secrets.token_hex(8)}.parquet")
                path.parent.mkdir()
                rows = f"FROM {name} WHERE CAST({partition} AS varchar) = '{day}'"
                if self._connection.execute(f"SELECT count(*) {rows}").fetchone() != (0,):
                    self._connection.execute(f"COPY ({rows}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
                    added.append(path)
            folders = {f"{partition}={day}" for day in days}
            replaced = [each.path.name for each in present if each.path.parent.name in folders]
            self._catalog.commit(table, replaced, added)

    def _optimize(self, match: re.Match[str]) -> None:
        """A day is one object here, so there is nothing to be made of it; the condition must be one."""
        table = self._iceberg(match["name"])
        self._load(table)
        if match["where"]:
            self._connection.execute(f"SELECT 1 FROM {table['Name']} WHERE {match['where']}")

    def _vacuum(self, match: re.Match[str]) -> None:
        table = self._iceberg(match["name"])
        self._before_commit()
        self._catalog.vacuum(table)

    def _iceberg(self, name: str) -> dict[str, Any]:
        table = self._catalog.table(name)
        if table is None:
            raise QueryError(f"TABLE_NOT_FOUND: Table {name} does not exist")
        if not is_iceberg(table):
            raise QueryError(f"NOT_SUPPORTED: {name} is no Iceberg table")
        return table

    def _days(self, table: Mapping[str, Any]) -> dict[str, int]:
        """A fingerprint of each day's rows."""
        name = table["Name"]
        rows = self._connection.execute(
            f"SELECT CAST({table['Parameters']['partition']} AS varchar), sum(hash({name})) FROM {name} GROUP BY 1"
        )
        return dict(rows.fetchall())

    def _prepare(self, statement: str, *, with_rows: bool = True) -> None:
        """Provide the functions of Athena and the tables and views that a statement names."""
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.execute(_MACROS.read_text(encoding="utf-8"))
        self._provide(statement, set(), with_rows=with_rows)

    def _provide(self, statement: str, seen: set[str], *, with_rows: bool) -> None:
        for name in _tables_of(statement):
            table = None if name in seen else self._catalog.table(name)
            seen.add(name)
            if table is None:
                continue
            if view := _VIEW_TEXT.match(table.get("ViewOriginalText", "")):
                body = json.loads(base64.b64decode(view[1]))["originalSql"]
                self._provide(body, seen, with_rows=with_rows)
                self._connection.execute(f'CREATE VIEW "{name}" AS {body}')
            else:
                self._load(table, with_rows=with_rows)

    def _load(self, table: Mapping[str, Any], *, with_rows: bool = True) -> None:
        files = self._catalog.files(table) if with_rows else []
        self._scanned += sum(each.size for each in files)
        if self._limit is not None and self._scanned > self._limit:
            raise BytesScannedError("Query cancelled! : Bytes scanned limit was exceeded")
        if is_iceberg(table):
            self._load_iceberg(table, files)
        else:
            self._load_lines(table, files)

    def _load_iceberg(self, table: Mapping[str, Any], files: list[DataFile]) -> None:
        columns = ", ".join(
            f'"{each["Name"]}" {_DUCKDB_TYPES.get(each["Type"], each["Type"])}'
            for each in table["StorageDescriptor"]["Columns"]
        )
        self._connection.execute(f"CREATE TABLE {table['Name']} ({columns})")
        if files:
            paths = [str(each.path) for each in files]
            rows = self._connection.read_parquet(paths, union_by_name=True, hive_partitioning=False)
            rows.create_view("objects_of_the_table")
            self._connection.execute(f"INSERT INTO {table['Name']} BY NAME SELECT * FROM objects_of_the_table")
            self._connection.execute("DROP VIEW objects_of_the_table")

    def _load_lines(self, table: Mapping[str, Any], files: list[DataFile]) -> None:
        name, partitions = table["Name"], [each["Name"] for each in table["PartitionKeys"]]
        selected = ", ".join(["line", *(f'"{each}"' for each in partitions)])
        declared = ", ".join(f'"{each}" varchar' for each in ("path", *partitions))
        self._connection.execute(f"CREATE TEMP TABLE places_of_{name} ({declared})")
        if not files:
            self._connection.execute(f"CREATE VIEW {name} AS SELECT path AS {selected} FROM places_of_{name}")
            return
        marks = ", ".join("?" for _ in ("path", *partitions))
        self._connection.executemany(
            f"INSERT INTO places_of_{name} VALUES ({marks})",
            [[str(each.path), *(each.partition[part] for part in partitions)] for each in files],
        )
        lines = self._connection.read_csv(
            [str(each.path) for each in files],  # type: ignore[arg-type]
            **LINES,
            filename=True,
            hive_partitioning=False,
        )
        lines.create_view(f"lines_of_{name}")
        self._connection.execute(
            f"CREATE VIEW {name} AS SELECT {selected} FROM lines_of_{name} "
            f"JOIN places_of_{name} ON lines_of_{name}.filename = path"
        )


def _tables_of(statement: str) -> list[str]:
    """Return the names of the tables and views that a statement reads or writes."""
    text = _TEXTS.sub("''", _COMMENTS.sub("", statement))
    own = set(_NAMED_QUERY.findall(text))
    names = [part.split()[0].strip('`"') for found in _SOURCES.findall(text) for part in found.split(",")]
    # UNNEST makes a table of a column.
    return [name for name in dict.fromkeys(names) if name not in own and name.upper() != "UNNEST"]


def _columns(text: str) -> Iterator[dict[str, str]]:
    for match in _COLUMN.finditer(text):
        comment = {"Comment": match["comment"]} if match["comment"] else {}
        yield {"Name": match["name"].lower(), "Type": match["type"].lower(), **comment}


def _athena_type(name: str) -> str:
    lower = name.lower()
    return _ATHENA_TYPES.get(lower, lower.partition("(")[0] if lower.startswith("decimal") else lower)
