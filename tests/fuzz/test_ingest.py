"""Whatever is sent, the ingest function answers, refuses what is bad as the sender's fault, and stores no refusal."""

import base64
import gzip
import json
import sys
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys_firehose_tools.local.events import EventGenerator
from ingest.function import IngestHandler
from shared.json_text import MAX_DEPTH
from tests import json_values
from tests.fuzz.mutation import Mutator
from tests.fuzz.strictness import parse_line
from tests.in_memory_aws import InMemoryAws
from tests.wired_functions import hex_signature, ingest_function, queue_batch, request

MUTATIONS = 1500
EVENTS = [event.body for event in EventGenerator(seed=7).take(30)]
BODIES = [
    *(json.dumps(event).encode() for event in EVENTS),
    *(json.dumps(event, indent=1).encode() for event in EVENTS[:5]),
    json.dumps(EVENTS).encode(),
    json.dumps({"detail-type": "v2.x", "detail": EVENTS[0]}).encode(),
    rb'[{"messageId":1,"messageId":"\u00e4\ud83d\ude00","n":[1.5,-0,1E+2,12345678901234567890]},{"topicName":"v2."}]',
]


class Door:
    """An ingest function and what it must hold to, whatever comes through the door."""

    def __init__(self) -> None:
        self._aws = InMemoryAws()
        self._function: IngestHandler = ingest_function(self._aws)

    def answers(self, sent: dict[str, Any]) -> int:
        """Send a request, check what must hold of every answer, and return its status."""
        self._aws.in_stream.clear()
        answer = self._function.handle(sent)
        status: int = answer["statusCode"]
        body = json.loads(answer["body"])
        stored = self._aws.in_stream
        assert not self._aws.queue
        if status == 200:
            assert len(stored) == body["accepted"] - body["duplicates"]
            for record in stored:
                assert isinstance(parse_line(record)["event"], dict)
        else:
            assert status in {400, 401, 413}
            assert body["status"] == status
            assert stored == []
            assert not self._aws.objects
        return status

    def consumes(self, bodies: list[str]) -> None:
        """Let queue messages be consumed; those that can't be are named or set aside, each once."""
        messages = queue_batch(*bodies)["Records"]
        self._aws.in_stream.clear()
        self._aws.dead_letters.clear()
        failures = self._function.handle({"Records": messages})["batchItemFailures"]
        failed = [failure["itemIdentifier"] for failure in failures]
        assert len(set(failed)) == len(failed)
        assert set(failed) <= {message["messageId"] for message in messages}
        taken = [message["body"] for message in messages if message["messageId"] not in failed]
        for body in self._aws.dead_letters:
            taken.remove(body)
        taken = [json.loads(body) for body in taken]
        assert len(self._aws.in_stream) == sum(len(body) if isinstance(body, list) else 1 for body in taken)


@pytest.fixture(scope="module")
def door() -> Door:
    return Door()


@pytest.mark.parametrize("seed", range(4))
def test_a_mutated_body_signed_is_accepted_or_400(door: Door, seed: int) -> None:
    statuses = {door.answers(request(body)) for body in Mutator(seed, BODIES).take(MUTATIONS)}
    assert statuses == {200, 400}


def test_a_mutated_body_under_the_originals_signature_is_401(door: Door) -> None:
    original = BODIES[0]
    for body in Mutator(5, [original]).take(MUTATIONS):
        assert door.answers(request(body, hex_signature(original))) == (200 if body == original else 401)


def test_a_mutated_signature_is_401(door: Door) -> None:
    right = hex_signature(BODIES[0])
    for mutated in Mutator(6, [right.encode()]).take(MUTATIONS):
        signature = mutated.decode("latin-1")
        is_right = signature.lower() == right
        assert door.answers(request(BODIES[0], signature)) == (200 if is_right else 401)


def test_a_mutated_encoding_of_the_body_is_never_stored_as_something_else(door: Door) -> None:
    body = BODIES[0]
    sound = request(body)
    for mutated in Mutator(8, [sound["body"].encode()]).take(MUTATIONS):
        text = mutated.decode("latin-1")
        status = door.answers({**sound, "body": text})
        if status == 200:
            assert base64.b64decode(text) == body
        else:
            assert status in {400, 401}


@pytest.mark.parametrize("seed", range(10, 12))
def test_a_mutated_queue_message_is_put_or_comes_again(door: Door, seed: int) -> None:
    mutator = Mutator(seed, BODIES)
    for _batch in range(MUTATIONS // 10):
        door.consumes([body.decode("utf-8", "surrogateescape") for body in mutator.take(10)])


def nested(depth: int) -> bytes:
    return b'{"messageId":"deep","a":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"


@pytest.mark.parametrize(
    "depth",
    [
        pytest.param(MAX_DEPTH - 1, id="the most levels"),
        pytest.param(MAX_DEPTH, id="one level more"),
        pytest.param(sys.getrecursionlimit() // 2, id="half of the interpreter's limit"),
        pytest.param(sys.getrecursionlimit(), id="the interpreter's limit"),
        pytest.param(100_000, id="more than any stack holds"),
    ],
)
def test_an_event_is_accepted_up_to_a_depth_and_400_beyond(door: Door, depth: int) -> None:
    assert door.answers(request(nested(depth))) == (200 if depth < MAX_DEPTH else 400)
    door.consumes([nested(depth).decode(), json.dumps(EVENTS[0])])


@pytest.mark.parametrize("depth", [100, 300, 450, 480, 500, 700, 900])
def test_an_oversize_event_of_any_depth_is_accepted_or_400(depth: int) -> None:
    body = nested(depth)[:-1] + b',"padding":"' + b"x" * 1_100_000 + b'","number":1e999}'
    assert Door().answers(request(body)) in {200, 400}


@pytest.mark.parametrize(
    "compress",
    [
        gzip.compress,
        zlib.compress,
        lambda data: zlib.compress(data)[2:-4],
        base64.b64encode,
        lambda data: data.hex().encode(),
    ],
)
def test_a_body_encoded_once_more_is_400(door: Door, compress: Callable[[bytes], bytes]) -> None:
    packed = compress(BODIES[0])
    headers = {"X-Genesys-Signature": [hex_signature(packed)], "Content-Encoding": ["gzip"]}
    assert door.answers(request(packed, headers=headers)) == 400


@pytest.mark.parametrize("is_encoded", [True, False])
@pytest.mark.parametrize("size", [4_194_305, 10_000_000])
def test_a_body_that_is_too_large_is_413_whatever_else_it_is(door: Door, size: int, is_encoded: bool) -> None:
    sent = request(b" " * size)
    if not is_encoded:
        sent = {**sent, "body": " " * size, "isBase64Encoded": False}
    assert door.answers(sent) == 413


def test_a_body_of_the_largest_size_is_split_and_stored(door: Door) -> None:
    items = b",".join(b'{"messageId":"large-%d","padding":"%s"}' % (n, b"x" * 900_000) for n in range(4))
    body = (b"[" + items + b"]").ljust(4_194_304)
    assert door.answers(request(body)) == 200


header_names = st.sampled_from(
    ["X-Genesys-Signature", "x-genesys-signature", "X-GENESYS-SIGNATURE", "X-Genesys-Signature ", "Content-Type", ""]
)


def signatures(body: bytes) -> st.SearchStrategy[str]:
    right = hex_signature(body)
    digest = bytes.fromhex(right)
    return st.sampled_from(
        [
            right,
            right.upper(),
            right[:-1],
            right + "0",
            " " + right,
            f"sha256={right}",
            f"{right},{right}",
            base64.b64encode(digest).decode(),
            base64.urlsafe_b64encode(digest).decode(),
            hex_signature(body, "another-key"),
            hex_signature(b""),
            "",
        ]
    ) | st.text(st.characters(codec=None), max_size=70)


bodies = (
    st.binary(max_size=80)
    | st.sampled_from(BODIES)
    | json_values.values.flatmap(json_values.writings)
    | st.lists(json_values.objects, max_size=3).flatmap(json_values.writings)
)


@st.composite
def requests(draw: st.DrawFn) -> tuple[dict[str, Any], bytes | None, list[str]]:
    """A request, the bytes of its body if it has any, and the values of its signature header in whatever case."""
    body = draw(bodies)
    sent = request(body)
    way = draw(st.sampled_from(["base64", "base64", "plain", "text", "null", "none"]))
    known: bytes | None = body
    if way == "plain":
        text = body.decode("latin-1")
        known = text.encode()
        sent |= {"body": text, "isBase64Encoded": False}
    elif way == "text":
        sent["body"] = draw(st.text(st.characters(codec=None), max_size=20))
        known = None
    elif way == "null":
        sent["body"], known = None, b""
    elif way == "none":
        del sent["body"]
        known = b""
    headers = draw(
        st.dictionaries(header_names, st.lists(signatures(b"" if known is None else known), max_size=2), max_size=3)
        | st.none()
    )
    sent["multiValueHeaders"] = headers
    if headers is None and draw(st.booleans()):
        del sent["multiValueHeaders"]
    values = [
        value for name, values in (headers or {}).items() if name.lower() == "x-genesys-signature" for value in values
    ]
    return sent, known, values


@settings(max_examples=250)
@given(drawn=requests())
def test_only_a_body_signed_once_and_rightly_gets_past_401(
    drawn: tuple[dict[str, Any], bytes | None, list[str]],
) -> None:
    sent, body, values = drawn
    status = Door().answers(sent)
    if body is None:
        return
    is_signed = len(values) == 1 and values[0].lower() == hex_signature(body) and values[0].isascii()
    assert (status == 401) != is_signed


@given(
    messages=st.lists(st.text(st.characters(codec=None), max_size=40) | st.sampled_from(["{}", "[{}]"]), max_size=10)
)
def test_any_text_in_the_queue_is_put_or_set_aside(messages: list[str]) -> None:
    Door().consumes(messages)
