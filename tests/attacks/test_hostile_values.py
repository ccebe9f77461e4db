"""A sender writes hostile values into the fields that the saved queries read, and wants a query to fail or to lie.

The fields are taken from the queries themselves: every path that one reads, every topic and type that it looks for.
"""

import itertools
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from genesys_firehose_cdk.lake.lake_catalog import saved_queries
from tests.library.lake.test_queries import NOW, Lake, Rows

QUERIES = {name: text for name, text in saved_queries().items() if name != "create_view"}
_PATH = re.compile(r"json_extract(?:_scalar)?\((line|event), '\$\.([A-Za-z_.]+)'\)")
_TOPIC = re.compile(r"topic LIKE '(v2\.[^']+)'")
_TYPE = re.compile(r"event_type = '([a-z]+)'")
_LITERAL = re.compile(r"(\w+)(?:'\))? = '([A-Z]+)'")
_NOW = f"TIMESTAMPTZ '{NOW:%Y-%m-%d %H:%M:%S}+00'"

HOSTILE: dict[str, Any] = {
    "text": "abc",
    "no text": "",
    "blanks": "  ",
    "infinity": "Infinity",
    "minus infinity": "-Infinity",
    "no number": "NaN",
    "the largest double": 1e308,
    "beyond any double": "1e999",
    "400 digits": "9" * 400,
    "a trillion years": 10**20,
    "three years and more": 10**11,
    "negative": -1_000_000,
    "very negative": "-1e308",
    "null": None,
    "true": True,
    "an array": [1, "a", [None]],
    "an object": {"a": {"b": 1}},
    "quotes": '\' OR \'1\'=\'1" -- \\" {"a": "\\""}',
    "a NUL": "a\u0000b",
    "like wildcards": "%_%",
    "a path": "$.eventBody.queueId",
    "far in the future": "9999-12-31T23:59:59.999Z",
    "beyond any date": "+1000000-01-01T00:00:00Z",
}


def paths_of(query: str) -> list[str]:
    """The fields of a record that a query reads."""
    found = {f"event.{path}" if column == "event" else path for column, path in _PATH.findall(query)}
    return sorted(found - {"event", "schema_drift"})


def kinds_of(query: str) -> list[tuple[str, str | None]]:
    """Types and topics of the events that a query looks at."""
    topics = [topic.replace("%", "c-1") for topic in _TOPIC.findall(query)]
    return list(itertools.product(_TYPE.findall(query) or ["call"], topics or [None]))


def put(record: dict[str, Any], path: str, value: Any) -> None:
    *way, last = path.split(".")
    for name in way:
        record = record.setdefault(name, {})
    record[last] = value


def records(query: str, owner: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """A record of each kind, with a believable value in every field of the event that the query reads.

    Where the query looks for one value of a field, it is that one.
    """
    special = dict(_LITERAL.findall(query))
    for event_type, topic in kinds_of(query):
        record: dict[str, Any] = {"topic": topic}
        for path in paths_of(query):
            if path.startswith("event."):
                text = special.get(path.rpartition(".")[2], f"{owner} {path}")
                put(record, path, 60_000 if path.endswith("Ms") else text)
        yield event_type, record


def found_in(root: Path, name: str, hostile: list[tuple[str, dict[str, Any]]]) -> Rows:
    """What a query finds in honest events and hostile ones."""
    lake = Lake(root)
    for event_type, record in [*records(QUERIES[name], "honest"), *hostile]:
        lake.add(event_type, **record)
    return lake.run(QUERIES[name].replace("current_timestamp", _NOW))


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    """What each query finds in honest events alone."""
    return {name: found_in(tmp_path_factory.mktemp(name), name, []) for name in QUERIES}


ATTACKS = [(name, path) for name, query in QUERIES.items() for path in paths_of(query)]


def test_the_fields_are_found_in_the_queries() -> None:
    assert {len(QUERIES), len(set(ATTACKS))} == {6, len(ATTACKS)}
    read = {path for _, path in ATTACKS}
    assert {"received_at", "event.eventBody.connectedDurationMs", "event.dispositionCode"} <= read
    # No path is written in a way that the test overlooks.
    assert all(query.count("'$.") == len(_PATH.findall(query)) for query in QUERIES.values())


@pytest.mark.parametrize(("name", "path"), ATTACKS)
def test_no_value_fails_a_query_or_changes_a_row_of_honest_events(
    tmp_path: Path, honest: dict[str, Rows], name: str, path: str
) -> None:
    """The sender keeps to groups of its own, but for the field under attack."""
    assert honest[name]
    hostile = []
    for value in HOSTILE.values():
        for event_type, record in records(QUERIES[name], "hostile"):
            put(record, path, value)
            # Types are partitions that we name, and some queries group by them.
            hostile.append((event_type if _TYPE.search(QUERIES[name]) else "unknown", record))
    found = found_in(tmp_path, name, hostile)
    assert [row for row in found if row in honest[name]] == honest[name]
    figures = [field for row in found for field in row if isinstance(field, int | float)]
    assert all(math.isfinite(figure) and abs(figure) < 1e12 for figure in figures)


DURATIONS = [(name, path) for name, path in ATTACKS if path.endswith("Ms")]


@pytest.mark.parametrize(("name", "path"), DURATIONS)
def test_a_duration_that_is_none_spoils_no_average_of_the_group_it_is_sent_into(
    tmp_path: Path, honest: dict[str, Rows], name: str, path: str
) -> None:
    hostile = []
    for value in HOSTILE.values():
        for event_type, record in records(QUERIES[name], "honest"):
            for _, other in (attack for attack in DURATIONS if attack[0] == name):
                put(record, other, value if other == path else None)
            hostile.append((event_type, record))
    figures = [field for row in found_in(tmp_path, name, hostile) for field in row if isinstance(field, float)]
    assert figures == [field for row in honest[name] for field in row if isinstance(field, float)]
    assert any(figures)


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_a_body_or_a_topic_that_is_none_fails_no_query(tmp_path: Path, honest: dict[str, Rows], name: str) -> None:
    hostile = []
    for event_type, record in records(QUERIES[name], "hostile"):
        for value in HOSTILE.values():
            hostile.append((event_type, {**record, "event": {"eventBody": value}}))
            hostile.append((event_type, {**record, "topic": value}))
    found = found_in(tmp_path, name, hostile)
    if name not in ("events_per_hour", "freshness"):
        assert [row for row in found if row in honest[name]] == honest[name]


def test_no_sum_of_what_counts_is_infinite(tmp_path: Path) -> None:
    """The largest duration that counts, in as many events as a day may have, is far from the end of the doubles."""
    lake = Lake(tmp_path)
    for number in range(200):
        lake.user_end(f"c-{number}", "99999999999.999", "99999999999.999")
    [(_, _, conversations, talk, *_others)] = lake.saved("handle_times")
    assert (conversations, talk) == (200, pytest.approx(1e8))
