"""Puts the local Athena in the place of ministack's, and behind Step Functions.

ministack has Athena's calls, but neither Iceberg tables nor MERGE, and each query sees what there is, whoever asks.
Here a query has the rights of its caller, and a state machine those of its role.
"""

import asyncio
import hashlib
import json
import os
import re
import time
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import boto3
import duckdb
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from ministack import app
from ministack.core.iam_evaluator import resolve_credential
from ministack.core.responses import get_account_id, get_region
from ministack.core.router import extract_access_key_id
from ministack.services import athena, stepfunctions, sts

from genesys_firehose_tools.local.athena.engine import BytesScannedError, Query, QueryError
from genesys_firehose_tools.local.athena.objects import Catalog, CommitError

_START = "arn:aws:states:::athena:startQueryExecution.sync"
_POLL_SECONDS = 0.02
_SCOPE = re.compile(r"Credential=[^/]+/[^/]+/(?P<region>[^/]+)/(?P<service>[^/]+)/")
# boto3 can use a client in several threads, but not make one.
_making_clients = Lock()
_caller: ContextVar[str] = ContextVar("caller", default="")
_role: ContextVar[str] = ContextVar("role", default="")


class _CancelledError(Exception):
    """A query was stopped, or may read no more."""


def serve_athena(endpoint_url: str, directory: Path) -> None:
    """Run Athena's statements with the rights of whoever asks.

    Args:
        endpoint_url: Where the embedded AWS answers.
        directory: For the bytes of objects.
    """
    handle = athena.handle_request

    async def handle_request(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:
        _caller.set(extract_access_key_id(headers, query))
        return await handle(method, path, headers, body, query)

    async def execute_query(query_id: str, statement: str, database: str, *_: object) -> None:
        await asyncio.to_thread(_run, query_id, statement, database, endpoint_url, directory)

    athena.handle_request = handle_request
    athena._execute_query = execute_query


def serve_state_machines(endpoint_url: str) -> None:
    """Let state machines wait for Athena, and call other services with the rights of their role."""
    execute, call = stepfunctions._execute_task, app.call_service_handler_sync

    def execute_task(state: dict[str, Any], given: Any, execution: dict[str, Any], context: dict[str, Any]) -> Any:
        machine = stepfunctions._state_machines.get(execution["stateMachineArn"], {})
        before = _role.set(machine.get("roleArn", ""))
        try:
            return execute(state, given, execution, context)
        finally:
            _role.reset(before)

    def call_service(
        handler: Callable[..., Any], method: str, path: str, headers: dict[str, str], body: Any, *rest: Any
    ) -> Any:
        if not _role.get() or (scope := _SCOPE.search(headers.get("authorization", ""))) is None:
            return call(handler, method, path, headers, body, *rest)
        request = AWSRequest(method, f"{endpoint_url}{path}", data=body)
        for name in ("x-amz-target", "content-type"):
            if name in headers:
                request.headers[name] = headers[name]
        SigV4Auth(_credentials_of(_role.get()), scope["service"], scope["region"]).add_auth(request)
        answer = urllib3.request(method, request.url, body=body, headers=dict(request.headers.items()), retries=False)
        return answer.status, dict(answer.headers), answer.data

    stepfunctions._execute_task = execute_task
    app.call_service_handler_sync = call_service
    stepfunctions._SERVICE_DISPATCH[_START.removesuffix(".sync")] = _start_query_and_wait


def _start_query_and_wait(_: str, request: dict[str, Any]) -> dict[str, Any]:
    """Start a query, and end as it does, as the Step Functions Developer Guide says of "Run a Job (.sync)"."""

    def ask(action: str, **arguments: Any) -> dict[str, Any]:
        service = {"target_prefix": "AmazonAthena"}
        answer: dict[str, Any] = stepfunctions._dispatch_aws_sdk_json(service, "athena", action, arguments)
        return answer

    query_id = ask("startQueryExecution", **request)["QueryExecutionId"]
    while True:
        execution: dict[str, Any] = ask("getQueryExecution", QueryExecutionId=query_id)["QueryExecution"]
        state = execution["Status"]["State"]
        if state == "SUCCEEDED":
            return {"QueryExecution": execution}
        if state in ("FAILED", "CANCELLED"):
            raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(execution, default=str))
        time.sleep(_POLL_SECONDS)


def _run(query_id: str, statement: str, database: str, endpoint_url: str, directory: Path) -> None:
    execution = athena._executions[query_id]
    status, statistics = execution["Status"], execution["Statistics"]
    started = time.monotonic()

    def stop_if_cancelled() -> None:
        if status["State"] == "CANCELLED":
            raise _CancelledError

    workgroup = athena._workgroups.get(execution["WorkGroup"], {}).get("Configuration", {})
    try:
        stop_if_cancelled()
        status["State"] = "RUNNING"
        catalog = Catalog(_clients(endpoint_url), database, directory)
        query = Query(catalog, workgroup.get("BytesScannedCutoffPerQuery"), stop_if_cancelled)
        result = query.run(statement)
        stop_if_cancelled()
        if result.columns:
            catalog.put(execution["ResultConfiguration"]["OutputLocation"], result.as_csv())
        execution["_results"] = {"columns": result.columns, "rows": result.rows}
        execution["_column_types"] = result.types
        statistics["DataScannedInBytes"] = result.scanned
        status["State"] = "SUCCEEDED"
    except _CancelledError:
        pass
    except BytesScannedError as error:
        status.update(State="CANCELLED", StateChangeReason=str(error))
    except (QueryError, CommitError, ClientError, duckdb.Error) as error:
        status.update(State="FAILED", StateChangeReason=str(error)[:2000])
    except Exception as error:
        status.update(State="FAILED", StateChangeReason=f"INTERNAL_ERROR: {error}"[:2000])
        raise
    finally:
        milliseconds = int((time.monotonic() - started) * 1000)
        statistics["EngineExecutionTimeInMillis"] = statistics["TotalExecutionTimeInMillis"] = milliseconds
        status["CompletionDateTime"] = int(time.time())


def _clients(endpoint_url: str) -> Callable[[str], Any]:
    """Return what makes clients of the caller of the query."""
    caller = resolve_credential(_caller.get(), get_account_id())
    key = caller.access_key_id or os.environ["AWS_ACCESS_KEY_ID"]
    return lambda service: _client(
        service, endpoint_url, get_region(), key, caller.secret_access_key, caller.session_token
    )


@cache
def _client(service: str, endpoint_url: str, region: str, key: str, secret: str, token: str | None) -> Any:
    with _making_clients:
        return boto3.Session(
            aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token, region_name=region
        ).client(service, endpoint_url=endpoint_url)


def _credentials_of(role_arn: str) -> Credentials:
    """Return credentials of a role, which Step Functions assumes, or of the account while nothing is evaluated."""
    if not app.AUTH:
        return Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    digest = hashlib.sha256(role_arn.encode()).hexdigest()
    key, secret, token = f"ASIA{digest[:16].upper()}", digest[16:56], digest[40:]
    name = role_arn.rsplit("/", 1)[-1]
    sts.register_session(
        key,
        {
            "Arn": f"arn:aws:sts::{get_account_id()}:assumed-role/{name}/states",
            "UserId": f"{name}:states",
            "SecretAccessKey": secret,
            "SessionToken": token,
        },
    )
    return Credentials(key, secret, token)
