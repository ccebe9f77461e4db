"""The page of the drills has each of them, with what it breaks, sets off and is told by."""

import re

from genesys_firehose_tools.local.drills.catalogue import DRILLS
from genesys_firehose_tools.operations.doctor.checks import CHECKS
from tests.library.synthesis import ROOT
from tests.library.templates import template

PAGE = (ROOT / "docs" / "drills.md").read_text()
ROWS = {
    cells[0].strip("`"): cells[1:]
    for line in PAGE.splitlines()
    if line.startswith("| `")
    for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
}


def _names(cell: str) -> set[str]:
    return set(re.findall(r"`([\w-]+)`", cell))


def test_the_page_has_every_drill_in_their_order() -> None:
    assert list(ROWS) == list(DRILLS)


def test_each_row_names_the_alarms_and_the_checks_of_its_drill() -> None:
    for name, (_broken, off, doctor, _lost) in ROWS.items():
        assert "not evaluated here" in off or _names(off) == DRILLS[name].alarms, name
        assert _names(doctor) == DRILLS[name].checks, name


def test_a_drill_names_alarms_and_checks_that_there_are() -> None:
    alarms = template("Pipeline of local").resources("AWS::CloudWatch::Alarm").values()
    names = {alarm["Properties"]["AlarmName"].rsplit("/", 1)[1] for alarm in alarms}
    for drill in DRILLS.values():
        assert drill.alarms <= names, drill.name
        assert drill.checks <= {check.name for check in CHECKS}, drill.name
