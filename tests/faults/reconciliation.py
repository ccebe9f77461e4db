"""A lake that is held against a local Genesys Cloud by the real parts, without AWS.

The state machine's own definition runs in ministack's interpreter of the Amazon States Language, its function against
the local Genesys Cloud's API, its statements in DuckDB. Waiting moves a clock, and any call can be made to fail.
"""

import copy
import gzip
import json
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest import mock

import urllib3
from ministack.services import stepfunctions

from genesys.client import Credentials, Deadline, GenesysClient
from genesys_firehose_cdk.genesys.reconciliation_machine import definition
from genesys_firehose_cdk.lake.tables.model import COMPLETENESS_TABLES, EVENTS
from genesys_firehose_tools.local.details import detail_records
from genesys_firehose_tools.local.genesys.organization import Organization
from genesys_firehose_tools.local.genesys.server import LocalGenesys
from genesys_firehose_tools.local.values import GeneratedEvent
from genesys_reconciliation.function import ReconciliationHandler
from genesys_reconciliation.settings import ReconciliationSettings
from tests.in_memory_partner import InMemoryPartner
from tests.library.lake.tables.duckdb_lake import Tables

CLIENT = Credentials("reader", "s3cret-of-the-reader")
_BUCKET, _PREFIX = "tables", "expected_conversations/"
_FILLED = {
    "Partition": "aws",
    "FunctionArn": "function",
    "TablesStateMachineArn": "tables-machine",
    "Database": "lake",
    "Workgroup": "tables",
    "TablesBucket": _BUCKET,
    "MetricsNamespace": "Test",
    "Pipeline": "Pipeline",
}
_SETTINGS = {
    "GENESYS_HOST": "mypurecloud.com",
    "CREDENTIALS_SECRET_ARN": "credentials",
    "PURPOSES": "customer,acd,agent",
    "MEDIA": "voice,message",
    "TABLES_BUCKET_NAME": _BUCKET,
    "EXPECTED_PREFIX": _PREFIX,
}


Strike = Callable[[int, str], bool]
"""Says of a call, by its number and name, whether it fails."""


def never(_number: int, _call: str) -> bool:
    """No call fails."""
    return False


@dataclass(frozen=True)
class Row:
    """What `completeness` says of a day."""

    state: str
    listed: int | None
    expected: int | None
    seen: int | None
    missing: int | None
    partial: int | None
    unlisted: int | None
    reason: str | None

    @property
    def says_whole(self) -> bool:
        """Whether it says that nothing is missing."""
        return self.missing == 0 or self.state == "complete"


@dataclass
class Run:
    """A run of the state machine.

    Attributes:
        calls: The calls that it made, in order.
        metrics: What it reported.
        error: Why it failed; empty when it did not.
    """

    calls: list[str] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    error: str = ""


class ReconciledLake:
    """Events in tables, a Genesys Cloud that knows the conversations, and the state machine that compares them.

    Args:
        genesys: The local Genesys Cloud.
        now: The time, UTC.
    """

    def __init__(self, genesys: LocalGenesys, now: datetime) -> None:
        self.now = now
        self.genesys = genesys
        self.history = genesys.organization.conversations
        self.history.now = lambda: self.now
        self.tables = Tables()
        self.tables.connection.execute("CREATE TABLE expected_conversations (line varchar, day varchar, key varchar)")
        for table in COMPLETENESS_TABLES:
            self.tables.create(table)
        self._handler = ReconciliationHandler(
            ReconciliationSettings.from_environment(_SETTINGS), lambda _service: self, self._connect, self._seconds
        )
        self._runs = 0
        self._answers: dict[str, Any] = {}
        self._arrived = 0
        self._merged: Any = None

    # What happens.

    def happen(self, events: Sequence[GeneratedEvent], arriving: Sequence[GeneratedEvent] | None = None) -> None:
        """Let Genesys Cloud know conversations by all of their events, and the lake by those that arrive."""
        self.history.tell(detail_records(each.body for each in events))
        self.arrive(events if arriving is None else arriving)

    def arrive(self, events: Sequence[GeneratedEvent]) -> None:
        """Let events come into `clean/`."""
        for event in events:
            topic = event.body.get("topicName")
            if topic and topic.startswith("v2.detail.events.conversation."):
                moment = datetime.fromtimestamp(event.body["eventBody"]["eventTime"] / 1000, UTC)
                self._add(event.body, topic, moment, "eventbridge")

    def backfill(self, day: date) -> int:
        """Bring in the details records of the conversations that are missing or partial on a day; how many."""
        ids = self.tables.rows(
            f"SELECT DISTINCT conversation_id FROM missing_conversations WHERE day = DATE '{day}'"  # noqa: S608
        )
        found = [each for each in self.history.known() if (each["conversationId"],) in ids]
        for record in found:
            topic = f"v2.analytics.conversations.{record['conversationId']}.details"
            moment = datetime.fromisoformat(record["conversationStart"])
            self._add({"topicName": topic, "eventBody": record}, topic, moment, "backfill")
        return len(found)

    def _add(self, event: Any, topic: str, moment: datetime, ingress: str) -> None:
        self._arrived += 1
        self.tables.add(
            day=moment.date(), topic=topic, event=event, event_time=f"{moment:%Y-%m-%dT%H:%M:%S}.000Z", ingress=ingress
        )

    # What is compared.

    def check(self, day: date, strike: Strike = never, strike_after: Strike = never) -> Run:
        """Let the state machine check a day.

        Args:
            day: The day.
            strike: Which calls fail, without any effect.
            strike_after: Which calls fail after they took effect.
        """
        self._runs += 1
        run = Run()
        context = {
            "QueryLanguage": "JSONata",
            "Execution": {
                "Id": "arn",
                "Name": f"run-{self._runs}",
                "StartTime": self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            },
            "StateMachine": {"Id": "arn", "Name": "machine"},
            "variables": {},
        }

        def invoke(resource: str, given: Any) -> Any:
            name = self._name(resource, given)
            number = len(run.calls)
            run.calls.append(name)
            if strike(number, name):
                raise stepfunctions._ExecutionError("Struck", name)
            try:
                answer = self._call(resource, given, run)
            except stepfunctions._ExecutionError:
                raise
            except Exception as error:
                raise stepfunctions._ExecutionError(type(error).__name__, str(error)) from error
            if strike_after(number, name):
                raise stepfunctions._ExecutionError("StruckAfter", name)
            # Nothing passes but JSON.
            return json.loads(json.dumps(answer))

        with (
            mock.patch.object(stepfunctions, "_invoke_resource", invoke),
            mock.patch.object(stepfunctions, "_scaled_sleep", self._sleep),
        ):
            try:
                stepfunctions._run_sub_machine(
                    _STATES, "Day", {"day": str(day)}, {"events": [], "stateMachineArn": "arn"}, context
                )
            except stepfunctions._ExecutionError as error:
                run.error = f"{error.error}: {error.cause}"
        return run

    def row(self, day: date) -> Row | None:
        """What the table says of a day."""
        rows = self.tables.rows(
            "SELECT state, listed, expected, seen, missing, partial, unlisted, reason FROM completeness "  # noqa: S608
            f"WHERE day = DATE '{day}'"
        )
        return Row(*rows[0]) if rows else None

    def gaps(self, day: date) -> set[tuple[str, str]]:
        """The conversations with gaps, and of what kind."""
        rows = self.tables.rows(
            f"SELECT DISTINCT conversation_id, kind FROM missing_conversations WHERE day = DATE '{day}'"  # noqa: S608
        )
        return {(conversation, kind) for conversation, kind in rows}

    def lost(self, day: date) -> set[str]:
        """The ended conversations of a day that Genesys Cloud knows and no event in `clean/` speaks of."""
        return {each for each, sessions in self._ended(day).items() if not self._told(each)}

    def incomplete(self, day: date) -> set[str]:
        """Those a session of which no event speaks of."""
        return {
            each
            for each, sessions in self._ended(day).items()
            if not all(any(session in text for text in self._told(each)) for session in sessions)
        }

    def _ended(self, day: date) -> dict[str, list[str]]:
        return {
            record["conversationId"]: [
                session["sessionId"] for participant in record["participants"] for session in participant["sessions"]
            ]
            for record in self.history.known()
            if record["conversationStart"].startswith(str(day)) and record.get("conversationEnd")
        }

    def _told(self, conversation: str) -> list[str]:
        """The lines of `clean/` about a conversation: an oracle that knows no table."""
        rows = self.tables.rows(f"SELECT line FROM clean WHERE line LIKE '%{conversation}%'")  # noqa: S608
        return [line for (line,) in rows]

    # What the parts are connected to.

    def _connect(self, _host: str, credentials: Credentials, deadline: Deadline) -> GenesysClient:
        url = self.genesys.url
        return GenesysClient(url, url, credentials, deadline, http=_POOL, sleep=self._sleep)

    def _seconds(self) -> float:
        return self.now.timestamp()

    def _sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def get_secret_value(self, **_: str) -> dict[str, str]:
        """Answer as Secrets Manager."""
        return {"SecretString": json.dumps({"client_id": CLIENT.client_id, "client_secret": CLIENT.client_secret})}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803 - S3's names
        """Take an object as S3."""
        assert Bucket == _BUCKET
        day = urllib.parse.unquote(Key).removeprefix(f"{_PREFIX}day=").split("/")[0]
        # An object takes the place of the one before.
        self.tables.connection.execute("DELETE FROM expected_conversations WHERE key = ?", [Key])
        for line in gzip.decompress(Body).decode().splitlines():
            self.tables.connection.execute("INSERT INTO expected_conversations VALUES (?, ?, ?)", [line, day, Key])

    def _name(self, resource: str, given: Any) -> str:
        if "lambda:invoke" in resource:
            return f"function {given['Payload']['step']}"
        if "startQueryExecution" in resource:
            return " ".join(given["QueryString"].split()[:3])
        return resource.rsplit(":", 1)[-1]

    def _call(self, resource: str, given: Any, run: Run) -> Any:
        match resource.removeprefix("arn:aws:states:::"):
            case "lambda:invoke":
                return {"StatusCode": 200, "Payload": self._handler.handle(copy.deepcopy(given["Payload"]))}
            case "athena:startQueryExecution.sync":
                return {"QueryExecution": {"QueryExecutionId": self._ask(given["QueryString"])}}
            case "aws-sdk:athena:getQueryResults":
                header = {"Data": [{"VarCharValue": "column"}]}
                return {"ResultSet": {"Rows": [header, *self._answers[given["QueryExecutionId"]]]}}
            case "aws-sdk:glue:getTable":
                [table] = [each for each in COMPLETENESS_TABLES if each.name == given["Name"]]
                columns = [{"Name": each.name} for each in table.columns]
                return {"Table": {"StorageDescriptor": {"Columns": columns}}}
            case "states:startExecution":
                assert given["StateMachineArn"] == "tables-machine"
                days = [date.fromisoformat(given["Input"][each]) for each in ("from", "to")]
                # Nothing changes where nothing came.
                if self._merged != (merging := (days, self._arrived)):
                    self.tables.merge(*days, tables=[EVENTS])
                    self._merged = merging
                return {"ExecutionArn": "run"}
            case "aws-sdk:sfn:describeExecution":
                return {"Status": "SUCCEEDED"}
            case "aws-sdk:cloudwatch:putMetricData":
                run.metrics.update({each["MetricName"]: each["Value"] for each in given["MetricData"]})
                return {}
        raise AssertionError(resource)

    def _ask(self, statement: str) -> str:
        if statement.startswith("VACUUM"):
            return ""
        rows = self.tables.connection.execute(statement).fetchall()
        query = f"query-{len(self._answers)}"
        self._answers[query] = [
            {"Data": [{} if value is None else {"VarCharValue": str(value)} for value in row]} for row in rows
        ]
        return query


def _filled_definition() -> dict[str, Any]:
    text = json.dumps(definition())
    for name, value in _FILLED.items():
        text = text.replace(f"${{{name}}}", value)
    states: dict[str, Any] = json.loads(text)["States"]
    return states


_STATES = _filled_definition()
_POOL = urllib3.PoolManager()


@contextmanager
def reconciled_lake(now: datetime) -> Iterator[ReconciledLake]:
    """Provide a lake with a Genesys Cloud of its own."""
    organization = Organization(
        InMemoryPartner(),
        "3fd2f1a0-8f5c-4a53-9c43-0c2a3b4d5e6f",
        {CLIENT.client_id: CLIENT.client_secret},
        1_000_000,
    )
    server = LocalGenesys(organization)
    server.start()
    try:
        yield ReconciledLake(server, now)
    finally:
        server.stop()
