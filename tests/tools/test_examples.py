"""The examples run on an extract of the tables, and find in it what the contact centre noted."""

import csv
import random
import runpy
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.library.lake.tables.contact_centre import ContactCentre, midnight
from tests.library.lake.tables.duckdb_lake import Tables
from tests.library.lake.tables.test_oracle import lines_of, names_of
from tests.library.synthesis import ROOT


@pytest.fixture(scope="module")
def centre() -> ContactCentre:
    centre = ContactCentre(seed=3, start=midnight("2026-11-20"), days=2)
    centre.converse(300)
    return centre


@pytest.fixture(scope="module")
def extract(centre: ContactCentre, tmp_path_factory: pytest.TempPathFactory) -> Path:
    chance = random.Random(1)  # noqa: S311 - repeatable, not secret
    tables = Tables()
    tables.create_views()
    tables.add_lines([line for event in centre.events for line in lines_of(event, 1, chance)] + names_of(centre))
    tables.merge(date(2026, 11, 20), date(2026, 11, 22))
    directory = tmp_path_factory.mktemp("extract")
    for name in ("sessions", "dim_queues"):
        # As `query --csv` writes it.
        answer = tables.connection.execute(f"SELECT * FROM {name}")  # noqa: S608
        with (directory / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([[column[0] for column in answer.description], *answer.fetchall()])
    return directory


@pytest.fixture(scope="module")
def waits(extract: Path) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXTRACT", str(extract))
        return runpy.run_path(str(ROOT / "examples" / "waits.py"))


def test_the_waits_of_each_queue_are_counted(waits: dict[str, Any], centre: ContactCentre) -> None:
    noted: Counter[str] = Counter()
    for (_, queue, _), counts in centre.books.queues.items():
        noted[centre.queues[queue]] += counts["offered"]
    assert {row[0]: row[1] for row in waits["waits"].fetchall()} == noted
    for _, _, half, most, longest in waits["waits"].fetchall():
        assert 0 < half < most < longest < 200


def test_everybody_who_gave_up_is_in_the_curve_of_patience(waits: dict[str, Any], centre: ContactCentre) -> None:
    noted: Counter[str] = sum(centre.books.queues.values(), Counter())
    rows = waits["patience"].fetchall()
    assert rows[0][1:] == (noted["short_abandoned"], noted["offered"])
    # Whom the last step of the curve leaves out still waited then.
    assert sum(gave_up for _, gave_up, _ in rows) <= noted["abandoned"]
    assert [bar.get_height() for bar in waits["axes"].patches] == [gave_up / there for _, gave_up, there in rows]


def test_conversations_are_told_by_how_many_queues_they_waited_in(waits: dict[str, Any], centre: ContactCentre) -> None:
    noted = Counter(counts["offered"] for counts in centre.books.conversations.values() if counts["offered"])
    assert {queues: conversations for queues, conversations, _ in waits["transfers"].fetchall()} == noted
