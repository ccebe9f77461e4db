"""Asks the lake's tables what they hold of a day of arrival."""

import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from botocore.exceptions import ClientError

from manifest.settings import ManifestSettings
from shared.telemetry import log

# No wait for the tables is worth the time that reading the objects needs.
_WAITS_SECONDS = 120
_POLL_SECONDS = 1.0

Row = dict[str, str | None]


class Tables:
    """The tables, through Athena.

    Args:
        settings: workgroup, database, and for how many days around its arrival an event may be filed.
        make_client: makes the client of an AWS service.
        sleep: waits between looks at a query.
    """

    def __init__(
        self,
        settings: ManifestSettings,
        make_client: Callable[[str], Any],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._client = make_client
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
        return None if rows is None else [{**row, "records": int(row["records"] or 0)} for row in rows]

    def completeness_of(self, day: date) -> Row | None:
        """Return what the last comparison with Genesys Cloud found of the conversations that began on a day.

        None where the lake has no table of that, or nothing about the day in it.
        """
        try:
            self._client("glue").get_table(DatabaseName=self._settings.database, Name="completeness")
        except ClientError as error:
            # Denied where Lake Formation governs the catalog.
            if error.response["Error"]["Code"] in ("EntityNotFoundException", "AccessDeniedException"):
                return None
            raise
        rows = self._ask(f"SELECT * FROM completeness WHERE day = DATE '{day}'")  # noqa: S608 - a day of the calendar
        return rows[0] if rows else None

    def _ask(self, statement: str) -> list[Row] | None:
        athena = self._client("athena")
        query = athena.start_query_execution(
            QueryString=statement,
            WorkGroup=self._settings.workgroup,
            QueryExecutionContext={"Database": self._settings.database},
        )["QueryExecutionId"]
        for _ in range(int(_WAITS_SECONDS / _POLL_SECONDS)):
            state = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]["State"]
            if state == "SUCCEEDED":
                # A thousand rows are more types and versions than there are.
                rows = athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
                # The first holds the columns' names; NULL has no value.
                names, *values = ([each.get("VarCharValue") for each in row["Data"]] for row in rows)
                return [dict(zip(names, row, strict=True)) for row in values]
            if state not in ("QUEUED", "RUNNING"):
                break
            self._sleep(_POLL_SECONDS)
        log("WARN", "the tables could not be asked", query=query)
        return None
