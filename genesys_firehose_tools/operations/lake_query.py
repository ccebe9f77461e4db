"""Asks the lake with Amazon Athena."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

from botocore.exceptions import ClientError

from genesys_firehose_tools.errors import ToolError
from genesys_firehose_tools.operations.clients import Clients
from genesys_firehose_tools.operations.deployed_pipeline import DeployedPipeline
from genesys_firehose_tools.operations.prices import ATHENA_LEAST_BYTES, read_prices

_POLL_SECONDS = 0.5
_TERABYTE = 10**12


class QueryError(ToolError):
    """A query was refused, failed, or was cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a query answers.

    Attributes:
        columns: The columns' names.
        types: Their types, as Athena calls them.
        rows: The rows; a value is text, or None for NULL.
        scanned: How many bytes Athena read.
        seconds: How long it took.
    """

    columns: list[str]
    types: list[str]
    rows: list[list[str | None]]
    scanned: int
    seconds: float

    @property
    def dollars(self) -> float:
        """What it costs by list price, without the requests to S3."""
        return max(self.scanned, ATHENA_LEAST_BYTES) / _TERABYTE * read_prices()["athena_scanned_tb"].usd


class LakeQuery:
    """Queries in one workgroup.

    Args:
        clients: A boto3 session, or anything that makes its clients.
        workgroup: The workgroup.
        database: The database that the queries' tables are in.
        sleep: Waits between looks at a query.
    """

    def __init__(
        self, clients: Clients, workgroup: str, database: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._athena = clients.client("athena")
        self._workgroup = workgroup
        self._database = database
        self._sleep = sleep

    @classmethod
    def of(cls, clients: Clients, pipeline: DeployedPipeline) -> Self:
        """Return the queries of a pipeline's lake.

        Raises:
            PipelineError: The pipeline has no catalog.
        """
        return cls(clients, pipeline.output("WorkgroupName"), pipeline.output("DatabaseName"))

    def ask(self, statement: str) -> Answer:
        """Run a query and return all its rows. A caller who is interrupted stops it.

        Raises:
            QueryError: It was refused, failed, or was cancelled because it read too much.
        """
        try:
            query = self._athena.start_query_execution(
                QueryString=statement,
                WorkGroup=self._workgroup,
                QueryExecutionContext={"Database": self._database},
            )["QueryExecutionId"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "InvalidRequestException":
                raise
            raise QueryError(f"Athena refused the query: {error.response['Error']['Message']}") from error
        try:
            execution = self._wait(query)
        except BaseException:
            self._athena.stop_query_execution(QueryExecutionId=query)
            raise
        status = execution["Status"]
        if status["State"] != "SUCCEEDED":
            raise QueryError(self._explain(status))
        statistics = execution["Statistics"]
        columns, types, rows = self._results(query)
        return Answer(
            columns=columns,
            types=types,
            rows=rows,
            scanned=statistics.get("DataScannedInBytes", 0),
            seconds=statistics.get("TotalExecutionTimeInMillis", 0) / 1000,
        )

    def _wait(self, query: str) -> dict[str, Any]:
        while True:
            execution: dict[str, Any] = self._athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
            if execution["Status"]["State"] not in ("QUEUED", "RUNNING"):
                return execution
            self._sleep(_POLL_SECONDS)

    def _explain(self, status: dict[str, Any]) -> str:
        reason = " ".join((status.get("StateChangeReason") or "no reason given").split())
        if "bytes scanned limit" not in reason.lower():
            return f"The query ended {status['State']}: {reason}"
        settings = self._athena.get_work_group(WorkGroup=self._workgroup)["WorkGroup"]["Configuration"]
        limit = settings.get("BytesScannedCutoffPerQuery", 0)
        return (
            f"The query was cancelled, for it would read more than the {limit / 2**30:,.4g} GiB that the workgroup "
            f"{self._workgroup} allows: ask for fewer days, or raise lake.catalog.bytes_scanned_limit."
        )

    def _results(self, query: str) -> tuple[list[str], list[str], list[list[str | None]]]:
        columns: list[str] = []
        types: list[str] = []
        rows: list[list[str | None]] = []
        for page in self._pages(query):
            described = page["ResultSetMetadata"]["ColumnInfo"]
            columns = [each["Name"] for each in described]
            types = [each["Type"] for each in described]
            rows += [[value.get("VarCharValue") for value in row["Data"]] for row in page["Rows"]]
        # The first row of a SELECT's results are the columns' names; other statements have none.
        return columns, types, rows[1:] if rows and rows[0] == columns else rows

    def _pages(self, query: str) -> Iterator[dict[str, Any]]:
        for page in self._athena.get_paginator("get_query_results").paginate(QueryExecutionId=query):
            yield page["ResultSet"]
