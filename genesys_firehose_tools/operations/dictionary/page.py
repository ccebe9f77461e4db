"""Writes the page of the dictionary: what is in an event, and what happens to it."""

from collections.abc import Iterator, Mapping
from typing import Any

from genesys_firehose_cdk.events.event_shapes import CLASSES, parts_of

_HEAD = """# What is in an event, and what happens to it

This page is generated from the dictionary of events (`genesys_firehose_cdk/events/shapes/`) by `make dictionary`. The
dictionary says of each field of each known event what it is, and so whether it passes into `clean/`, becomes a token,
or is removed. Its shapes come from the models of notification topics in Genesys Cloud's own SDK; which class a name has
is reviewed in `genesys_firehose_tools/operations/dictionary/rules.json`. A `MaskingPolicy` changes it for single
fields.

A field that the dictionary does not know is closed: its value passes only if it is a UUID, an ISO 8601 time, true,
false, null, a number of at most six digits, epoch milliseconds within 31 days of arrival, or a number up to 10^9 in a
field named `...Ms` or `...Count`. Another single word becomes a token, anything else null; the key stays. A value that
is not of its field's form is closed likewise. The clean record names what was closed in `closed_fields`, with `*` for a
key that may be a value, and what a known shape does not have in `schema_drift`.

What the backfill puts in is no notification, so its shape is beside the others, in
`genesys_firehose_cdk/events/conversation_details.json`. A sender's event with its topic has no known shape.

"""


def page_of(schemas: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the page of these schemas, as Markdown."""
    classes = "".join(f"| `{word}` | {meaning} |\n" for word, meaning in CLASSES.items())
    families = "".join(_family(name, schema) for name, schema in sorted(schemas.items()))
    return f"{_HEAD}| Class | What it is, and what happens |\n|---|---|\n{classes}\n{families}"


def _family(name: str, schema: Mapping[str, Any]) -> str:
    fields: dict[str, set[str]] = {}
    for field, word in _leaves(schema):
        fields.setdefault(word, set()).add(field)
    if "x-topics" in schema:
        topics = "".join(f"- `{topic}`\n" for topic in sorted(schema["x-topics"]))
    else:
        topics = f"Events with {' and '.join(f'`{field}`' for field in schema['required'])}.\n"
    rows = "".join(
        f"| `{word}` | {', '.join(f'`{field}`' for field in sorted(fields[word]))} |\n"
        for word in CLASSES
        if word in fields
    )
    return f"## {name}\n\n{topics}\n| Class | Fields |\n|---|---|\n{rows}\n"


def _leaves(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every field that is a plain value or a map, with its class."""
    for _place, part in parts_of(schema, ""):
        for name, field in part.get("properties", {}).items():
            inner = field
            while "items" in inner:
                inner = inner["items"]
            if "x-class" in inner:
                yield name, inner["x-class"]
