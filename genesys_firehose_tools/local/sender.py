"""Signs and posts events as the documented sender does.

Genesys Cloud Developer Center, "Open Messaging": it waits ten seconds for an answer and repeats a request up to
five times, five seconds apart, when none comes or the answer is 429 or 5xx. Any other answer is final.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from itertools import islice
from typing import Any, Literal

import urllib3

from genesys_firehose_tools.library_files import function_module

_ANSWER_WITHIN_SECONDS = 10.0
_RETRIES = 5
RETRY_DELAY_SECONDS = 5.0
"""How long the documented sender waits before it repeats a request."""


class Encoding(StrEnum):
    """How a signature is written."""

    HEX = "hex"
    BASE64 = "base64"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where events go and how their sender proves itself.

    Attributes:
        url: The ingest URL.
        key: The signing key.
        host_header: The Host header where the URL's own will not do.
        kind: Whether the body is signed, or the key itself is sent.
        header: The name of the signature's header.
        prefix: What stands in front of the signature, as ``sha256=``.
        encoding: How the signature is written.
        timestamp_header: The name of the header with the time that is signed with the body; empty for none.
    """

    url: str
    key: bytes = field(repr=False)
    host_header: str | None = None
    kind: Literal["hmac", "shared_key", "basic"] = "hmac"
    header: str = "X-Genesys-Signature"
    prefix: str = ""
    encoding: Encoding = Encoding.HEX
    timestamp_header: str = ""

    def headers(self, body: bytes, key: bytes | None = None, now: datetime | None = None) -> dict[str, str]:
        """Return the headers of a request with this body.

        Args:
            body: The request's bytes.
            key: Another key than the target's.
            now: The time that a timestamp header says. Default: now.
        """
        headers = {"Content-Type": "application/json"}
        if self.host_header:
            headers["Host"] = self.host_header
        scheme = function_module("ingest.settings").SignatureScheme(
            kind=self.kind,
            header=self.header,
            prefix=self.prefix,
            encoding=self.encoding,
            timestamp_header=self.timestamp_header,
            timestamp_tolerance=timedelta(0),  # the receiver's alone
        )
        proof = function_module("ingest.signature").proof
        return {**headers, **proof(scheme, key or self.key, body, now or datetime.now(UTC))}


@dataclass(frozen=True, slots=True)
class Message:
    """The events of one request.

    Attributes:
        events: One event or more.
        forged: Whether to sign it with a key that is not the sender's.
        hostile: Whether an attacker sends it, and signs it rightly.
    """

    events: Sequence[Any]
    forged: bool = False
    hostile: bool = False

    @property
    def body(self) -> bytes:
        """The bytes of the request: an object for one event, an array for more."""
        document = self.events[0] if len(self.events) == 1 else list(self.events)
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(slots=True)
class Tally:
    """What became of the events that were sent.

    Attributes:
        sent: All of them; the rest adds up to it.
        accepted: Answered with 2xx.
        refused: Answered with 4xx, which is final, and forgeries answered otherwise.
        unanswered: Still without such an answer after the last retry.
    """

    sent: int = 0
    accepted: int = 0
    refused: int = 0
    unanswered: int = 0

    def add(self, message: Message, status: int | None) -> None:
        """Count the events of a message by its answer."""
        events = len(message.events)
        self.sent += events
        if status is None:
            self.unanswered += events
        elif is_accepted(status):
            self.accepted += events
        else:
            self.refused += events


def is_accepted(status: int | None) -> bool:
    """Tell whether an answer accepts its message."""
    return status is not None and status < HTTPStatus.MULTIPLE_CHOICES


class Sender:
    """Posts messages from several connections at once.

    Args:
        target: Where to; a function is asked for it anew for every request, so that a key can be rotated.
        concurrency: Requests under way at once.
        rate: Events per second at most; 0 is as fast as it goes.
        retry_delay: Seconds before a request is repeated. Default is the documented sender's 5.
    """

    def __init__(
        self,
        target: Target | Callable[[], Target],
        *,
        concurrency: int = 8,
        rate: float = 0,
        retry_delay: float = RETRY_DELAY_SECONDS,
    ) -> None:
        self._target = target if callable(target) else lambda: target
        self._concurrency = concurrency
        self._rate = rate
        self._retry_delay = retry_delay
        self._pool = urllib3.PoolManager(maxsize=concurrency, retries=False)
        self.most_retries = 0
        """How often a request of the real sender was repeated at most."""
        self.unanswered: Counter[str] = Counter()
        """Why requests stayed unanswered: what became of their last tries, with how many there were."""

    def send(self, messages: Iterable[Message]) -> Iterator[tuple[Message, int | None]]:
        """Post the messages and yield each with the status of its final answer, None when there was none."""
        waiting = self._paced(messages)
        under_way: dict[Future[int | str], Message] = {}
        with ThreadPoolExecutor(self._concurrency) as executor:
            while True:
                for message in islice(waiting, self._concurrency - len(under_way)):
                    under_way[executor.submit(self._post, message)] = message
                if not under_way:
                    return
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    answer = future.result()
                    if isinstance(answer, str):
                        self.unanswered[answer] += 1
                    yield under_way.pop(future), None if isinstance(answer, str) else answer

    def _paced(self, messages: Iterable[Message]) -> Iterator[Message]:
        start, sent = time.monotonic(), 0
        for message in messages:
            if self._rate:
                time.sleep(max(0.0, start + sent / self._rate - time.monotonic()))
            sent += len(message.events)
            yield message

    def _post(self, message: Message) -> int | str:
        """Post a message until there is a final answer, and return its status, or why there is none."""
        body, reason = message.body, ""
        for attempt in range(1 + _RETRIES):
            if attempt:
                time.sleep(self._retry_delay)
                if not message.forged and not message.hostile:
                    self.most_retries = max(self.most_retries, attempt)
            target = self._target()
            headers = target.headers(body, b"not the sender's key" if message.forged else None)
            try:
                answer = self._pool.request(
                    "POST", target.url, body=body, headers=headers, timeout=_ANSWER_WITHIN_SECONDS
                )
            except urllib3.exceptions.HTTPError as error:
                reason = _reason(error)
                continue
            # What a forger is answered is the end of it.
            if message.forged or (answer.status != HTTPStatus.TOO_MANY_REQUESTS and answer.status < 500):
                return answer.status
            reason = f"HTTP {answer.status}"
        return reason


def _reason(error: urllib3.exceptions.HTTPError) -> str:
    match error:
        case urllib3.exceptions.NameResolutionError():
            return "the host's name is not known"
        case urllib3.exceptions.NewConnectionError():
            return "nobody listens at the address"
        case urllib3.exceptions.TimeoutError():
            return f"no answer within {_ANSWER_WITHIN_SECONDS:g} s"
        case urllib3.exceptions.SSLError():
            return "TLS failed"
    return f"the connection broke ({type(error).__name__})"
