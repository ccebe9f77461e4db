"""What commands print can be read in a terminal of 80 columns, and a file that they write is never empty."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from genesys_firehose_tools.cli import app
from genesys_firehose_tools.commands import terminal
from tests.library.synthesis import ROOT

WIDTH = 80
# Those that need no pipeline; tests/e2e/test_terminal.py runs the others.
OFFLINE = {
    "cost": ["--events-per-day", "60000"],
    "cost of much": ["--events-per-day", "100000000", "--duplicates", "0.3"],
    "capacity": ["--events-per-second", "50"],
    "capacity exceeded": ["--events-per-second", "20000", "--region", "eu-central-1"],
    "capacity of the bus": ["--events-per-second", "50", "--ingress", "eventbridge"],
    "topics": [],
}


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, [*arguments], env={"COLUMNS": str(WIDTH)})
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))


def words(text: str) -> str:
    """Return the text without a table's lines, and without the breaks that a narrow column makes."""
    return "".join(character for character in text if character.isalnum())


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("case", OFFLINE)
def test_a_table_fits_and_cuts_nothing(case: str) -> None:
    printed = run(case.split()[0], *OFFLINE[case])
    tables = [line for line in printed.splitlines() if line[:1] in "┏┃┡│└├"]
    assert tables
    assert {len(line) for line in tables} == {WIDTH} or max(map(len, tables)) < WIDTH
    # Every row has its right border, and nothing an ellipsis.
    assert all(line[-1] in "┓┃┩│┘┤" for line in tables)
    assert "…" not in printed


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize(
    ("region", "rate", "property_name"),
    [("us-east-1", "600", "webhook.throttling_rate_limit"), ("eu-central-1", "900", "delivery.shards")],
)
def test_the_property_to_raise_stands_there_in_one_piece(region: str, rate: str, property_name: str) -> None:
    assert property_name in run("capacity", "--events-per-second", rate, "--region", region)


@pytest.mark.usefixtures("narrow")
def test_capacity_fits_on_a_screen() -> None:
    assert len(run("capacity", "--events-per-second", "50").splitlines()) < 50


def test_every_quantity_of_the_bill_has_a_unit() -> None:
    rows = [line.split("│") for line in run("cost", "--events-per-day", "60000").splitlines() if "│" in line]
    bill = rows[: next(place for place, row in enumerate(rows) if row[1].strip() == "all")]
    quantities = "".join(row[3] for row in bill)
    assert words(quantities).count("requests") >= 5
    assert {"GB", "keys", "secrets", "metrics"} <= set(quantities.split())


@pytest.mark.parametrize(
    "module", sorted((ROOT / "genesys_firehose_tools/commands").glob("*.py")), ids=lambda p: p.stem
)
def test_no_command_makes_a_table_that_could_cut(module: Path) -> None:
    names = {node.id for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Name)}
    assert "Table" not in names or module.stem == "terminal"


def test_the_version_is_the_packages() -> None:
    assert run("--version").startswith("genesys-firehose ")


@pytest.mark.parametrize("command", [["cost", "--events-per-day", "1"], ["capacity", "--events-per-second", "1"]])
def test_a_region_that_does_not_exist_is_refused(command: list[str]) -> None:
    result = CliRunner().invoke(app, [*command, "--region", "eu-west-9"], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert "eu-west-9 is no AWS region" in result.stderr
    assert "eu-west-1" in result.stderr


def test_a_file_of_an_answer_stays_as_it_was_when_the_new_answer_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "local.json"
    terminal.print_json({"bucket": "lake"}, file)
    assert json.loads(file.read_text()) == {"bucket": "lake"}
    with pytest.raises(TypeError):
        terminal.print_json({"bucket": object()}, file)
    assert json.loads(file.read_text()) == {"bucket": "lake"}
    assert list(tmp_path.iterdir()) == [file]


def test_a_command_ends_without_a_word_when_who_reads_its_output_has_seen_enough() -> None:
    genesys_firehose = Path(sys.executable).with_name("genesys-firehose")
    with subprocess.Popen(
        [genesys_firehose, "topics"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        # The pipe has no reader any more when the command prints.
        command.stdout.close()
        said = command.stderr.read()
    assert said == ""
