"""Rebuilds what one raw object holds: its records, transformed anew, as one object per partition.

**Names.** A rebuilt object is named after the raw object and the transform's version, and S3 writes it only if there is
none of that name. So a rebuild that was stopped goes on where it was by starting again, and a second one with the same
version changes nothing. Objects of older versions are under Object Lock and stay; the view `events` takes the newest.

**Duplicates.** The rebuild neither claims keys nor reads owners: the table forgets an owner after days, and a claim for
an old event would name the rebuild's copy. All copies pass, so each record of an older version has its successor, by
its ``ingest_id``, whatever became of keys and identities since. The view shows the newest version of each ``ingest_id``
and of these each ``dedup_key`` of a day once.

Every rebuilt record says ``"deduplicated": false``, because it was not checked for duplicates, nor for other contents
under its id.
The one case in which a rebuild shows an event twice: an event without a time of its own is filed under the day it
arrived, so two copies that arrived on both sides of a UTC midnight are on two days.

**Parts.** Each original of an oversize event is read and masked anew, for about a second per MiB, and a sender decides
how many there are. So a rebuild stops after some of them and says which record is next. Where it stops depends on the
raw object alone: whoever starts at the same record writes the same objects.

**Failures.** A record that can't be transformed goes to ``errors/rebuild/`` in the shape that Firehose gives its own
error records, so that a redrive finds it. An object that can't be read, and a service that does not answer, are errors
of the object: nothing of its part is written, and it is tried again.
"""

import base64
import gzip
import io
import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from shared.telemetry import Metrics, log, log_exception
from transform.records import Transformer, UnreadableRecordError

_RAW_KEY = re.compile(r"raw/(\d{4})/(\d\d)/(\d\d)/(\d\d)/(.+)")
_CLEAN_PREFIX = "clean/"
ERRORS_PREFIX = "errors/rebuild/"
_ERROR_CODE = "Rebuild.RecordNotTransformed"
# Of originals, unpacked, in one part: a minute's work of the function's fifteen. Changed with CODE_VERSION alone,
# because the parts are named by where they begin.
PART_BYTES = 64 * 1024 * 1024


class RawObject(NamedTuple):
    """A raw object by its key: the hour in which its first record arrived, and its own name."""

    arrival: datetime
    name: str

    @classmethod
    def of_key(cls, key: str) -> "RawObject":
        """Read a key.

        Raises:
            ValueError: the key is none that Firehose writes; so are those of oversize events, which are no records.
        """
        match = _RAW_KEY.fullmatch(key)
        if match is None:
            raise ValueError("the key is not raw/<year>/<month>/<day>/<hour>/<name>")
        year, month, day, hour = (int(part) for part in match.groups()[:4])
        return cls(datetime(year, month, day, hour, tzinfo=UTC), match.group(5).replace("/", "-"))

    def rebuilt_name(self, version: str, start: int) -> str:
        """Name what becomes of the object in a version, from a record on. Query engines know GZIP by the ending."""
        part = f"-from-{start}" if start else ""
        return f"rebuild-{version}-{self.arrival:%Y-%m-%d-%H}-{self.name.removesuffix('.gz')}{part}.gz"


class Part(NamedTuple):
    """What becomes of a part of a raw object.

    Attributes:
        objects: the objects to write, GZIP, by key.
        following: the number of the record that the next part begins with; None after the last.
    """

    objects: dict[str, bytes]
    following: int | None


def rebuild(key: str, content: IO[bytes], transformer: Transformer, function_arn: str, start: int = 0) -> Part:
    """Rebuild a part of a raw object: most have one alone.

    What is in memory at once is one record and the compressed results.

    Args:
        key: the raw object's key.
        content: its bytes, GZIP.
        transformer: makes the clean records.
        function_arn: who notes a failed record.
        start: the number of the record that the part begins with, from 0.

    Returns:
        The part; the same raw object, version and start give the same ``clean/`` objects.

    Raises:
        ValueError: the key is not a raw object's.
        gzip.BadGzipFile, EOFError: the object is damaged.
        botocore.exceptions.ClientError, BotoCoreError: the original of an oversize event could not be fetched now.
    """
    raw = RawObject.of_key(key)
    name = raw.rebuilt_name(transformer.version, start)
    results: dict[str, _GzipLines] = {}
    metrics = Metrics()
    original_bytes = 0
    following: int | None = None
    for number, data in enumerate(_records(content)):
        if number < start:
            continue
        if original_bytes >= PART_BYTES:
            following = number
            break
        try:
            with _one_record():
                received = transformer.receive(data)
                original_bytes += received.pointer.length if received.pointer else 0
                record = transformer.transform(received, raw.arrival)
        except UnreadableRecordError as error:
            log("WARN", "a record can't be rebuilt", reason=str(error))
            metrics.count("RebuildRecordsFailed")
            target = f"{ERRORS_PREFIX}{raw.arrival:%Y/%m/%d}/{name}"
            line = _error_line(data, str(error), raw.arrival, function_arn)
        else:
            metrics.count("RebuildRecordsWritten")
            target = f"{_CLEAN_PREFIX}event_type={record.event_type}/date={record.date}/{name}"
            line = record.marked(is_checked=False)
        results.setdefault(target, _GzipLines()).add(line)
    metrics.flush()
    return Part({target: lines.finish() for target, lines in results.items()}, following)


def _records(content: IO[bytes]) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=content) as lines:
        yield from (line for line in lines if line.strip())


@contextmanager
def _one_record() -> Iterator[None]:
    """Let one bad record not fail the whole object."""
    try:
        yield
    except (UnreadableRecordError, ClientError, BotoCoreError):
        raise
    except Exception as error:
        log_exception("a record can't be rebuilt", error)
        raise UnreadableRecordError("the record could not be transformed") from None


def _error_line(data: bytes, reason: str, arrival: datetime, function_arn: str) -> bytes:
    """Write a record as Firehose does one that its processor failed on."""
    line: Mapping[str, str | int] = {
        "attemptsMade": 1,
        "arrivalTimestamp": int(arrival.timestamp() * 1000),
        "errorCode": _ERROR_CODE,
        "errorMessage": reason,
        "attemptEndingTimestamp": int(time.time() * 1000),
        "rawData": base64.b64encode(data).decode(),
        "lambdaArn": function_arn,
    }
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


class _GzipLines:
    """Lines, compressed as they come."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        # Without a time in its header, so that the same lines give the same bytes.
        self._file = gzip.GzipFile(fileobj=self._buffer, mode="wb", mtime=0)

    def add(self, line: bytes) -> None:
        self._file.write(line)

    def finish(self) -> bytes:
        self._file.close()
        return self._buffer.getvalue()
