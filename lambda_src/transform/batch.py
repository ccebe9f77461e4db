"""Answers one Firehose batch: every record once, in order, within the size that Firehose takes back."""

import binascii
from collections.abc import Mapping
from typing import Any

from shared.envelope import VERIFICATION
from shared.telemetry import Metrics, log, log_exception
from transform.deduplication import KeyOwners
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
    copies: dict[str, str] = {}
    for copy in clean.values():
        copies.setdefault(copy.dedup_key, copy.ingest_id)
    owners = key_owners.claim(copies) if copies else {}
    if len(owners) < len(copies):
        metrics.count("DeduplicationUnavailable", len(copies) - len(owners))
    answers: list[dict[str, Any]] = []
    passed: set[str] = set()
    size = 0
    for index, record in enumerate(records):
        answer = {"recordId": record["recordId"], "result": "ProcessingFailed"}
        if index in clean:
            answer = _answer(record["recordId"], clean[index], owners, copies, passed, metrics)
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


def _answer(
    record_id: str,
    record: CleanRecord,
    owners: Mapping[str, str],
    copies: Mapping[str, str],
    passed: set[str],
    metrics: Metrics,
) -> dict[str, Any]:
    """Answer one transformed record: the owner's first copy in the batch passes, any other is dropped."""
    key = record.dedup_key
    # While the table can't say who owns a key, the batch's own first copy passes, marked as unchecked.
    owner = owners.get(key, copies[key])
    if record.ingest_id != owner or key in passed:
        metrics.count("RecordsDuplicate")
        return {"recordId": record_id, "result": "Dropped"}
    passed.add(key)
    if not record.date_is_own:
        metrics.count("EventDateOutOfWindow")
    if record.event_type != VERIFICATION:
        _count_findings(record, metrics)
    line = record.line if key in owners else record.marked_unchecked()
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
