"""The masking plan as the construct compiled it: which shape an event has, and what happens to its fields.

The plan is many files, one for each family of events, and each is read when an event of it comes.
"""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

_ANY_ID = "{id}"
# No part of a topic: a sender's topic may well have an empty one.
_TOPIC_END = "."
_DIRECTORY = Path(__file__).with_name("plan")


class Found(NamedTuple):
    """The place of an event's shape in the plan.

    Attributes:
        file: the plan's file.
        number: the number of the object in it.
        is_known: whether the shape is a known one.
        ids: which parts of the topic are identifiers; None for an unknown topic.
        is_personal: whether these identify an external contact.
    """

    file: str
    number: int
    is_known: bool
    ids: tuple[int, ...] | None = ()
    is_personal: bool = False


class MaskingPlan:
    """The plan's files.

    Args:
        read: reads a file of the plan by its name; called once for each.
    """

    def __init__(self, read: Callable[[str], Any]) -> None:
        self.index: dict[str, Any] = read("index")
        self.nodes = cache(read)
        self._topics: dict[str, Any] = {}
        personal = set(self.index["personal_topics"])
        for topic, (file, number) in self.index["topics"].items():
            node = self._topics
            parts = topic.split(".")
            for part in parts:
                node = node.setdefault(part, {})
            ids = tuple(place for place, part in enumerate(parts) if part == _ANY_ID)
            node[_TOPIC_END] = Found(file, number, True, ids, topic in personal)
        self._without_topic = [
            (frozenset(required), Found(file, number, True)) for required, file, number in self.index["without_topic"]
        ]
        self._of_ingress = {
            ingress: Found(file, number, True, tuple(ids))
            for ingress, (file, number, ids) in self.index["of_ingress"].items()
        }
        file, number = self.index["unknown_topic"]
        self._unknown_topic = Found(file, number, False, None)
        file, number = self.index["unknown_shape"]
        self._unknown_shape = Found(file, number, False)

    @property
    def version(self) -> int:
        """The policy's own version."""
        version: int = self.index["version"]
        return version

    def find(self, payload: dict[str, Any], ingress: str = "") -> Found:
        """Return the shape of an event. What the pipeline puts in itself is known by its ingress alone."""
        if ingress in self._of_ingress:
            return self._of_ingress[ingress]
        topic = payload.get("topicName")
        if isinstance(topic, str):
            return _find(self._topics, topic.split("."), 0) or self._unknown_topic
        keys = payload.keys()
        return next((found for required, found in self._without_topic if required <= keys), self._unknown_shape)


def _find(node: dict[str, Any], parts: list[str], place: int) -> Found | None:
    if place == len(parts):
        return node.get(_TOPIC_END)
    # A word of one topic may be the identifier of another: `v2.system.socket_closing` and `v2.system.{id}.{id}`.
    for part in (parts[place], _ANY_ID):
        inner = node.get(part)
        if inner is not None and (found := _find(inner, parts, place + 1)):
            return found
    return None


def staged_plan() -> MaskingPlan:
    """Return the plan that lies beside the code."""
    return MaskingPlan(lambda name: json.loads((_DIRECTORY / f"{name}.json").read_text(encoding="utf-8")))
