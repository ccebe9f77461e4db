"""The details records that Genesys Cloud keeps of conversations, told from all of their detail events.

What is lost on the way to the lake is lost from the events, not from these records. So they are the measure of both.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from genesys_firehose_tools.local.directory import DIRECTORY
from genesys_firehose_tools.local.values import iso

_PREFIX = "v2.detail.events.conversation."
_PURPOSES = {"customer": "customer", "acd": "acd", "user": "agent", "acw": "agent", "wrapup": "agent", "flow": "ivr"}
# Metrics of a session by the durations of the event that ends it.
_METRICS = {
    "alertingDurationMs": "tAlert",
    "dialingDurationMs": "tDialing",
    "contactingDurationMs": "tContacting",
    "interactingDurationMs": "tTalkComplete",
    "heldDurationMs": "tHeldComplete",
}
_HANDLING = ("tDialing", "tContacting", "tTalkComplete", "tHeldComplete", "tAcw")
_OUTCOMES = {"ANSWERED": "tAnswered", "ABANDON": "tAbandon", "FLOW_OUT": "tFlowOut"}

Record = dict[str, Any]


def detail_records(events: Iterable[Mapping[str, Any]]) -> list[Record]:
    """Return the details record of every conversation, in the order of their starts.

    Args:
        events: Notifications, each with ``topicName`` and ``eventBody``; those of other topics tell nothing.
    """
    told: dict[str, list[tuple[str, Mapping[str, Any]]]] = defaultdict(list)
    for event in events:
        topic = event.get("topicName", "")
        if topic.startswith(_PREFIX):
            conversation_id, _, kind = topic.removeprefix(_PREFIX).partition(".")
            told[conversation_id].append((kind, event["eventBody"]))
    records = [_conversation(each, sorted(parts, key=_time)) for each, parts in told.items()]
    return sorted(records, key=lambda each: (each["conversationStart"], each["conversationId"]))


def _conversation(conversation_id: str, events: list[tuple[str, Mapping[str, Any]]]) -> Record:
    participants: dict[str, Record] = {}
    for kind, body in events:
        participant = participants.setdefault(
            body["participantId"],
            {
                "participantId": body["participantId"],
                "purpose": _PURPOSES[kind.partition(".")[0]],
                **_given(body, "userId", "externalContactId"),
                "sessions": [],
            },
        )
        _tell_session(participant["sessions"], kind, body)
    for participant in participants.values():
        if participant["purpose"] == "agent":
            for session in participant["sessions"]:
                _tell_handling(session)
    first = events[0][1]
    record = {
        "conversationId": conversation_id,
        "conversationStart": _moment(first),
        "originatingDirection": str(first["direction"]).lower(),
        "divisionIds": [next(iter(DIRECTORY.divisions))],
        "participants": list(participants.values()),
    }
    segments = [
        segment
        for participant in participants.values()
        for session in participant["sessions"]
        for segment in session["segments"]
    ]
    # It goes on for as long as anybody is in it; work after it is none of its time.
    if all("segmentEnd" in segment for segment in segments):
        record["conversationEnd"] = max(each["segmentEnd"] for each in segments if each["segmentType"] != "wrapup")
    return record


def _tell_session(sessions: list[Record], kind: str, body: Mapping[str, Any]) -> None:
    session = next((each for each in sessions if each["sessionId"] == body["sessionId"]), None)
    if session is None:
        session = {
            "sessionId": body["sessionId"],
            "mediaType": str(body["mediaType"]).lower(),
            "direction": str(body["direction"]).lower(),
            **_given(body, "ani", "provider"),
            "metrics": [],
            "segments": [],
        }
        if "flowId" in body:
            session["flow"] = {"flowId": body["flowId"]}
        sessions.append(session)
    moment = _moment(body)
    metrics: list[Record] = session["metrics"]

    def measure(name: str, value: int) -> None:
        metrics.append({"emitDate": moment, "name": name, "value": value})

    if kind == "acw":
        measure("tAcw", body["wrapupDurationMs"])
        return
    if kind == "wrapup":
        session["segments"].append(
            {
                "segmentType": "wrapup",
                "segmentStart": iso(_at(body, -body["wrapupDurationMs"])),
                "segmentEnd": moment,
                **_given(body, "queueId"),
                "wrapUpCode": body["wrapupCode"],
                **({"wrapUpNote": body["wrapupNotes"]} if "wrapupNotes" in body else {}),
            }
        )
        return
    subject, _, change = kind.partition(".")
    if change == "start":
        session["segments"].append({"segmentType": "interact", "segmentStart": moment, **_given(body, "queueId")})
        if subject == "acd":
            measure("nOffered", 1)
        return
    segment = session["segments"][-1]
    segment["segmentEnd"] = moment
    if "disconnectType" in body:
        segment["disconnectType"] = str(body["disconnectType"]).lower()
    if subject == "acd":
        measure("tAcd", body["connectedDurationMs"])
        measure(_OUTCOMES[body["acdOutcome"]], body["connectedDurationMs"])
    if subject == "user":
        for field, name in _METRICS.items():
            if body.get(field):
                measure(name, body[field])


def _tell_handling(session: Record) -> None:
    """Tell what an agent's session took in all, once it is over with all work after it."""
    if all("segmentEnd" in segment for segment in session["segments"]):
        parts = [each for each in session["metrics"] if each["name"] in _HANDLING]
        emitted = max(each["segmentEnd"] for each in session["segments"])
        handled = sum(each["value"] for each in parts)
        session["metrics"].append({"emitDate": emitted, "name": "tHandle", "value": handled})


def _given(body: Mapping[str, Any], *fields: str) -> Record:
    return {field: body[field] for field in fields if field in body}


def _time(event: tuple[str, Mapping[str, Any]]) -> int:
    time: int = event[1]["eventTime"]
    return time


def _at(body: Mapping[str, Any], milliseconds: int = 0) -> datetime:
    return datetime.fromtimestamp((body["eventTime"] + milliseconds) / 1000, UTC)


def _moment(body: Mapping[str, Any]) -> str:
    return iso(_at(body))
