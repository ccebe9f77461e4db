"""What the dictionary says of each notification topic: its preset, its events' type, and what is personal in them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from genesys_firehose_tools.library_files import function_module, resolve, shapes

# What is closed of an event, in words.
_PERSONAL = {"person": "persons", "text": "free text", "map": "maps", "secret": "links and files"}

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Topic:
    """A notification topic.

    Attributes:
        name: The topic, with `{id}` for what varies.
        preset: The preset that holds it; None for none.
        event_type: The type of its events, by which `clean/` is partitioned.
        personal: What in its events can be personal, and so does not pass: persons, free text, maps, links and files.
    """

    name: str
    preset: str | None
    event_type: str
    personal: tuple[str, ...]


def list_topics(presets: Mapping[str, tuple[str, ...]]) -> list[Topic]:
    """Return every topic of the dictionary.

    Args:
        presets: The topics of each preset.
    """
    preset_of = {topic: preset for preset, topics in presets.items() for topic in topics}
    event_type_of = function_module("shared.event").event_type_of
    found = []
    for schema in shapes().values():
        for topic, part in schema.get("x-topics", {}).items():
            classes = set(_classes(part, schema, set()))
            personal = tuple(words for name, words in _PERSONAL.items() if name in classes)
            # Of conversations that any medium can be, a body says more; the topic alone says as much as it can.
            event_type = event_type_of({"topicName": topic, "eventBody": {}})
            found.append(Topic(topic, preset_of.get(topic), event_type, personal))
    return sorted(found, key=lambda topic: topic.name)


def _classes(part: Schema, root: Schema, seen: set[int]) -> Iterator[str]:
    """Yield the class of every field of a schema, whose parts may refer to each other in circles."""
    part = resolve(part, root)
    if id(part) in seen:
        return
    seen.add(id(part))
    if "x-class" in part:
        yield part["x-class"]
    for inner in part.get("properties", {}).values():
        yield from _classes(inner, root, seen)
    if "items" in part:
        yield from _classes(part["items"], root, seen)
