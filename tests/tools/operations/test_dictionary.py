"""The dictionary and its page are what the command writes of the SDK that is installed."""

from genesys_firehose_cdk.events.event_shapes import EventShapes
from genesys_firehose_tools.operations.dictionary.__main__ import DETAILS, PAGE, SHAPES, page
from genesys_firehose_tools.operations.dictionary.generate import Rules, generate, generate_details, read, topics_of
from genesys_firehose_tools.operations.shapes import to_text


def test_the_dictionary_is_what_the_command_writes() -> None:
    rules = read("rules.json")
    for name, schema in generate(topics_of(rules), Rules(rules)).items():
        assert to_text(schema) == (SHAPES / f"{name}.json").read_text(encoding="utf-8"), name
    assert to_text(generate_details(Rules(rules))) == DETAILS.read_text(encoding="utf-8")


def test_the_page_of_the_dictionary_is_current() -> None:
    assert page() == PAGE.read_text(encoding="utf-8")


def test_the_topics_are_the_242_that_the_sdk_has_a_model_for() -> None:
    topics = read("topics.json")
    assert len(topics) == 242
    assert set(topics) <= {
        topic for schema in EventShapes.default().schemas.values() for topic in schema.get("x-topics", ())
    }
