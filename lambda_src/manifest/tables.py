"""Asks the lake's tables what they hold of a day of arrival."""

import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from manifest.settings import ManifestSettings
from shared.telemetry import log

# No wait for the tables is worth the time that reading the objects needs.
_WAITS_SECONDS = 240
_POLL_SECONDS = 1.0


class Tables:
    """The tables, through Athena.

    Args:
        settings: workgroup, database, and for how many days around its arrival an event may be filed.
        athena: the client.
        sleep: waits between looks at a query.
    """

    def __init__(self, settings: ManifestSettings, athena: Any, sleep: Callable[[float], None] = time.sleep) -> None:
        self._settings = settings
        self._athena = athena
        self._sleep = sleep

    def counts_of(self, day: date) -> list[dict[str, Any]] | None:
        """Count the events that arrived on a day, by type and version of the transform.

        None where the query fails: the tables are not there yet, or somebody changed them. What raw/ held must not
        wait for that.
        """
        settings = self._settings
        first = day - timedelta(days=settings.event_date_past_days)
        last = day + timedelta(days=settings.event_date_future_days)
        rows = self._ask(
            # Nothing but days of the calendar is put into it.
            "SELECT event_type, transform_version, count(*) AS records FROM events "  # noqa: S608
            f"WHERE day BETWEEN DATE '{first}' AND DATE '{last}' "
            f"AND received_at >= TIMESTAMP '{day} 00:00:00' "
            f"AND received_at < TIMESTAMP '{day + timedelta(days=1)} 00:00:00' "
            "GROUP BY event_type, transform_version ORDER BY event_type, transform_version"
        )
        if rows is None:
            return None
        return [
            {"event_type": event_type, "transform_version": version, "records": int(records)}
            for event_type, version, records in rows
        ]

    def completeness_of(self, day: date) -> list[dict[str, Any]] | None:  # noqa: ARG002 - nothing keeps it yet
        """Return what is known of the day's completeness; None while no table of the lake says anything about it."""
        return None

    def _ask(self, statement: str) -> list[list[str]] | None:
        query = self._athena.start_query_execution(
            QueryString=statement,
            WorkGroup=self._settings.workgroup,
            QueryExecutionContext={"Database": self._settings.database},
        )["QueryExecutionId"]
        for _ in range(int(_WAITS_SECONDS / _POLL_SECONDS)):
            state = self._athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]["State"]
            if state == "SUCCEEDED":
                rows = self._athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
                # The first row holds the columns' names. A thousand rows are more types and versions than there are.
                return [[value["VarCharValue"] for value in row["Data"]] for row in rows[1:]]
            if state not in ("QUEUED", "RUNNING"):
                break
            self._sleep(_POLL_SECONDS)
        log("WARN", "the tables could not be asked", query=query)
        return None
