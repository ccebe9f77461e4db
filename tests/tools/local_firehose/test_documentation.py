"""docs/local-firehose.md lists what is modelled beside the test that shows it."""

import re
from pathlib import Path

HERE = Path(__file__).parent


def test_the_documentation_names_every_test_and_no_other() -> None:
    page = (HERE.parents[2] / "docs" / "local-firehose.md").read_text()
    sources = [path.read_text() for path in HERE.glob("test_*.py") if path != Path(__file__)]
    defined = {name for source in sources for name in re.findall(r"^def (test_\w+)", source, re.MULTILINE)}
    assert set(re.findall(r"`(test_\w+)`", page)) == defined
