"""Writes the dictionary and its page: `make dictionary`."""

import json
from pathlib import Path

from genesys_firehose_cdk.events.event_shapes import EventShapes
from genesys_firehose_tools.operations.dictionary.generate import Rules, generate, generate_details, read, topics_of
from genesys_firehose_tools.operations.dictionary.page import page_of
from genesys_firehose_tools.operations.shapes import to_text

ROOT = Path(__file__).parents[3]
SHAPES = ROOT / "genesys_firehose_cdk" / "events" / "shapes"
DETAILS = SHAPES.parent / "conversation_details.json"
PAGE = ROOT / "docs" / "events.md"


def page() -> str:
    """Return the page of the dictionary as it is written."""
    details = json.loads(DETAILS.read_text(encoding="utf-8"))
    return page_of({**EventShapes.from_directory(SHAPES).schemas, DETAILS.stem: details})


if __name__ == "__main__":
    rules = read("rules.json")
    for name, schema in generate(topics_of(rules), Rules(rules)).items():
        (SHAPES / f"{name}.json").write_text(to_text(schema), encoding="utf-8")
    DETAILS.write_text(to_text(generate_details(Rules(rules))), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
