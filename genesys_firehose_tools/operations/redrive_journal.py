"""Which records of ``errors/`` have been put again: a journal in the data lake's bucket, so that every machine sees it.

The records of an object under ``errors/`` are put in batches, always the same ones. For each batch the journal holds
objects, named ``errors/redriven/<the rest of the object's key>/<its ETag>/<batch>-of-<batches>/<entry>``:

* ``begun-1``: the first attempt holds the batch. S3 writes it only if there is none of that name (Amazon S3 User Guide,
  "How to prevent object overwrites with conditional writes"), so one redrive alone makes an attempt.
* ``left-1``: the attempt has ended, and Firehose has not taken these lines of the object. A second attempt puts them.
* ``done``: Firehose has taken every record.

An attempt that was cut between ``begun`` and its end may have put its records or not; nothing tells. After
``HELD_FOR``, when it can no longer be at work, another attempt puts them again, because no record may be lost. So a cut
there can put one batch twice; with the same ``ingest_id``, so that views and tables count it once.

The names say everything but the lines left. Nothing is ever overwritten or deleted, as Object Lock asks. The journal
expires by the lifecycle rule of ``errors/``: its objects are younger than the one they speak of, and so outlive it.
"""

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from botocore.exceptions import ClientError

from genesys_firehose_tools.errors import ToolError

ERRORS_PREFIX: Final = "errors/"
JOURNAL_PREFIX: Final = f"{ERRORS_PREFIX}redriven/"
PUT_FOR: Final = timedelta(minutes=5)
"""How long after its claim an attempt may begin another put."""
HELD_FOR: Final = timedelta(minutes=30)
"""How long a claim without an end keeps others away.

A put that begins after five minutes ends before eleven: the AWS SDK for Python tries five times, a minute each. And the
clock of whoever waits differs from S3's by 15 minutes at most, or S3 refuses its requests (Amazon S3 API Reference,
"Error responses": RequestTimeTooSkewed).
"""

_DONE = "done"
# Amazon S3 API Reference, "PutObject": 412 if there is an object of that name, 409 if another request is writing one.
_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict"}


class JournalError(ToolError):
    """An object of the journal is none that a redrive writes."""


@dataclass(frozen=True, slots=True)
class ErrorObject:
    """An object under ``errors/``."""

    key: str
    etag: str


@dataclass(frozen=True, slots=True)
class Batch:
    """The records of an object that are put together.

    Attributes:
        of: The object.
        number: Which of its batches it is, from 1.
        count: How many batches the object has.
        records: The records by their line.
    """

    of: ErrorObject
    number: int
    count: int
    records: dict[int, bytes]


@dataclass(frozen=True, slots=True)
class Attempt:
    """The right to put a batch, until ``PUT_FOR`` is over.

    Attributes:
        number: From 1.
        began: When it was claimed.
        left: The records that Firehose has not taken, by their line; whoever puts them removes them.
    """

    number: int
    began: datetime
    left: dict[int, bytes]


class Journal:
    """The journal of a bucket, as it was when it was read last.

    Args:
        s3: The client of Amazon S3.
        bucket: The data lake's bucket.
        now: Gives the time.
    """

    def __init__(self, s3: Any, bucket: str, now: Callable[[], datetime]) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._now = now
        self._entries: dict[str, dict[str, dict[str, datetime]]] = {}

    def read(self) -> None:
        """Read what all redrives have noted until now."""
        self._entries = defaultdict(dict)
        for directory, entries in self._list(JOURNAL_PREFIX).items():
            of, _, batch = directory.rpartition("/")
            self._entries[of][batch] = entries

    def is_done(self, found: ErrorObject) -> bool:
        """Tell, without a look at the object, whether all its batches are done."""
        done = {batch for batch, entries in self._entries.get(_of(found), {}).items() if _DONE in entries}
        return bool(done) and done == {f"{number}-of-{len(done)}" for number in range(1, len(done) + 1)}

    def is_held(self, batch: Batch) -> bool:
        """Tell whether an attempt at the batch may be at work."""
        entries = self._entries_of(batch)
        last = _attempts(entries)
        if not last or _DONE in entries or f"left-{last}" in entries:
            return False
        return self._now() < entries[f"begun-{last}"] + HELD_FOR

    def left(self, batch: Batch) -> dict[int, bytes]:
        """Return the records that are to be put.

        Raises:
            JournalError: The journal's note of them is none that a redrive writes.
        """
        return self._left(batch, self._entries_of(batch))

    def claim(self, batch: Batch) -> Attempt | None:
        """Claim the batch for an attempt; return None if another redrive holds it."""
        if self.is_held(batch):
            return None
        number = _attempts(self._entries_of(batch)) + 1
        began = self._now()
        try:
            self._note(batch, f"begun-{number}", IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] in _TAKEN:
                return None
            raise
        # The attempt before may have ended late. Amazon S3 User Guide, "Amazon S3 data consistency model": a list shows
        # every object that was written before.
        directory = _directory(batch)
        entries = self._list(f"{directory}/").get(directory, {}) if number > 1 else {}
        return Attempt(number, began, self._left(batch, entries))

    def end(self, batch: Batch, attempt: Attempt) -> None:
        """Note the end of an attempt, and what is left of it."""
        if attempt.left:
            self._note(batch, f"left-{attempt.number}", Body=json.dumps(list(attempt.left)).encode())
        else:
            self._note(batch, _DONE)

    def _entries_of(self, batch: Batch) -> dict[str, datetime]:
        return self._entries.get(_of(batch.of), {}).get(f"{batch.number}-of-{batch.count}", {})

    def _left(self, batch: Batch, entries: dict[str, datetime]) -> dict[int, bytes]:
        if _DONE in entries:
            return {}
        noted = [number for number in range(_attempts(entries), 0, -1) if f"left-{number}" in entries]
        if not noted:
            return dict(batch.records)
        key = f"{_directory(batch)}/left-{noted[0]}"
        try:
            lines = json.loads(self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read())
            return {line: batch.records[line] for line in lines}
        except (ValueError, TypeError, KeyError, RecursionError):
            raise JournalError(
                f"The journal's object s3://{self._bucket}/{key} does not list lines of its batch: delete it, and the "
                "whole batch is put again."
            ) from None

    def _note(self, batch: Batch, entry: str, **more: Any) -> None:
        # Without a key of its own, the object gets the bucket's; it holds line numbers and nothing personal.
        self._s3.put_object(Bucket=self._bucket, Key=f"{_directory(batch)}/{entry}", **more)

    def _list(self, prefix: str) -> dict[str, dict[str, datetime]]:
        """Return the times of the objects under a prefix, by the part of their key before and after the last slash."""
        found: dict[str, dict[str, datetime]] = defaultdict(dict)
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                directory, _, name = entry["Key"].rpartition("/")
                found[directory][name] = entry["LastModified"]
        return found


def _of(found: ErrorObject) -> str:
    return f"{JOURNAL_PREFIX}{found.key.removeprefix(ERRORS_PREFIX)}/{found.etag}"


def _directory(batch: Batch) -> str:
    return f"{_of(batch.of)}/{batch.number}-of-{batch.count}"


def _attempts(entries: dict[str, datetime]) -> int:
    """Return the number of attempts that were begun."""
    number = 0
    while f"begun-{number + 1}" in entries:
        number += 1
    return number
