"""What the tables and views are: their columns, what each means, and the query that makes them."""

from dataclasses import dataclass
from pathlib import Path

PARTITION = "day"
"""The column that every table is partitioned by."""

_QUERIES = Path(__file__).parent


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        name: Its name.
        type: Its type, in the words of Athena's Iceberg tables.
        comment: What it means; at most 255 characters, which is what a Glue column takes (AWS Glue API Reference,
            "Column"), without quotes.
    """

    name: str
    type: str
    comment: str


@dataclass(frozen=True)
class Table:
    """An Iceberg table, partitioned by day, that Athena alone writes.

    Attributes:
        name: Its name, and that of the file with its query.
        comment: What a row is.
        columns: Its columns, in order.
        key: The columns that name a row.
        days_before: How many days before the first day that is merged its rows may change.
        days_after: How many days after the last.
        finds_gone: Whether the query itself says which rows are gone. Otherwise those are that it no longer returns.
    """

    name: str
    comment: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    days_before: int = 0
    days_after: int = 0
    finds_gone: bool = False

    @property
    def select(self) -> str:
        """The query for the table's rows of the days `{first_day}` to `{last_day}`.

        In it `{details}` stands for the query that reads details records.
        """
        return _query(self.name).replace("{details}", _query("details"))

    @property
    def first_written(self) -> str:
        """The first day whose rows a merge may change, as an expression."""
        return _shifted("first_day", -self.days_before)

    @property
    def last_written(self) -> str:
        """The last day whose rows a merge may change, as an expression."""
        return _shifted("last_day", self.days_after)


@dataclass(frozen=True)
class View:
    """A view over the tables.

    Attributes:
        name: Its name, and that of the file with its query.
        comment: What a row is.
        columns: Its columns, in order.
    """

    name: str
    comment: str
    columns: tuple[Column, ...]

    @property
    def select(self) -> str:
        """The query that the view stands for."""
        return _query(self.name)


def _query(name: str) -> str:
    text = (_QUERIES / f"{name}.sql").read_text(encoding="utf-8")
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("--"))


def _shifted(day: str, days: int) -> str:
    """A day moved by a number of days, as an expression that is constant to the planner."""
    text = f"DATE '{{{day}}}'"
    return text if not days else f"{text} {'-' if days < 0 else '+'} INTERVAL '{abs(days)}' DAY"


_DURATION = "milliseconds, 0 to below 10^11; null where the event has none or no believable one"

EVENTS = Table(
    name="events",
    comment="Every event once, masked; other content under the same id is a row of its own",
    columns=(
        Column("day", "date", "Day (UTC) that the event is filed under: of its own time, else of its arrival"),
        Column("event_type", "string", "Type of the event, as in clean/"),
        Column("dedup_key", "string", "Identity of the event: a keyed digest of its id and content"),
        Column("ingest_id", "string", "The received copy that this row shows; the same in raw/"),
        Column("received_at", "timestamp", "When that copy arrived, UTC"),
        Column("ingress", "string", "Way in: webhook, eventbridge, backfill or names"),
        Column("event_time", "timestamp", "When it happened, UTC, as the event says; may be null"),
        Column("topic", "string", "Notification topic; null for an event that is no notification"),
        Column("kind", "string", "Of a conversation detail event the end of its topic, such as acd.end"),
        Column("conversation_id", "string", "Conversation, of the body or of the topic"),
        Column("participant_id", "string", "Participant of the conversation"),
        Column("session_id", "string", "Session of the participant"),
        Column("queue_id", "string", "Queue"),
        Column("user_id", "string", "Agent: userId, else answeredUserId, else of the topic"),
        Column("media_type", "string", "Medium in upper case, such as VOICE"),
        Column("message_type", "string", "Kind of message, such as WEBMESSAGING"),
        Column("direction", "string", "INBOUND or OUTBOUND"),
        Column("division_id", "string", "Division"),
        Column("flow_id", "string", "Architect flow"),
        Column("acd_outcome", "string", "How a wait in a queue ended: ANSWERED, ABANDON or FLOW_OUT"),
        Column("disconnect_type", "string", "Why a session ended"),
        Column("wrapup_code", "string", "Wrap-up code, or disposition of a flat event"),
        Column("connected_ms", "bigint", f"connectedDurationMs, {_DURATION}"),
        Column("interacting_ms", "bigint", f"interactingDurationMs, {_DURATION}"),
        Column("held_ms", "bigint", f"heldDurationMs, {_DURATION}"),
        Column("alerting_ms", "bigint", f"alertingDurationMs, {_DURATION}"),
        Column("contacting_ms", "bigint", f"contactingDurationMs, {_DURATION}"),
        Column("dialing_ms", "bigint", f"dialingDurationMs, {_DURATION}"),
        Column("callback_ms", "bigint", f"callbackDurationMs, {_DURATION}"),
        Column("voicemail_ms", "bigint", f"voicemailDurationMs, {_DURATION}"),
        Column("wrapup_ms", "bigint", f"wrapupDurationMs, {_DURATION}"),
        Column("presence", "string", "System presence of the agent in upper case, such as ON_QUEUE"),
        Column("presence_definition_id", "string", "Presence definition"),
        Column("presence_at", "timestamp", "Since when the presence holds, UTC"),
        Column("routing_status", "string", "Routing status of the agent, such as INTERACTING"),
        Column("routing_status_at", "timestamp", "Since when the routing status holds, UTC"),
        Column("transform_version", "string", "Version of policy and code that masked the row"),
        Column("deduplicated", "boolean", "False where nobody could check whether the copy is the first"),
        Column("conflict", "boolean", "Its id came before with other content"),
        Column("repeated", "boolean", "Its content came before, in another hour, without id and time"),
        Column("schema_drift", "string", "Fields and types that the known shape does not have, as JSON"),
        Column("event", "string", "The masked event, as JSON"),
        Column("details", "string", "The same of a details record that the backfill put in; null for every event"),
    ),
    key=("day", "dedup_key"),
    finds_gone=True,
)

# Where a definition is from: the Genesys Cloud Resource Center ("RC"), the models of Genesys Cloud's SDK ("SDK").
_AHT = "RC, glossary: average handle time"
_SHORT = "RC: Configure abandon intervals"
_SERVICE_LEVEL = "RC: Configure the service level calculation"
_OFFERED = "RC: Why does the Offered metric not always equal the Answered plus Abandoned metrics?"

SESSIONS = Table(
    name="sessions",
    comment="A session of a participant of a conversation, of its detail events or its details record",
    columns=(
        Column("day", "date", "Day (UTC) of the first event of its conversation, up to three days back"),
        Column("conversation_id", "string", "Conversation"),
        Column("session_id", "string", "Session; the participant where an event names no session"),
        Column("participant_id", "string", "Participant"),
        Column("purpose", "string", "agent, acd (a wait in a queue), flow, voicemail or customer, by its events"),
        Column("media_type", "string", "Medium in upper case, such as VOICE"),
        Column("message_type", "string", "Kind of message, such as WEBMESSAGING"),
        Column("direction", "string", "INBOUND or OUTBOUND"),
        Column("division_id", "string", "Division"),
        Column("queue_id", "string", "Queue"),
        Column("user_id", "string", "Agent; of a wait in a queue the one who answered"),
        Column("flow_id", "string", "Architect flow"),
        Column("started_at", "timestamp", "Time of the start event, else of the end less its durations"),
        Column("ended_at", "timestamp", "Time of the end event; null until it is there"),
        Column("disconnect_type", "string", "Why it ended (SDK: disconnectType)"),
        Column("acd_outcome", "string", "How the wait ended: ANSWERED, ABANDON or FLOW_OUT (SDK: acdOutcome)"),
        Column("waited_ms", "bigint", "Wait in the queue: connectedDurationMs of acd.end (meaning unverified)"),
        Column("alerting_ms", "bigint", "Time the agent was alerted: alertingDurationMs of user.end"),
        Column("dialing_ms", "bigint", "Time dialing: dialingDurationMs of user.end"),
        Column("contacting_ms", "bigint", "Time contacting: contactingDurationMs of user.end"),
        Column("talk_ms", "bigint", "Talk time: interactingDurationMs of user.end"),
        Column("held_ms", "bigint", "Hold time: heldDurationMs of user.end"),
        Column("after_call_ms", "bigint", "wrapupDurationMs of acw alone; wrapup repeats it (unverified)"),
        Column("callback_ms", "bigint", "Time of the callback: callbackDurationMs of user.end"),
        Column("voicemail_ms", "bigint", "Length of the voicemail: voicemailDurationMs of voicemail.end"),
        Column(
            "handled_ms",
            "bigint",
            f"Talk, hold and after-call work; outbound dialing and contacting as well ({_AHT})",
        ),
        Column("handled_at", "timestamp", f"When the handle was complete, with its after-call work ({_AHT})"),
        Column("wrapup_code", "string", "Newest wrap-up code of the session; an event wrapup counts before acw"),
        Column("wrapup_at", "timestamp", "When that code was given"),
        Column("events", "bigint", "How many events the row is made of; a details record is one"),
    ),
    key=("day", "conversation_id", "session_id"),
    days_before=3,
    days_after=6,
)

CONVERSATIONS = Table(
    name="conversations",
    comment="A conversation, of its sessions",
    columns=(
        Column("day", "date", "Day (UTC) of its first event; what is over three days later is another row"),
        Column("conversation_id", "string", "Conversation"),
        Column("started_at", "timestamp", "When its first session started"),
        Column("ended_at", "timestamp", "When the session of the customer ended, else the last that did"),
        Column("media_type", "string", "Medium of its first session"),
        Column("direction", "string", "Direction of its first session"),
        Column("first_queue_id", "string", "Queue it waited in first"),
        Column("queues", "bigint", "In how many queues it waited"),
        Column("agents", "bigint", "How many agents handled it"),
        Column("offered", "bigint", f"Waits in queues, each answered, abandoned or flowed out ({_OFFERED})"),
        Column("answered", "bigint", "Waits that an agent answered"),
        Column("abandoned", "bigint", "Waits that customer or system disconnected (RC: Metric definitions)"),
        Column("flow_outs", "bigint", "Waits that left the queue otherwise"),
        Column("handled", "bigint", "Sessions of agents with a handle time"),
        Column("waited_ms", "bigint", "Time in queues"),
        Column("talk_ms", "bigint", "Talk time of all agents"),
        Column("held_ms", "bigint", "Hold time of all agents"),
        Column("after_call_ms", "bigint", "After-call work of all agents"),
        Column("handled_ms", "bigint", f"Handle time of all agents ({_AHT})"),
        Column("handled_at", "timestamp", "When its last handle was complete"),
        Column("wrapup_code", "string", "Its newest wrap-up code"),
        Column("sessions", "bigint", "How many sessions the row is made of"),
    ),
    key=("day", "conversation_id"),
    days_before=3,
    days_after=6,
)

METRICS = Table(
    name="metrics",
    comment="What Genesys Cloud itself measured of conversations (topic v2.analytics.conversation.{id}.metrics)",
    columns=(
        Column("day", "date", "Day (UTC) of the metric"),
        Column("dedup_key", "string", "The event of the row"),
        Column("metric_at", "timestamp", "Time of the metric, UTC (SDK: metricDate)"),
        Column("metric", "string", "Name, such as tHandle; t is a duration, n a count, o an observation (SDK: metric)"),
        Column("value", "double", "Value, milliseconds of a duration; null where it is none below 10^11 (SDK: value)"),
        Column("conversation_id", "string", "Conversation"),
        Column("session_id", "string", "Session"),
        Column("purpose", "string", "Purpose of the participant, such as agent"),
        Column("media_type", "string", "Medium in upper case, such as VOICE"),
        Column("direction", "string", "INBOUND or OUTBOUND"),
        Column("queue_id", "string", "Queue"),
        Column("user_id", "string", "Agent"),
        Column("wrapup_code", "string", "Wrap-up code"),
        Column("record_id", "string", "Id of the record (SDK: recordId)"),
    ),
    key=("day", "dedup_key"),
)

AGENT_STATUS = Table(
    name="agent_status",
    comment="An interval of the presence or of the routing status of an agent",
    columns=(
        Column("day", "date", "Day (UTC) on which it began"),
        Column("user_id", "string", "Agent"),
        Column("kind", "string", "presence or routing"),
        Column("started_at", "timestamp", "When it began, UTC (SDK: modifiedDate, startTime)"),
        Column("ended_at", "timestamp", "When the next began; null where none did within three days"),
        Column("status", "string", "System presence, such as ON_QUEUE, or routing status, such as INTERACTING"),
        Column("presence_definition_id", "string", "Presence definition of a presence"),
        Column("duration_ms", "bigint", "From started_at to ended_at"),
    ),
    key=("day", "user_id", "kind", "started_at"),
    days_before=6,
)

NAMES = Table(
    name="names",
    comment="What a thing was called in a snapshot of its kind",
    columns=(
        Column("day", "date", "Day (UTC) of the snapshot"),
        Column("kind", "string", "queue, wrapup_code, skill, division, flow, presence_definition or user"),
        Column("id", "string", "Its id at Genesys Cloud"),
        Column("snapshot_at", "timestamp", "Time of the snapshot, UTC"),
        Column("name", "string", "Its name; of a user a token, unless the owner says otherwise"),
        Column("attributes", "string", "What else is kept of it, as JSON"),
        Column("total", "bigint", "How many things the snapshot has; it is complete when all of them are here"),
    ),
    key=("day", "kind", "id", "snapshot_at"),
)

TABLES: tuple[Table, ...] = (EVENTS, SESSIONS, CONVERSATIONS, METRICS, AGENT_STATUS, NAMES)
"""The tables that are made of events, each after those that it reads."""

MISSING_CONVERSATIONS = Table(
    name="missing_conversations",
    comment="A session that Genesys Cloud knows and the lake has no event of, by the last comparison of its day",
    columns=(
        Column("day", "date", "Day (UTC) on which the conversation started"),
        Column("conversation_id", "string", "Conversation"),
        Column("session_id", "string", "Session"),
        Column("media_type", "string", "Medium in upper case, such as VOICE"),
        Column("purpose", "string", "Purpose of the participant: customer, acd or agent"),
        Column("kind", "string", "missing: the conversation has no event at all; partial: others of its sessions have"),
    ),
    key=("day", "conversation_id", "session_id"),
)

COMPLETENESS = Table(
    name="completeness",
    comment="What the last check of a day found: are the conversations that Genesys Cloud knows in the lake",
    columns=(
        Column("day", "date", "Day (UTC) on which the conversations started"),
        Column("listed", "bigint", "Conversations that Genesys Cloud listed, the most of any check"),
        Column("expected", "bigint", "Those that had ended and have a session of the purposes and media that come"),
        Column("seen", "bigint", "Expected conversations of which the lake has an event; null where it is not known"),
        Column("missing", "bigint", "Expected conversations without any event; 0 only once it is certain, else null"),
        Column("partial", "bigint", "Others, a session of which has no event; 0 only once it is certain, else null"),
        Column("unlisted", "bigint", "Conversations of the day that the lake has and Genesys Cloud did not list"),
        Column("watermark", "timestamp", "Up to when Genesys Cloud had data, UTC (SDK: dataAvailabilityDate)"),
        Column("checked_at", "timestamp", "When the check began, UTC"),
        Column("state", "string", "complete, gaps, open (none so far, corrections may come) or unknown"),
        Column("reason", "string", "Why the state is unknown, in a sentence; else null"),
    ),
    key=("day",),
)

COMPLETENESS_TABLES: tuple[Table, ...] = (MISSING_CONVERSATIONS, COMPLETENESS)
"""The tables of the reconciliation with Genesys Cloud, each after those that it reads.

Their queries have marks in angle brackets beside the days."""

EXPECTED_CONVERSATIONS = "expected_conversations"
"""The table of text lines of what Genesys Cloud listed, which the reconciliation stages."""

_VALID = (
    Column("valid_from", "timestamp", "First snapshot that has it so"),
    Column("valid_to", "timestamp", "Next snapshot that has it otherwise, or complete one that lacks it; null: holds"),
    Column("latest", "boolean", "Whether it is the last that is known of the id; join on this for one row an id"),
)
_DIVISION = Column("division_id", "string", "Division")
_HALF_HOUR = (
    Column("day", "date", "Day (UTC) of the half hour"),
    Column("interval_start", "timestamp", "Start of the half hour, UTC"),
)
_HANDLED = (
    Column("handled", "bigint", f"Sessions of agents whose handle was complete ({_AHT})"),
    Column("talk_ms", "bigint", "Their talk time"),
    Column("held_ms", "bigint", "Their hold time"),
    Column("after_call_ms", "bigint", "Their after-call work"),
    Column("handled_ms", "bigint", "Their handle time"),
)
_STATUS = "its intervals count as far as they lie in the half hour, once they have ended"


def _dimension(name: str, things: str, *attributes: Column) -> View:
    return View(
        name=name,
        comment=f"{things} and how each was called, from when to when",
        columns=(
            Column("id", "string", "Id at Genesys Cloud"),
            Column("name", "string", "Name"),
            *attributes,
            Column("attributes", "string", "All that is kept of it, as JSON"),
            *_VALID,
        ),
    )


VIEWS: tuple[View, ...] = (
    View(
        name="name_versions",
        comment="How each thing of every kind was called, from when to when",
        columns=(
            Column("kind", "string", "Kind, as in names"),
            Column("id", "string", "Id at Genesys Cloud"),
            Column("name", "string", "Name"),
            Column("attributes", "string", "What else is kept of it, as JSON"),
            *_VALID,
        ),
    ),
    _dimension(
        "dim_queues",
        "Queues",
        _DIVISION,
        *(
            Column(f"{medium}_target_ms", "bigint", f"Service-level target of {medium}: answered within")
            for medium in ("voice", "callback", "chat", "email", "message")
        ),
    ),
    _dimension("dim_users", "Agents", _DIVISION, Column("state", "string", "active, inactive or deleted")),
    _dimension("dim_wrapup_codes", "Wrap-up codes", _DIVISION),
    _dimension("dim_skills", "Skills", Column("state", "string", "active, inactive or deleted")),
    _dimension("dim_divisions", "Divisions", Column("home_division", "boolean", "Whether it is the home division")),
    _dimension(
        "dim_flows",
        "Architect flows",
        _DIVISION,
        Column("type", "string", "Type of flow, such as INBOUNDCALL"),
        Column("active", "boolean", "Whether it is active"),
        Column("deleted", "boolean", "Whether it was deleted"),
    ),
    _dimension(
        "dim_presence_definitions",
        "Presence definitions",
        _DIVISION,
        Column("system_presence", "string", "System presence that it belongs to"),
        Column("deactivated", "boolean", "Whether it is deactivated"),
    ),
    View(
        name="queue_intervals",
        comment="What happened in each queue in each half hour, as Genesys Cloud counts it, in counts and sums",
        columns=(
            *_HALF_HOUR,
            Column("queue_id", "string", "Queue"),
            Column("queue_name", "string", "Its latest name; null while no names are there"),
            Column("media_type", "string", "Medium in upper case, such as VOICE"),
            Column("offered", "bigint", f"Waits that began ({_OFFERED})"),
            Column("answered", "bigint", f"Waits that an agent answered, when he did ({_OFFERED})"),
            Column(
                "abandoned",
                "bigint",
                "Waits that were abandoned, when they were, short ones included",
            ),
            Column(
                "short_abandoned",
                "bigint",
                f"Those abandoned before 10 s; organizations set their own ({_SHORT})",
            ),
            Column("flow_outs", "bigint", f"Waits that left the queue otherwise, when they did ({_OFFERED})"),
            Column(
                "over_target",
                "bigint",
                f"Answered later than the target then; null if unknown ({_SERVICE_LEVEL})",
            ),
            Column("answered_wait_ms", "bigint", "Wait of the answered"),
            Column("abandoned_wait_ms", "bigint", "Wait of the abandoned"),
            *_HANDLED,
        ),
    ),
    View(
        name="agent_intervals",
        comment="What each agent did in each half hour, in counts and sums",
        columns=(
            *_HALF_HOUR,
            Column("user_id", "string", "Agent"),
            Column("user_name", "string", "Latest name, or its token; null while no names are there"),
            Column("logged_in_ms", "bigint", f"Presence other than OFFLINE; {_STATUS}"),
            Column("on_queue_ms", "bigint", f"Presence ON_QUEUE; {_STATUS}"),
            Column("idle_ms", "bigint", f"Routing status IDLE; {_STATUS}"),
            Column("interacting_ms", "bigint", f"Routing status INTERACTING; {_STATUS}"),
            Column("communicating_ms", "bigint", f"Routing status COMMUNICATING; {_STATUS}"),
            Column("not_responding_ms", "bigint", f"Routing status NOT_RESPONDING; {_STATUS}"),
            Column("off_queue_ms", "bigint", f"Routing status OFF_QUEUE; {_STATUS}"),
            *_HANDLED,
        ),
    ),
    View(
        name="wrap_ups",
        comment="Wrap-up codes of sessions, and dispositions of flat events, each once",
        columns=(
            Column("day", "date", "Day (UTC) of the wrap-up"),
            Column("wrapup_at", "timestamp", "When it was given, UTC"),
            Column("conversation_id", "string", "Conversation"),
            Column("session_id", "string", "Session; null for a flat event"),
            Column("queue_id", "string", "Queue"),
            Column("user_id", "string", "Agent"),
            Column("media_type", "string", "Medium in upper case, such as VOICE"),
            Column("code", "string", "Wrap-up code"),
            Column("code_name", "string", "Its latest name; null while no names are there"),
        ),
    ),
)
"""The views, each after those that it reads."""
