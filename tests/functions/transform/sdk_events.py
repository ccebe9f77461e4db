"""Events as Genesys Cloud's own SDK describes them: one for each notification topic, with every field of its model.

Which model a topic has is told by the SDK's repository (`topics.json`); the fields are read from the SDK itself.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from genesys_firehose_tools.operations.dictionary.sdk import Field, fields_of

ROOT = Path(__file__).parents[3]
TOPICS: dict[str, str] = json.loads(
    (ROOT / "genesys_firehose_tools/operations/dictionary/topics.json").read_text(encoding="utf-8")
)
ID = "0a1b2c3d-0000-4000-8000-00000000abcd"
TIME = "2026-11-24T09:12:44.120Z"


def event_of(topic: str, text: Callable[[Field], Any]) -> dict[str, Any]:
    """One event of a topic.

    Args:
        topic: the topic.
        text: what a text field holds.
    """
    return {
        "topicName": topic.replace("{id}", ID),
        "version": "2",
        "eventBody": _object(TOPICS[topic], text, ()),
        "metadata": {"CorrelationId": ID},
        "timestamp": TIME,
    }


def _object(model: str, text: Callable[[Field], Any], above: tuple[str, ...]) -> dict[str, Any]:
    return {name: _value(field, text, (*above, model)) for name, field in fields_of(model).items()}


def _value(field: Field, text: Callable[[Field], Any], above: tuple[str, ...]) -> Any:
    if field.type.startswith("dict("):
        return {str(text(field)): text(field), "plain": text(field)}
    if field.model:
        value: Any = None if field.model in above else _object(field.model, text, above)
    elif field.scalar == "str":
        value = text(field)
    else:
        value = {"datetime": TIME, "date": "2026-11-24", "int": 7, "float": 0.5, "bool": True}.get(field.scalar)
    for _ in range(field.list_depth):
        value = [value]
    return value
