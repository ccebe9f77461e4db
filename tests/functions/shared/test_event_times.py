"""Every field of time in the SDK's notification models tells when the event happened, or is listed with why not."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import PureCloudPlatformClientV2 as sdk  # noqa: N813
import pytest

from shared.event import format_time, genesys_payload, time_around, time_in_body, time_sent
from shared.event_times import CHANGES, MOMENTS
from tests.functions.shared.sdk_topics import MODELS_BY_TOPIC


def moment_of(event: dict[str, Any]) -> datetime | None:
    payload = genesys_payload(event)
    return time_in_body(payload) or time_sent(payload) or time_around(event, payload)


OLD, NEW, SENT, OUTER = (f"2026-11-{day}T07:00:00.000Z" for day in (20, 24, 25, 26))

NOT_OF_THE_EVENT = {
    "how long something takes": "actualTranscodeTimeMs estimatedTranscodeTimeMs inactivityTimeout",
    "when something else began or ended": """
        conversationDate dateStart flowOutcomeEndTime flowOutcomeStartTime participantStartTime sessionStartTimeMs
        startTime transcriptionStartTimeMs""",
    "planned, or a span that the event is about": """
        adherenceExplanation.startDate alternativeShift.initiatingShiftDate alternativeShift.receivingShiftDate
        alternativeShift.weekDate bidWindowEndDate bidWindowStartDate callbackScheduledTime dataAvailabilityDate
        dateCompletionEstimated dateDue dateEnd dateExpires dateMutedUntil dateRecommendedForCompletion dateSnoozedUntil
        deadlineDate effectiveDate endDate forecast.weekDate lockInfo.dateExpires openDate opportunityEndDate
        opportunityStartDate referenceBusinessUnitDate referenceStartDate result.endDate result.referenceStartDate
        result.startDate result.weekDate scheduledDateTime segmentAssignmentEvent.dateForUnassignment
        shiftTrade.initiatingShiftDate shiftTrade.receivingShiftDate shiftTrade.weekDate startDate tokenExpirationDate
        trade.expirationDate visibilityRange.endBusinessUnitDate visibilityRange.endDate weekDate""",
    "of the creation, which every later change repeats": """
        createDate createdDateTime dateCreated externalOrganization.createDate lockInfo.dateCreated submittedDate""",
    "of another thing, which changes on its own": """
        connectedStatus.connectedStateTime dateLastRefreshed entityModifiedDate externalOrganization.modifyDate
        lastUnreadNotificationDate""",
    "beside another field that is as new or newer": """
        assignedDate changedDate dateAssignmentStateChanged dateClosed dateImportEnded dateImportStarted dateUploaded
        releaseDate segmentAssignmentEvent.dateAssigned""",
    "of a step of a job or a review; the notification's own timestamp is closer": """
        adherenceExplanation.reviewedDate downloadStartTime executeStartTime executeStopTime
        result.calculationsCompletedDate result.schedulingCompletedTime reviewedDate trade.reviewedDate""",
}
_NAME_OF_A_TIME = re.compile(r"date[A-Z].*|timestamp|.*(Date|Time|Timestamp|TimeMs)")


def times_of(model: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Every field of time in a model and in the models directly in it."""
    whole = model()
    for attribute, kind in whole.swagger_types.items():
        name = whole.attribute_map[attribute]
        if kind == "datetime" or (kind in ("int", "str") and _NAME_OF_A_TIME.fullmatch(name)):
            yield ".".join((*path, name))
        elif not path and hasattr(sdk, kind):
            yield from times_of(getattr(sdk, kind), (name,))


TIMES_BY_TOPIC = {topic: set(times_of(getattr(sdk, model))) for topic, model in MODELS_BY_TOPIC.items()}
ALL_TIMES = set().union(*TIMES_BY_TOPIC.values())
REVIEWED = [field for fields in NOT_OF_THE_EVENT.values() for field in fields.split()]


def test_every_field_of_time_in_the_sdk_is_read_or_reviewed() -> None:
    assert len(TIMES_BY_TOPIC) == 242
    assert ALL_TIMES - {*MOMENTS, *CHANGES} == set(REVIEWED)
    assert len(REVIEWED) == len(set(REVIEWED))


def test_every_field_that_is_read_is_one_of_the_sdks_topics_the_webhooks_own_or_the_backfills() -> None:
    assert {*MOMENTS, *CHANGES} - ALL_TIMES == {"channel.time", "callStartTime", "conversationStart"}


def body_of(fields: dict[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for path, value in fields.items():
        *parents, name = path.split(".")
        node = body
        for parent in parents:
            node = node.setdefault(parent, {})
        node[name] = value
    return body


@pytest.mark.parametrize("topic", sorted(topic for topic, times in TIMES_BY_TOPIC.items() if times & set(CHANGES)))
def test_an_event_speaks_of_the_newest_of_its_changes(topic: str) -> None:
    if TIMES_BY_TOPIC[topic] & set(MOMENTS):
        pytest.skip("it has a moment of its own")
    changes = sorted(TIMES_BY_TOPIC[topic] & set(CHANGES))
    for newest in changes:
        body = body_of({**dict.fromkeys(changes, OLD), newest: NEW})
        moment = moment_of({"topicName": topic, "eventBody": body, "timestamp": SENT})
        assert moment is not None
        assert format_time(moment) == NEW


@pytest.mark.parametrize("topic", sorted(topic for topic, times in TIMES_BY_TOPIC.items() if times & set(MOMENTS)))
def test_an_event_with_a_moment_of_its_own_speaks_of_that(topic: str) -> None:
    [moment] = TIMES_BY_TOPIC[topic] & set(MOMENTS)
    body = body_of({**dict.fromkeys(TIMES_BY_TOPIC[topic], SENT), moment: NEW})
    found = moment_of({"topicName": topic, "eventBody": body, "timestamp": SENT})
    assert found is not None
    assert format_time(found) == NEW


@pytest.mark.parametrize("topic", sorted(topic for topic, times in TIMES_BY_TOPIC.items() if times <= set(REVIEWED)))
def test_any_other_event_speaks_of_when_it_was_sent(topic: str) -> None:
    body = body_of(dict.fromkeys(TIMES_BY_TOPIC[topic], OLD))
    detail = {"topicName": topic, "eventBody": body}
    on_the_bus = {"detail-type": topic, "time": OUTER, "detail": detail}
    sent, outer = moment_of({**on_the_bus, "detail": {**detail, "timestamp": SENT}}), moment_of(on_the_bus)
    assert (sent and format_time(sent), outer and format_time(outer)) == (SENT, OUTER)
    assert moment_of(detail) is None
    assert moment_of({**detail, "time": OUTER}) is None, "only an EventBridge event has a time around it"
