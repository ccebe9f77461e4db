"""JSON is taken strictly, and each event keeps its own bytes."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.json_text import MAX_DEPTH, MAX_WRAPPERS, InvalidJsonError, RepeatNoticingParser, parse_json, split_events
from tests import json_values

blanks = st.text(" \t\r\n", max_size=3).map(str.encode)


def all_events(body: bytes) -> list[tuple[dict[str, Any], bytes]]:
    return list(split_events(body))


@given(value=json_values.values, data=st.data())
def test_what_is_json_is_parsed_however_it_is_written(value: Any, data: st.DataObject) -> None:
    text = data.draw(blanks) + data.draw(json_values.writings(value)) + data.draw(blanks)
    assert parse_json(text) == value
    assert parse_json(text.decode()) == value


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b"{",
        b"{]",
        b"{'a':1}",
        b'{"a":1,}',
        b'{"a":01}',
        b'{"a":.5}',
        b'{"a":NaN}',
        b"[Infinity]",
        b"-Infinity",
        b"1 2",
        b"{}x",
        b'"line\nbreak"',
        b'"\\x"',
        b"\xff",
        b'"\xed\xa0\x80"',
        b'"\xc0\xaf"',
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b"\xc2\xa0{}",
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b"7" * 5000,
    ],
)
def test_what_is_not_json_is_refused_without_repeating_it(text: bytes) -> None:
    for read in (parse_json, all_events):
        with pytest.raises(InvalidJsonError) as refusal:
            read(text)
        assert str(refusal.value) in {
            "the text is not UTF-8",
            "the text is not well-formed JSON",
            "NaN and Infinity are not JSON",
            "the text goes on after the JSON value",
            "the body is not a JSON object or an array of JSON objects",
        }
        assert refusal.value.__cause__ is None


@given(written=json_values.written_objects(), before=blanks, after=blanks)
def test_an_event_alone_keeps_its_bytes(written: tuple[dict[str, Any], bytes], before: bytes, after: bytes) -> None:
    event, raw = written
    assert all_events(before + raw + after) == [(event, raw)]


@given(
    written=st.lists(json_values.written_objects(), min_size=1, max_size=5),
    separator=st.tuples(blanks, blanks),
    around=st.tuples(blanks, blanks, blanks, blanks),
)
def test_each_event_of_an_array_keeps_its_bytes(
    written: list[tuple[dict[str, Any], bytes]],
    separator: tuple[bytes, bytes],
    around: tuple[bytes, bytes, bytes, bytes],
) -> None:
    items = (separator[0] + b"," + separator[1]).join(raw for _event, raw in written)
    body = around[0] + b"[" + around[1] + items + around[2] + b"]" + around[3]
    assert all_events(body) == written


def test_duplicate_keys_numbers_and_escapes_stay_as_they_came() -> None:
    raw = rb'{"a":1,"a":2,"n":1.0000000000000000000001,"e":1E+2,"s":"\u0041\/\ud800","z":-0}'
    [(event, kept)] = split_events(raw)
    assert kept == raw
    assert event["a"] == 2


@pytest.mark.parametrize(
    "body", [b"[]", b"[ ]", b"null", b"7", b'"{}"', b"[[{}]]", b"[{},7]", b"[{}", b"[{},", b"[{};{}]"]
)
def test_a_body_that_is_not_one_or_more_objects_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidJsonError):
        all_events(body)


def test_an_array_of_ten_thousand_events_is_split_in_order() -> None:
    body = json.dumps([{"messageId": number} for number in range(10_000)]).encode()
    assert [event["messageId"] for event, _raw in split_events(body)] == list(range(10_000))


@pytest.mark.parametrize("form", ["%s", "[%s]"], ids=["one event", "an array of events"])
def test_an_event_is_refused_when_it_is_nested_more_than_a_hundred_levels_deep(form: str) -> None:
    def nested(levels: int) -> bytes:
        inside = '{"a":' * (levels - 1) + "{}" + "}" * (levels - 1)
        return (form % inside).encode()

    assert len(all_events(nested(MAX_DEPTH))) == 1
    with pytest.raises(InvalidJsonError, match="nested more than 100 levels"):
        all_events(nested(MAX_DEPTH + 1))


def test_an_event_may_be_as_wide_as_it_likes() -> None:
    [(event, _raw)] = split_events(b'{"words":[' + b",".join([b'{"word":[]}'] * 1000) + b"]}")
    assert len(event["words"]) == 1000


ONE, TWO = b'{ "a" : 1.0 }', b'{"b":"\\u00e4"}'
SQS = {"messageId": "m-1", "receiptHandle": "r", "eventSource": "aws:sqs"}


def raws(body: bytes) -> list[bytes]:
    events = list(split_events(body))
    assert [event for event, _raw in events] == [json.loads(raw) for _event, raw in events]
    return [raw for _event, raw in events]


@pytest.mark.parametrize(
    "body",
    [
        b'{"Records":[' + ONE + b"," + TWO + b"]}",
        b' {\n "Records" : [ ' + ONE + b" ,\n" + TWO + b" ] }\n",
        json.dumps({"Records": [{**SQS, "body": text.decode()} for text in (ONE, TWO)]}).encode(),
        json.dumps({"Records": [{**SQS, "body": f"[{ONE.decode()}, {TWO.decode()}]"}]}).encode(),
        json.dumps([{**SQS, "body": text.decode()} for text in (ONE, TWO)]).encode(),
        json.dumps(
            {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": text.decode()}} for text in (ONE, TWO)]}
        ).encode(),
        json.dumps(
            {
                "Records": [
                    {"eventSource": "aws:kinesis", "kinesis": {"data": base64.b64encode(text).decode()}}
                    for text in (ONE, TWO)
                ]
            }
        ).encode(),
    ],
)
def test_each_event_of_a_batch_of_aws_is_one_with_its_own_bytes(body: bytes) -> None:
    assert raws(body) == [ONE, TWO]


@pytest.mark.parametrize(
    "body",
    [
        b'{"Records":[]}',
        b'{"Records":[1]}',
        b'{"Records":{"a":1}}',
        b'{"Records":[{"a":1}],"messageId":"m"}',
        b'{"Records":[{"a":1}],"Records":[{"a":2}]}',
        b'{"\\u0052ecords":[{"a":1}]}',
        b'{"eventSource":"aws:sqs","body":"hello"}',
        b'{"eventSource":"aws:sqs","body":"{\\"a\\":\\"\\ud800\\"}"}',
        b'{"eventSource":"aws:sqs","body":{"a":1}}',
        b'{"eventSource":"aws:s3","s3":{"bucket":{}}}',
        b'{"eventSource":["aws:sqs"],"body":"{}"}',
        b'{"eventSource":"aws:kinesis","kinesis":{"data":"%"}}',
        b'{"eventSource":"aws:kinesis","kinesis":7}',
        b'{"EventSource":"aws:sns","Sns":{}}',
    ],
)
def test_what_is_no_batch_or_carries_nothing_that_can_be_read_is_an_event_itself(body: bytes) -> None:
    assert [raw for _event, raw in split_events(body)] == [body]


def test_an_event_in_a_batch_may_be_no_deeper_than_any_other() -> None:
    deep = '{"a":' * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1)
    with pytest.raises(InvalidJsonError):
        list(split_events(f'{{"Records":[{deep}]}}'.encode()))


def wrapped(values: st.SearchStrategy[Any], wrappers: int = MAX_WRAPPERS) -> st.SearchStrategy[Any]:
    """Values in so many batches at most."""
    if not wrappers:
        return values
    return values | st.builds(lambda inner: {"Records": inner}, st.lists(wrapped(values, wrappers - 1)))


@given(body=wrapped(json_values.objects))
def test_any_object_is_one_event_or_more(body: dict[str, Any]) -> None:
    assert list(split_events(json.dumps(body).encode()))


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1,"a":1}',
        b'{"a":1,"a" :2}',
        b'{"b":{"a":1,"c":{},"a":[]}}',
        b'[{"a":"\\":","a":1}]',
        b'{"a":1,"\\u0061":2}',
    ],
)
def test_a_key_that_comes_twice_is_seen_and_its_last_value_counts(text: bytes) -> None:
    parser = RepeatNoticingParser()
    assert parser.parse(text) == json.loads(text)
    assert parser.has_repeats


@given(value=json_values.values, data=st.data())
def test_no_other_key_is_taken_for_one(value: Any, data: st.DataObject) -> None:
    parser = RepeatNoticingParser()
    assert parser.parse(data.draw(json_values.writings(value))) == value
    assert not parser.has_repeats
