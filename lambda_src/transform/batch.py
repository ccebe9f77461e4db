"""Answers one Firehose batch: every record once, in order, within the size that Firehose takes back."""

import binascii
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from shared.envelope import VERIFICATION
from shared.telemetry import Metrics, log, log_exception
from transform.deduplication import Copy, KeyOwners
from transform.records import CleanRecord, Transformer, UnreadableRecordError, arrival_of

# Amazon Data Firehose Developer Guide, "Transform source data": 6 MB is the most that Lambda takes and gives in one
# synchronous call. What is over it here goes to errors/ and can be redriven alone; half a MiB is for the frame.
MAX_ANSWER_BYTES = 6 * 1024 * 1024 - 512 * 1024
_FRAME_BYTES = 300  # record id, result, partition keys and punctuation of one answer


def answer_batch(
    records: list[dict[str, Any]], transformer: Transformer, key_owners: KeyOwners, metrics: Metrics
) -> list[dict[str, Any]]:
    """Transform a batch.

    A record that can't be read is answered ``ProcessingFailed``: Firehose writes its original bytes to ``errors/``. It
    claims no key, so its redrive, once it can be read, is nobody's duplicate.
    """
    clean: dict[int, CleanRecord] = {}
    for index, record in enumerate(records):
        try:
            clean[index] = transformer.transform(binascii.a2b_base64(record["data"]), arrival_of(record))
        except UnreadableRecordError as error:
            log("WARN", "a record can't be transformed", reason=str(error))
        except Exception as error:
            # One bad record must not fail the whole batch.
            log_exception("a record can't be transformed", error)
    verdicts = _judge(clean.values(), key_owners, metrics)
    answers: list[dict[str, Any]] = []
    passed: set[str] = set()
    size = 0
    for index, record in enumerate(records):
        answer = {"recordId": record["recordId"], "result": "ProcessingFailed"}
        if index in clean:
            answer = _answer(record["recordId"], clean[index], verdicts, passed, metrics)
            size += len(answer.get("data", "")) + _FRAME_BYTES
            if size > MAX_ANSWER_BYTES:
                log("WARN", "a batch's answer is full; the record goes to errors/")
                size -= len(answer.get("data", ""))
                answer = {"recordId": record["recordId"], "result": "ProcessingFailed"}
        answers.append(answer)
    failed = sum(answer["result"] == "ProcessingFailed" for answer in answers)
    metrics.count("RecordsFailed", failed)
    metrics.count("RecordsTransformed", sum(answer["result"] == "Ok" for answer in answers))
    return answers


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
    firsts: dict[str, Copy] = {}
    for record in records:
        firsts.setdefault(record.key, Copy(record.ingest_id, record.identity))
    owners = key_owners.claim(firsts)
    others: dict[str, Copy] = {}
    for record in records:
        if record.key in owners and owners[record.key].identity != record.identity:
            others.setdefault(record.identity, Copy(record.ingest_id, record.identity))
    other_owners = key_owners.claim(others)
    if unknown := len(firsts) - len(owners) + len(others) - len(other_owners):
        metrics.count("DeduplicationUnavailable", unknown)
    verdicts: dict[str, _Verdict] = {}
    for record in records:
        is_another = owners.get(record.key, firsts[record.key]).identity != record.identity
        owner = other_owners.get(record.identity) if is_another else owners.get(record.key)
        verdicts[record.identity] = _Verdict(owner.ingest_id if owner else None, is_another)
    return verdicts


def _answer(
    record_id: str, record: CleanRecord, verdicts: Mapping[str, _Verdict], passed: set[str], metrics: Metrics
) -> dict[str, Any]:
    """Answer one transformed record: the owner's first copy in the batch passes, any other is dropped.

    While the table can't say who the owner is, the batch's own first copy passes, marked as unchecked.
    """
    verdict = verdicts[record.identity]
    if record.identity in passed or verdict.owner not in (None, record.ingest_id):
        metrics.count("RecordsDuplicate")
        return {"recordId": record_id, "result": "Dropped"}
    passed.add(record.identity)
    if verdict.is_another and record.mark == "conflict":
        metrics.count("RecordsConflicting")
    elif verdict.is_another:
        metrics.count("RecordsRepeated")
    if not record.date_is_own:
        metrics.count("EventDateOutOfWindow")
    if record.event_type != VERIFICATION:
        _count_findings(record, metrics)
    line = record.marked(mark=record.mark if verdict.is_another else None, is_checked=verdict.owner is not None)
    return {
        "recordId": record_id,
        "result": "Ok",
        "data": binascii.b2a_base64(line, newline=False).decode(),
        "metadata": {"partitionKeys": {"event_type": record.event_type, "date": record.date}},
    }


def _count_findings(record: CleanRecord, metrics: Metrics) -> None:
    findings = record.findings
    if findings.schema_drift is None:
        metrics.of_event_type(record.event_type).count("UnknownShape")
    # One alarm is for both: what a known shape does not have, and what was closed in an event of no known shape.
    new = findings.unknown_fields if findings.schema_drift is None else len(findings.schema_drift)
    if new:
        metrics.of_event_type(record.event_type).count("SchemaDrift", new)
