"""The page on security lists the attacks that are tried, and no other."""

import re

from tests.library.synthesis import ROOT


def test_the_page_lists_every_attack_that_is_tried_and_no_other() -> None:
    rows = re.findall(
        r"^\| `(test_\w+\.py)`: .+ \| (Held|Accepted)", (ROOT / "docs/security.md").read_text(), re.MULTILINE
    )
    assert sorted(name for name, _outcome in rows) == sorted(
        path.name for path in (ROOT / "tests/attacks").glob("test_*.py")
    )
