"""One question about a day of 60,000 events, to the objects of clean/ and to the tables, both in DuckDB."""

import gzip
import json
import re
from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

import genesys_firehose_tools
from benchmarks import inputs
from benchmarks.contestants import our_transform
from benchmarks.instant_aws import InstantAws
from benchmarks.measuring import OURS, Figure, Goal, compare, interleave
from genesys_firehose_cdk.lake.lake_catalog import saved_queries
from genesys_firehose_cdk.lake.tables.model import TABLES, VIEWS
from genesys_firehose_cdk.lake.tables.statements import create_view, merge
from genesys_firehose_tools.local.athena.engine import LINES
from genesys_firehose_tools.local.stories import tell_day
from genesys_firehose_tools.local.values import Values

EVENTS = 60_000
# The waits of each queue by how they ended: a saved query that there is with tables and without.
QUESTION = "queue_times"
# The longer of the two takes seconds.
_ROUNDS = 4
# So many fill the 20 hours of the generator's few agents; there are as many such days at once as it takes.
_CONVERSATIONS = 1_000
_CLEAN = "clean"
_MACROS = Path(genesys_firehose_tools.__file__).parent / "local" / "athena" / "macros.sql"


def measure(_rounds: int) -> Iterator[Figure]:
    """Measure the day's objects, the bytes of those that the question reads, and the time that it takes."""
    # The transform files no event under a day that is much longer ago than its arrival.
    day = datetime.now(UTC).date() - timedelta(days=1)
    with TemporaryDirectory() as scratch:
        _write_clean(Path(scratch), day)
        _write_tables(Path(scratch), day)
        clean = [*Path(scratch, _CLEAN).rglob("*.gz")]
        objects = {OURS: [float(len(TABLES))], _CLEAN: [float(len(clean))]}
        connections = {OURS: _lake_with_tables(Path(scratch)), _CLEAN: _lake(Path(scratch))}
        questions = {name: saved_queries(has_tables=name == OURS)[QUESTION] for name in connections}
        sizes = {
            OURS: [_size_of_columns(connections[OURS], Path(scratch, "sessions.parquet"), questions[OURS])],
            _CLEAN: [float(sum(path.stat().st_size for path in clean))],
        }
        answers = {name: sorted(_waits(connections[name], questions[name])) for name in connections}
        if answers[OURS] != answers[_CLEAN] or not answers[OURS]:
            raise RuntimeError("the tables answer the question otherwise than clean/")
        contestants = {
            name: lambda _, name=name: connections[name].execute(questions[name]).fetchall() for name in connections
        }
        samples = interleave(contestants, [None] * _ROUNDS)
    subject = f"a day of {EVENTS:,} events"
    yield compare(f"{subject}: objects", "objects", objects, goals=[Goal(_CLEAN, 24 / objects[_CLEAN][0])])
    yield compare(f"{subject}: read for one question", "MB", sizes, 1e-6, [Goal(_CLEAN, 1 / 15)])
    yield compare(f"{subject}: one question", "ms of CPU", samples, 1e3, [Goal(_CLEAN, 1 / 50)])


def _write_clean(directory: Path, day: date) -> None:
    """Write what the transform makes of the day's events as Firehose does: an object for each type and minute."""
    values, end = Values(1, None), datetime(day.year, day.month, day.day, 23, 59, tzinfo=UTC)
    records: list[bytes] = []
    while len(records) < EVENTS:
        told = tell_day(values, end=end, conversations=_CONVERSATIONS)
        records += [inputs.record(event.body) for event in told.events]
    objects: dict[Path, list[bytes]] = defaultdict(list)
    transform = our_transform(InstantAws())
    for batch in _batches(records[:EVENTS]):
        for record in transform(inputs.firehose_batch(batch))["records"]:
            line = b64decode(record["data"])
            keys = record["metadata"]["partitionKeys"]
            minute = (json.loads(line)["event_time"] or "")[:16].replace(":", "-")
            objects[Path(_CLEAN, *(f"{name}={value}" for name, value in keys.items()), f"{minute}.gz")].append(line)
    for path, lines in objects.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(gzip.compress(b"".join(lines)))


def _batches(records: list[bytes], size: int = 500) -> Iterator[list[bytes]]:
    for start in range(0, len(records), size):
        yield records[start : start + size]


def _write_tables(directory: Path, day: date) -> None:
    """Write the tables as they are after the night's OPTIMIZE: an object for each."""
    lake = _lake(directory)
    lake.execute("CREATE TABLE lines AS SELECT * FROM clean; DROP VIEW clean; ALTER TABLE lines RENAME TO clean")
    for table in TABLES:
        columns = ", ".join(f"{each.name} {each.type.replace('string', 'varchar')}" for each in table.columns)
        lake.execute(f"CREATE TABLE {table.name} ({columns})")
        lake.execute(merge(table, str(day), str(day)))
        lake.execute(f"COPY {table.name} TO '{directory / table.name}.parquet' (FORMAT parquet, COMPRESSION zstd)")


def _lake(directory: Path) -> Any:
    """A connection with Athena's functions and `clean`, as the local Athena has it."""
    lake = duckdb.connect(config={"autoinstall_known_extensions": False})
    lake.execute("SET TimeZone = 'UTC'")
    lake.execute(_MACROS.read_text(encoding="utf-8"))
    lake.read_csv(
        str(directory / _CLEAN / "**" / "*.gz"),
        **LINES,
        hive_partitioning=True,
        hive_types_autocast=False,
    ).create_view(_CLEAN)
    return lake


def _lake_with_tables(directory: Path) -> Any:
    lake = _lake(directory)
    for table in TABLES:
        lake.read_parquet(str(directory / f"{table.name}.parquet")).create_view(table.name)
    for view in VIEWS:
        lake.execute(create_view(view))
    return lake


def _size_of_columns(lake: Any, path: Path, question: str) -> float:
    """The bytes of the columns that a question names, and of the file's index of them; other columns are not read."""
    sizes = lake.execute(
        "SELECT path_in_schema, sum(total_compressed_size) FROM parquet_metadata($1) GROUP BY 1 "
        "UNION ALL SELECT '', footer_size FROM parquet_file_metadata($1)",
        [str(path)],
    ).fetchall()
    named = {"", *re.findall(r"\w+", question)}
    return float(sum(size for column, size in sizes if column in named))


def _waits(lake: Any, question: str) -> Iterator[tuple[Any, ...]]:
    """The answer's figures, without what only one of the two forms has."""
    answer = lake.execute(question)
    names = [column[0] for column in answer.description]
    for row in answer.fetchall():
        values = dict(zip(names, row, strict=True))
        yield values["queue_id"], values["media_type"], values["outcome"], round(values["average_seconds"], 3)
