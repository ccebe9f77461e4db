"""The page about the tables has every table, view and column, in the model's words."""

import pytest

from genesys_firehose_cdk.lake.tables.model import COMPLETENESS_TABLES, TABLES, VIEWS, Table, View
from tests.library.synthesis import ROOT

PAGE = (ROOT / "docs/tables.md").read_text(encoding="utf-8")


def section_of(owner: Table | View) -> str:
    """What the page says of a table or view; where a test fails, put this there."""
    rows = "".join(f"| `{column.name}` | {column.type} | {column.comment} |\n" for column in owner.columns)
    key = f" Key: {', '.join(f'`{name}`' for name in owner.key)}." if isinstance(owner, Table) else ""
    return f"### `{owner.name}`\n\n{owner.comment}.{key}\n\n| Column | Type | |\n| --- | --- | --- |\n{rows}"


@pytest.mark.parametrize("owner", [*TABLES, *COMPLETENESS_TABLES, *VIEWS], ids=lambda owner: owner.name)
def test_the_page_describes(owner: Table | View) -> None:
    assert section_of(owner) in PAGE


def test_the_page_describes_nothing_else() -> None:
    names = [line.strip("#` ") for line in PAGE.splitlines() if line.startswith("### ")]
    assert names == [owner.name for owner in (*TABLES, *COMPLETENESS_TABLES, *VIEWS)]
