"""A marker in every text of every notification that Genesys Cloud's SDK knows: only names of things pass."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from genesys_firehose_tools.operations.dictionary.sdk import Field
from tests.functions.transform.sdk_events import ID, TIME, TOPICS, event_of
from tests.wired_functions import PLAN
from transform.masking import Masker

ARRIVED_MS = 1_795_000_000_000
KINDS: dict[str, Callable[[int], str]] = {
    "two words": lambda number: f"Zqmarker Nr{number}x",
    "one word": lambda number: f"Zqmarker{'abcdefghij'[number % 10]}",
    "an e-mail address": lambda number: f"zqmarker.{number}@example.com",
    "digits": lambda number: f"{15550000000 + number}",
}
NAMES_OF_THINGS = Path(__file__).with_name("names_of_things.json")


def places(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a value, with the path it stands at; a key counts as a text too."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{path}.*", key
            yield from places(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from places(inner, f"{path}[]")
    elif isinstance(value, str):
        yield path, value


@cache
def clear_places(kind: str) -> tuple[int, dict[str, Counter[str]]]:
    """How many texts were planted, and the places of those in clear by the class the dictionary gives them."""
    masker = Masker(PLAN, b"key")
    planted = 0
    found: dict[str, Counter[str]] = {}
    for topic in TOPICS:
        markers: set[str] = set()

        def mark(_field: Field, markers: set[str] = markers) -> str:
            marker = KINDS[kind](len(markers))
            markers.add(marker)
            return marker

        event = event_of(topic, mark)
        planted += sum(text in markers for _, text in places(event))
        classes = classes_of(topic)
        masker.mask(event, ARRIVED_MS)
        for path, text in places(event):
            if text in markers:
                found.setdefault(classes.get(path, "none"), Counter())[path.rpartition(".")[2]] += 1
    return planted, found


def classes_of(topic: str) -> dict[str, str]:
    """The class of each field of a topic, by its path, as the plan has it."""
    found = PLAN.find({"topicName": topic.replace("{id}", ID)})
    classes: dict[str, str] = {}

    def walk(number: int, path: str, above: tuple[int, ...]) -> None:
        for name, field in PLAN.nodes(found.file)[number]["f"].items():
            place = f"{path}.{name}" if path else name
            while "i" in field:
                field, place = field["i"], f"{place}[]"
            if "n" in field and field["n"] not in above:
                walk(field["n"], place, (*above, number))
            elif "r" in field:
                classes[place] = field["r"]

    walk(found.number, "", ())
    return classes


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"one word"}))
def test_of_the_texts_in_every_sdk_topic_only_names_of_things_are_in_clear(kind: str) -> None:
    planted, found = clear_places(kind)
    print(f"{kind}: {planted} texts planted, {sum(map(Counter.total, found.values()))} in clear: {_figures(found)}")
    assert planted > 6000
    assert set(found) == {"name"}, {word: names for word, names in found.items() if word != "name"}


def test_of_single_words_only_names_of_things_and_codes_are_in_clear() -> None:
    """A code passes new values too, so a single word passes where the dictionary says that a code stands."""
    planted, found = clear_places("one word")
    print(f"one word: {planted} texts planted, {sum(map(Counter.total, found.values()))} in clear: {_figures(found)}")
    assert planted > 6000
    assert set(found) == {"name", "code"}


def test_the_names_of_things_are_those_that_were_reviewed() -> None:
    reviewed = json.loads(NAMES_OF_THINGS.read_text(encoding="utf-8"))
    paths = {path for topic in TOPICS for path, word in classes_of(topic).items() if word == "name"}
    ends = {".".join(path.replace("[]", "").split(".")[-2:]) for path in paths}
    assert sorted(ends) == reviewed


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_an_event_as_the_sdk_describes_it_has_no_drift_and_loses_no_code_or_id(topic: str) -> None:
    def sane(field: Field) -> str:
        return ID if not field.is_enumeration else "IDLE"

    event = event_of(topic, sane)
    findings = Masker(PLAN, b"key").mask(event, ARRIVED_MS)
    assert findings.schema_drift == []
    assert all(name.endswith("*") for name in findings.closed_fields), findings.closed_fields
    assert event["timestamp"] == TIME
    assert event["metadata"] == {"CorrelationId": ID}


def _figures(found: dict[str, Counter[str]]) -> dict[str, int]:
    return {word: names.total() for word, names in found.items()}
