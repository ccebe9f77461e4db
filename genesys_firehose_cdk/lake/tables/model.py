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
        """The query for the table's rows of the days `{first_day}` to `{last_day}`."""
        return _query(self.name)

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
        Column("transform_version", "string", "Version of policy and code that masked the row"),
        Column("deduplicated", "boolean", "False where nobody could check whether the copy is the first"),
        Column("conflict", "boolean", "Its id came before with other content"),
        Column("repeated", "boolean", "Its content came before, in another hour, without id and time"),
        Column("schema_drift", "string", "Fields and types that the known shape does not have, as JSON"),
        Column("event", "string", "The masked event, as JSON"),
    ),
    key=("day", "dedup_key"),
    finds_gone=True,
)

TABLES: tuple[Table, ...] = (EVENTS,)
"""The tables, each after those that it reads."""

VIEWS: tuple[View, ...] = ()
"""The views, each after those that it reads."""
