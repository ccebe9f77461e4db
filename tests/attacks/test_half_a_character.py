"""JSON allows half of a UTF-16 pair in a text. Readers that refuse it must be able to read every line of clean/."""

import base64

from tests.in_memory_aws import InMemoryAws
from tests.wired_functions import firehose_batch, ingest_function, request, transform_function, transformed


def test_half_a_character_becomes_a_question_mark_and_a_whole_one_stays() -> None:
    aws = InMemoryAws()
    body = b'{"messageId":"1","eventType":"call.event","queue":{"name":"a\\ud800b \\ud83d\\ude00 \\\\ud800"}}'
    assert ingest_function(aws).handle(request(body))["statusCode"] == 200
    [record] = transformed(transform_function(aws).handle(firehose_batch(aws.in_stream)))
    assert record["event"]["queue"]["name"] == "a?b \U0001f600 \\ud800"


def test_whole_characters_are_written_as_they_are_in_one_go() -> None:
    aws = InMemoryAws()
    body = '{"messageId":"1","eventType":"call.event","queue":{"name":"\U0001f600 \ud55c"}}'.encode()
    assert ingest_function(aws).handle(request(body))["statusCode"] == 200
    [answer] = transform_function(aws).handle(firehose_batch(aws.in_stream))["records"]
    assert '"name":"\U0001f600 \ud55c"'.encode() in base64.b64decode(answer["data"])
