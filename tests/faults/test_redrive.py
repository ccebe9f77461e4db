"""A redrive cut at any call, or twice, and started again: everything lands, and once.

One cut is beyond any protocol over S3 and Firehose: after Firehose took records and before the journal says so. There a
batch may land twice, with the same ``ingest_id``.
"""

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count, product
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from genesys_firehose_tools.operations import redrive_journal
from genesys_firehose_tools.operations.redrive import Progress, Redrive, RedriveError, Source
from genesys_firehose_tools.operations.redrive_journal import HELD_FOR, Attempt, Batch, Journal
from tests.in_memory_aws import Crash, Fault, InMemoryAws, Schedule
from tests.wired_functions import firehose_batch, ingest_function, post, transform_function, transformed

State = Callable[[str, int], None]

SOURCE = Source(bucket="lake", streams=("stream",), queue="buffer", dlq="dlq")
RESTARTS = 10
_CUT = {Fault.CRASH_BEFORE, Fault.TIMEOUT}
_CUT_AFTER = {Fault.CRASH_AFTER, Fault.LOST_ANSWER}
_REFUSALS = {Fault.THROTTLE, Fault.REFUSED}


@pytest.fixture(autouse=True)
def _two_records_are_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genesys_firehose_tools.operations.redrive._MAX_BATCH_RECORDS", 2)


def _record_of(aws: InMemoryAws, name: str) -> bytes:
    assert post(ingest_function(aws), [{"messageId": f"{name}-2", "eventType": "call.event"}]) == 200
    return aws.in_stream.pop()


@cache
def _failed() -> InMemoryAws:
    """A pipeline in which four records are under ``errors/`` and a message is in the dead-letter queue."""
    aws = InMemoryAws()
    a, b, c, d, e = (_record_of(aws, name) for name in "abcde")
    # Its key was claimed before its transformation failed: a copy with another id would be dropped.
    transform_function(aws).handle(firehose_batch([a]))
    lines = [json.dumps({"rawData": base64.b64encode(record).decode()}).encode() + b"\n" for record in (a, b, c, d)]
    aws.objects = {"errors/processing-failed/1": b"".join(lines[:3]), "errors/processing-failed/2": lines[3]}
    aws.dead_letters = [e.decode()]
    return aws


class Operators:
    """People who redrive one pipeline, each from a machine of their own."""

    def __init__(self, aws: InMemoryAws) -> None:
        self.aws = aws
        self.aws.objects = dict(_failed().objects)
        self.aws.dead_letters = list(_failed().dead_letters)
        self.aws.owners = dict(_failed().owners)

    def redrive(self) -> Progress:
        return Redrive(self.aws, SOURCE, sleep=lambda _: None, now=lambda: self.aws.now).run()

    def redrive_until_done(self) -> None:
        for _ in range(RESTARTS):
            try:
                if not self.redrive().records_held:
                    return
            except (Crash, ClientError, ReadTimeoutError, RedriveError):
                pass
            self.aws.now += HELD_FOR
        raise AssertionError(f"not done after {RESTARTS} redrives")

    def landed(self) -> list[dict[str, Any]]:
        """Let everything arrive in ``clean/``."""
        with self.aws.unwatched():
            messages = [{"messageId": str(number), "body": body} for number, body in enumerate(self.aws.queue)]
            assert not ingest_function(self.aws).handle({"Records": messages})["batchItemFailures"]
            transform = transform_function(self.aws)
            # Each in a batch of its own, which is the worst: within a batch, a copy that comes twice passes once.
            answers = [transform.handle(firehose_batch([record])) for record in self.aws.in_stream]
            return [record for answer in answers for record in transformed(answer)]

    def violations(self, open_cuts: int = 0) -> list[str]:
        """Name what must never be and is, where cuts that nothing can close allow a batch to land again."""
        clean = self.landed()
        copies = Counter(record["event"]["messageId"][0] for record in clean)
        most = 1 + open_cuts + _open_cuts(self.aws)
        found = [f"{name} is lost" for name in set("abcde") - copies.keys()]
        found += [f"{name} landed {count} times" for name, count in copies.items() if count > most]
        if len({record["ingest_id"] for record in clean}) != 5:
            found.append("a record landed as two copies, which no query can tell from two events")
        if copies["e"] > 1:
            found.append("a message landed twice")
        if sum(copies.values()) > 5 + 2 * (most - 1):
            found.append("more than a batch landed twice")
        return found


def _open_cuts(aws: InMemoryAws) -> int:
    """Count the faults after Firehose took records and before the journal said so."""
    return sum(
        _is_open(aws.calls, number, fault) for number, fault in aws.schedule.items() if 0 < number < len(aws.calls)
    )


def _is_open(calls: list[str], number: int, fault: Fault) -> bool:
    follows_a_put = calls[number - 1] == "PutRecordBatch"
    if calls[number] == "PutRecordBatch":
        return fault in _CUT_AFTER or (follows_a_put and fault in _CUT)
    return calls[number] == "PutObject" and follows_a_put and fault in _CUT | _REFUSALS


def _schedules_of_up_to_two_faults(every: int = 1) -> Iterator[tuple[Schedule, Operators]]:
    """Yield schedules with the operators who lived through them: all of one fault, and one in `every` of two."""
    pairs = count()
    quiet = _lived_through({})
    yield {}, quiet
    for first, first_fault in product(range(len(quiet.aws.calls)), Fault):
        one = _lived_through({first: first_fault})
        yield {first: first_fault}, one
        for second, second_fault in product(range(first + 1, len(one.aws.calls)), Fault):
            if next(pairs) % every:
                continue
            schedule = {first: first_fault, second: second_fault}
            yield schedule, _lived_through(schedule)


def _lived_through(schedule: Schedule) -> Operators:
    operators = Operators(InMemoryAws(schedule))
    operators.redrive_until_done()
    return operators


def _some_schedule_breaks() -> bool:
    return any(operators.violations() for _schedule, operators in _schedules_of_up_to_two_faults())


def test_everything_lands_once_wherever_redrives_are_cut(state: State) -> None:
    _check(state, every=4)


@pytest.mark.soak
def test_everything_lands_once_wherever_redrives_are_cut_in_two(state: State) -> None:
    _check(state)


def _check(state: State, every: int = 1) -> None:
    tried = 0
    for schedule, operators in _schedules_of_up_to_two_faults(every):
        tried += 1
        assert not operators.violations(), (schedule, operators.aws.calls)
    state("redrives cut, all holding", tried)
    assert tried >= 1000


def test_a_redrive_after_another_changes_nothing_wherever_that_was_cut() -> None:
    for first, fault in product(range(len(_lived_through({}).aws.calls)), Fault):
        operators = _lived_through({first: fault})
        before = deepcopy((operators.aws.objects, operators.aws.raw, operators.aws.queue))
        done = len(operators.aws.calls)
        assert operators.redrive().records_put == 0
        assert set(operators.aws.calls[done:]) == {"ReceiveMessage", "ListObjectsV2"}
        assert (operators.aws.objects, operators.aws.raw, operators.aws.queue) == before


class _Interrupted(InMemoryAws):
    """Lets something happen just before one call."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self.happen = lambda: None

    def call(self, name: str, effect: Callable[[bool], Any]) -> Any:
        if len(self.calls) == self.number:
            self.number = -1
            with self.unwatched():
                self.happen()
        return super().call(name, effect)


def _interrupted(number: int, asleep: timedelta) -> Operators:
    """Redrive, and before a call let the machine sleep and another redrive the same."""
    aws = _Interrupted(number)
    operators = Operators(aws)

    def another() -> None:
        aws.now += asleep
        operators.redrive()

    aws.happen = another
    operators.redrive_until_done()
    return operators


def test_of_two_redrives_at_once_each_record_is_put_by_one() -> None:
    for number in range(len(_lived_through({}).aws.calls)):
        operators = _interrupted(number, asleep=timedelta(0))
        assert not operators.violations(), number


def test_a_redrive_that_sleeps_over_its_claim_puts_what_another_has_put_only_if_it_slept_in_its_put() -> None:
    calls = _lived_through({}).aws.calls
    for number, call in enumerate(calls):
        in_its_put = call == "PutRecordBatch" or calls[number - 1] == "PutRecordBatch"
        operators = _interrupted(number, asleep=HELD_FOR)
        assert not operators.violations(open_cuts=int(in_its_put)), number


def test_putting_without_a_claim_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Journal, "claim", lambda _self, batch: Attempt(1, datetime.now(UTC), dict(batch.records)))
    with pytest.raises(AssertionError):
        test_of_two_redrives_at_once_each_record_is_put_by_one()


def test_taking_over_at_once_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redrive_journal, "HELD_FOR", timedelta(0))
    with pytest.raises(AssertionError):
        test_of_two_redrives_at_once_each_record_is_put_by_one()


def test_taking_a_claim_for_the_end_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redrive_journal, "_DONE", "begun-1")
    assert _some_schedule_breaks()


def test_forgetting_what_is_left_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    end = Journal.end

    def all_is_left(self: Journal, batch: Batch, attempt: Attempt) -> None:
        end(self, batch, replace(attempt, left=batch.records) if attempt.left else attempt)

    monkeypatch.setattr(Journal, "end", all_is_left)
    first_put = _lived_through({}).aws.calls.index("PutRecordBatch")
    assert _lived_through({first_put: Fault.PARTIAL, first_put + 1: Fault.REFUSED}).violations()
