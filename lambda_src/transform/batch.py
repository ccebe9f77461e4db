"""Answers one Firehose batch: every record once, in order, within the size that Firehose takes back.

Nobody who sends can take the batch's place from others. Records whose event is in them come first. The originals of
oversize events are read after them, one at a time and once for all copies, as long as there is time. Where there is not
room for all, the largest give way. What gives way or has to wait goes to ``errors/`` as it is, for a redrive.
"""

import binascii
from collections.abc import Collection
from heapq import heappop, heappush
from time import monotonic
from typing import Any, NamedTuple

from shared.envelope import VERIFICATION
from shared.telemetry import Metrics, log, log_exception
from transform.deduplication import Copy, Key, KeyOwners
from transform.records import CleanRecord, Received, Transformer, UnreadableRecordError, arrival_of

# Amazon Data Firehose Developer Guide, "Transform source data": 6 MB is the most that Lambda takes and gives in one
# synchronous call. What is over it here goes to errors/ and can be redriven alone; half a MiB is for the frame.
MAX_ANSWER_BYTES = 6 * 1024 * 1024 - 512 * 1024
_FRAME_BYTES = 300  # record id, result, partition keys and punctuation of one answer
# More than ten answers hold. What is known to be a duplicate later is in it.
_MAX_LINES_BYTES = 64 * 1024 * 1024
# Of the function's five minutes. The rest is for the last original, the table, and S3 when it is slow to fail.
_ORIGINALS_SECONDS = 120
_NO_TIME_LEFT = "there is no time left for an oversize event; the record goes to errors/"


class _Clean:
    """A batch's transformed records by their place, of which the largest give way when their lines fill the memory."""

    def __init__(self) -> None:
        self.records: dict[int, CleanRecord] = {}
        self._by_size: list[tuple[int, int]] = []
        self._bytes = 0

    def add(self, index: int, record: CleanRecord) -> None:
        self.records[index] = record
        heappush(self._by_size, (-len(record.line), index))
        self._bytes += len(record.line)
        while self._bytes > _MAX_LINES_BYTES:
            size, largest = heappop(self._by_size)
            self._bytes += size
            del self.records[largest]
            log("WARN", "a batch's records fill the memory; the largest goes to errors/")


class _Batch:
    """The records of a batch, each transformed for itself: one that fails takes no other with it."""

    def __init__(self, records: list[dict[str, Any]], transformer: Transformer) -> None:
        self._records = records
        self._transformer = transformer

    def receive(self, index: int) -> Received | None:
        try:
            return self._transformer.receive(binascii.a2b_base64(self._records[index]["data"]))
        except Exception as error:
            _log(error)
            return None

    def transform(self, index: int, received: Received | None) -> CleanRecord | None:
        if received is None:
            return None
        try:
            return self._transformer.transform(received, arrival_of(self._records[index]))
        except Exception as error:
            _log(error)
            return None


def _log(error: Exception) -> None:
    if isinstance(error, UnreadableRecordError):
        log("WARN", "a record can't be transformed", reason=str(error))
    else:
        log_exception("a record can't be transformed", error)


def answer_batch(
    records: list[dict[str, Any]], transformer: Transformer, key_owners: KeyOwners, metrics: Metrics
) -> list[dict[str, Any]]:
    """Transform a batch.

    A record that can't be read is answered ``ProcessingFailed``: Firehose writes its original bytes to ``errors/``. It
    claims no key, so its redrive, once it can be read, is nobody's duplicate.
    """
    batch = _Batch(records, transformer)
    until = monotonic() + _ORIGINALS_SECONDS
    clean = _transform(batch, len(records), until)
    verdicts = _judge(clean.values(), key_owners, metrics)
    answers = [{"recordId": record["recordId"], "result": "ProcessingFailed"} for record in records]
    passing = _Clean()
    passed: set[str] = set()
    for index, record in sorted(clean.items()):
        if record.identity in passed or verdicts[record.identity].owner not in (None, record.ingest_id):
            metrics.of("Ingress", record.ingress).count("RecordsDuplicate")
            answers[index]["result"] = "Dropped"
            continue
        passed.add(record.identity)
        if record.line:
            passing.add(index, record)
        elif monotonic() > until:
            log("WARN", _NO_TIME_LEFT)
        # A copy whose line was made for another one.
        elif (whole := batch.transform(index, batch.receive(index))) is not None:
            passing.add(index, whole)
    size = 0
    for index, record in sorted(passing.records.items(), key=lambda place: len(place[1].line)):
        answer = _answer(record, verdicts[record.identity])
        size += len(answer["data"]) + _FRAME_BYTES
        if size > MAX_ANSWER_BYTES:
            log("WARN", "a batch's answer is full; the record goes to errors/")
            continue
        answers[index] |= answer
        _count(record, verdicts[record.identity], metrics)
    metrics.count("RecordsFailed", sum(answer["result"] == "ProcessingFailed" for answer in answers))
    return answers


def _transform(batch: _Batch, count: int, until: float) -> dict[int, CleanRecord]:
    """Transform the records of a batch by their place; of an oversize event's copies one, the others without a line."""
    clean = _Clean()
    originals: dict[tuple[str, str], list[tuple[int, str, str]]] = {}
    for index in range(count):
        received = batch.receive(index)
        if received is not None and received.original is not None:
            originals.setdefault(received.original, []).append((index, received.ingest_id, received.ingress))
        elif (record := batch.transform(index, received)) is not None:
            clean.add(index, record)
    for copies in originals.values():
        made: CleanRecord | None = None
        for index, ingest_id, ingress in copies:
            if made is not None:
                clean.add(index, made._replace(ingest_id=ingest_id, ingress=ingress, line=b""))
            elif monotonic() > until:
                log("WARN", _NO_TIME_LEFT)
            elif (made := batch.transform(index, batch.receive(index))) is not None:
                clean.add(index, made)
    return clean.records


class _Verdict(NamedTuple):
    """What is known of the copies of one identity.

    Attributes:
        owner: the ``ingest_id`` of the one that passes; None while the table can't tell.
        is_another: whether their key belongs to another identity.
    """

    owner: str | None
    is_another: bool


def _judge(records: Collection[CleanRecord], key_owners: KeyOwners, metrics: Metrics) -> dict[str, _Verdict]:
    """Claim the keys of records, and judge each identity.

    Where a key belongs to another identity, nothing is dropped for it: the identity is claimed in turn as a key of its
    own, so that its copies land once as well.
    """
    firsts: dict[Key, Copy] = {}
    for record in records:
        firsts.setdefault(record.key, Copy(record.ingest_id, record.identity))
    owners = key_owners.claim(firsts)
    others: dict[Key, Copy] = {}
    for record in records:
        if record.key in owners and owners[record.key].identity != record.identity:
            others.setdefault(Key(record.identity), Copy(record.ingest_id, record.identity))
    other_owners = key_owners.claim(others)
    if unknown := len(firsts) - len(owners) + len(others) - len(other_owners):
        metrics.count("DeduplicationUnavailable", unknown)
    verdicts: dict[str, _Verdict] = {}
    for record in records:
        is_another = owners.get(record.key, firsts[record.key]).identity != record.identity
        owner = other_owners.get(Key(record.identity)) if is_another else owners.get(record.key)
        verdicts[record.identity] = _Verdict(owner.ingest_id if owner else None, is_another)
    return verdicts


def _answer(record: CleanRecord, verdict: _Verdict) -> dict[str, Any]:
    """Answer a record that passes. While the table can't say who the owner is, it is marked as unchecked."""
    line = record.marked(mark=record.mark if verdict.is_another else None, is_checked=verdict.owner is not None)
    return {
        "result": "Ok",
        "data": binascii.b2a_base64(line, newline=False).decode(),
        "metadata": {"partitionKeys": {"event_type": record.event_type, "date": record.date}},
    }


def _count(record: CleanRecord, verdict: _Verdict, metrics: Metrics) -> None:
    """Count a record that passes, and what is special of it."""
    of_ingress = metrics.of("Ingress", record.ingress)
    of_ingress.count("RecordsTransformed")
    if record.age_milliseconds is not None:
        of_ingress.highest("EventAge", record.age_milliseconds)
    if verdict.is_another and record.mark == "conflict":
        metrics.count("RecordsConflicting")
    elif verdict.is_another:
        metrics.count("RecordsRepeated")
    if not record.date_is_own:
        metrics.count("EventDateOutOfWindow")
    if record.event_type != VERIFICATION:
        _count_findings(record, metrics)


def _count_findings(record: CleanRecord, metrics: Metrics) -> None:
    findings = record.findings
    if findings.schema_drift is None:
        metrics.of("EventType", record.event_type).count("UnknownShape")
    # One alarm is for both: what a known shape does not have, and what was closed in an event of no known shape.
    new = findings.unknown_fields if findings.schema_drift is None else len(findings.schema_drift)
    if new:
        metrics.of("EventType", record.event_type).count("SchemaDrift", new)
