"""The state machine that holds one day of the lake against Genesys Cloud, in the Amazon States Language with JSONata.

CloudFormation fills in what stands in ${}: Partition, FunctionArn, TablesStateMachineArn, Database, Workgroup,
TablesBucket, MetricsNamespace, Pipeline.

Whatever fails leads to the state "Record", with a sentence as the reason: the row of the day then says `unknown`. Where
that row can't be written either, the run fails, and what the table says of the day stays as it was.
"""

from typing import Any

from genesys_firehose_cdk.lake.tables import statements
from genesys_firehose_cdk.lake.tables.machine import (
    RETRY,
    VACUUM_RETRY,
    State,
    States,
    chain,
    choice,
    filled,
    presence,
    statement,
)
from genesys_firehose_cdk.lake.tables.model import COMPLETENESS, COMPLETENESS_TABLES, MISSING_CONVERSATIONS, Table

LAST_CHECK_DAYS = 4
"""After how many days a day is checked for the last time. Events of its conversations count up to that day.

Genesys Cloud's nightly corrections are visible from the third day (Genesys Cloud Resource Center, "Why can my data
change?")."""

_DAY_MILLISECONDS = 86_400_000
_DAY_FORMAT = "'[Y0001]-[M01]-[D01]'"
_RUN_SECONDS = 2 * 86_400
# Genesys Cloud has a day some hours after its end; no document says how many.
_EARLY_SECONDS, _MOST_EARLY = 3_600, 24
_LOOK_SECONDS, _MOST_LOOKS = 30, 240
# Jobs for the newest data may silently find fewer. Two that follow each other closely might find the same part.
_BETWEEN_JOBS_SECONDS, _MOST_JOBS = 300, 6
_MARKS = {
    "first": "$day",
    "run": "$states.context.Execution.Name",
    "started": "$states.context.Execution.StartTime",
    "watermark": "$watermark",
    "lines": "$string($lines)",
    "final": "$string($final)",
    # A quote within a text of SQL is two.
    "reason": """$replace($reason, "'", "''")""",
}
_FIGURES = """\
SELECT state, coalesce(CAST(missing AS varchar), '-'), coalesce(CAST(partial AS varchar), '-')
FROM completeness
WHERE day BETWEEN DATE '<first>' AND DATE '<first>'"""


def definition() -> State:
    """Return the state machine; Reconciliation says what it does."""
    return {
        "QueryLanguage": "JSONata",
        "TimeoutSeconds": _RUN_SECONDS,
        "StartAt": "Day",
        "States": {
            "Day": _day(f"Look {COMPLETENESS_TABLES[0].name}"),
            **presence(COMPLETENESS_TABLES, "Start"),
            **_listing("Refresh"),
            **_refreshing("Compare"),
            "Compare": {
                **_merge(MISSING_CONVERSATIONS),
                "Catch": _caught(
                    "Athena could not compare the day with the events: the run of the state machine says why."
                ),
                "Next": "Record",
            },
            "Record": {**_merge(COMPLETENESS), "Next": "Ask"},
            **_reporting("Vacuum due"),
            "Vacuum due": choice("$final", f"Vacuum {COMPLETENESS_TABLES[0].name}", otherwise="Done"),
            # What is not removed costs a little; the day is done.
            **chain(
                {
                    f"Vacuum {each.name}": {
                        **statement(statements.vacuum(each)),
                        "Retry": VACUUM_RETRY,
                        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Done"}],
                    }
                    for each in COMPLETENESS_TABLES
                },
                "Done",
            ),
            "Done": {"Type": "Pass", "Output": {"day": "{% $day %}", "state": "{% $state %}"}, "End": True},
        },
    }


def _day(then: str) -> State:
    """Take the input: a day, or how many days ago it was."""
    started = "$toMillis($states.context.Execution.StartTime)"
    today = f"$fromMillis({started}, {_DAY_FORMAT})"
    ago = f"$fromMillis({started} - $states.input.days_ago * {_DAY_MILLISECONDS}, {_DAY_FORMAT})"
    given = f"($exists($states.input.day) ? $states.input.day : {ago})"
    # Read and written again: what is no day gets into no statement.
    day = f"$fromMillis($toMillis({given} & 'T00:00:00Z'), {_DAY_FORMAT})"
    last = f"$fromMillis($toMillis({day} & 'T00:00:00Z') + {LAST_CHECK_DAYS * _DAY_MILLISECONDS}, {_DAY_FORMAT})"
    return {
        "Type": "Pass",
        "Assign": {
            "day": f"{{% {day} %}}",
            "last": f"{{% {last} < {today} ? {last} : {today} %}}",
            "final": f"{{% {last} <= {today} %}}",
            "reason": "",
            "watermark": "",
            "job": "",
            "digest": "",
            "previous": "",
            "lines": 0,
            "early": 0,
            "looks": 0,
            "jobs": 1,
        },
        "Output": {},
        "Next": then,
    }


def _listing(then: str) -> States:
    """Let jobs list the conversations of the day, until two in a row list the same."""
    return {
        **_starting("Wait for the job"),
        "Wait for the job": {
            "Type": "Wait",
            "Seconds": _LOOK_SECONDS,
            "Assign": {"looks": "{% $looks + 1 %}"},
            "Next": "Read",
        },
        **_reading(then),
        "Wait between jobs": {
            "Type": "Wait",
            "Seconds": _BETWEEN_JOBS_SECONDS,
            "Assign": {"previous": "{% $digest %}", "jobs": "{% $jobs + 1 %}"},
            "Next": "Start",
        },
    }


def _starting(then: str) -> States:
    """Start a job once Genesys Cloud has the whole day."""
    return {
        "Start": {
            **_step({"step": "start", "day": "{% $day %}"}),
            "Assign": {
                "reason": _answered("reason", "''"),
                "watermark": _answered("watermark", "$watermark"),
                "job": _answered("job", "''"),
                "is_early": _answered("early", "false"),
                "looks": 0,
            },
            "Catch": _caught("Genesys Cloud could not be asked for a job: the log of the function says why."),
            "Next": "Started",
        },
        "Started": {
            "Type": "Choice",
            "Choices": [
                {"Condition": "{% $reason != '' %}", "Next": "Record"},
                {
                    "Condition": f"{{% $is_early and $early >= {_MOST_EARLY} %}}",
                    "Assign": {"reason": "Genesys Cloud does not have the whole day yet."},
                    "Next": "Record",
                },
                {"Condition": "{% $is_early %}", "Assign": {"early": "{% $early + 1 %}"}, "Next": "Wait for the day"},
            ],
            "Default": then,
        },
        "Wait for the day": {"Type": "Wait", "Seconds": _EARLY_SECONDS, "Next": "Start"},
    }


def _reading(then: str) -> States:
    """Stage what a job listed, and compare it with what the job before did."""
    hung = f"A job of Genesys Cloud did not end in {_MOST_LOOKS * _LOOK_SECONDS // 3600} hours."
    differ = f"No two of {_MOST_JOBS} jobs in a row listed the same conversations."
    payload = {"step": "read", "day": "{% $day %}", "job": "{% $job %}", "run": "{% $states.context.Execution.Name %}"}
    return {
        "Read": {
            **_step(payload),
            "Assign": {
                "reason": _answered("reason", "''"),
                "is_pending": _answered("pending", "false"),
                "digest": _answered("digest", "''"),
                "lines": _answered("lines", "0"),
            },
            "Catch": _caught("What Genesys Cloud listed could not be read: the log of the function says why."),
            "Next": "Listed",
        },
        "Listed": {
            "Type": "Choice",
            "Choices": [
                {"Condition": "{% $reason != '' %}", "Next": "Record"},
                {
                    "Condition": f"{{% $is_pending and $looks >= {_MOST_LOOKS} %}}",
                    "Assign": {"reason": hung},
                    "Next": "Record",
                },
                {"Condition": "{% $is_pending %}", "Next": "Wait for the job"},
                {"Condition": "{% $digest != '' and $digest = $previous %}", "Next": then},
                {"Condition": f"{{% $jobs >= {_MOST_JOBS} %}}", "Assign": {"reason": differ}, "Next": "Record"},
            ],
            "Default": "Wait between jobs",
        },
    }


def _answered(name: str, otherwise: str) -> str:
    """What the function answered under a name, or else this expression."""
    answer = f"$states.result.Payload.{name}"
    return f"{{% $exists({answer}) ? {answer} : {otherwise} %}}"


def _refreshing(then: str) -> States:
    """Bring the events of the day and of those after it into the tables: a late one is not missing."""
    late = "The tables could not be brought up to date: `genesys-firehose tables status` says why."
    return {
        "Refresh": {
            "Type": "Task",
            "Resource": "arn:${Partition}:states:::states:startExecution",
            "Arguments": {
                "StateMachineArn": "${TablesStateMachineArn}",
                "Input": {"from": "{% $day %}", "to": "{% $last %}"},
            },
            "Assign": {"refresh": "{% $states.result.ExecutionArn %}"},
            "Output": {},
            "Retry": RETRY,
            "Catch": _caught(late),
            "Next": "Wait for the tables",
        },
        "Wait for the tables": {"Type": "Wait", "Seconds": _LOOK_SECONDS, "Next": "Look at the tables"},
        "Look at the tables": {
            "Type": "Task",
            "Resource": "arn:${Partition}:states:::aws-sdk:sfn:describeExecution",
            "Arguments": {"ExecutionArn": "{% $refresh %}"},
            "Assign": {"refreshed": "{% $states.result.Status %}"},
            "Output": {},
            "Retry": RETRY,
            "Catch": _caught(late),
            "Next": "Tables",
        },
        # A run of the tables ends by itself.
        "Tables": {
            "Type": "Choice",
            "Choices": [
                {"Condition": "{% $refreshed = 'RUNNING' %}", "Next": "Wait for the tables"},
                {"Condition": "{% $refreshed = 'SUCCEEDED' %}", "Next": then},
            ],
            "Assign": {"reason": late},
            "Default": "Record",
        },
    }


def _reporting(then: str) -> States:
    """Say what was found as metrics; what is not known is no metric."""

    def metric(name: str, value: str) -> str:
        return (
            f"{{'MetricName': '{name}', 'Dimensions': [{{'Name': 'Pipeline', 'Value': '${{Pipeline}}'}}], "
            f"'Value': {value}, 'Unit': 'Count'}}"
        )

    metrics = (
        metric("DaysReconciled", "($state = 'unknown' ? 0 : 1)"),
        f"$missing != '-' ? {metric('ConversationsMissing', '$number($missing)')}",
        f"$partial != '-' ? {metric('ConversationsPartial', '$number($partial)')}",
    )
    figures = "($states.result.ResultSet.Rows[-1].Data.VarCharValue)"
    return {
        "Ask": {
            **statement(filled(_FIGURES, _MARKS)),
            "Assign": {"query": "{% $states.result.QueryExecution.QueryExecutionId %}"},
            "Output": {},
            "Next": "Answer",
        },
        "Answer": {
            "Type": "Task",
            "Resource": "arn:${Partition}:states:::aws-sdk:athena:getQueryResults",
            "Arguments": {"QueryExecutionId": "{% $query %}"},
            "Assign": {
                "state": f"{{% {figures}[0] %}}",
                "missing": f"{{% {figures}[1] %}}",
                "partial": f"{{% {figures}[2] %}}",
            },
            "Output": {},
            "Retry": RETRY,
            "Next": "Report",
        },
        "Report": {
            "Type": "Task",
            "Resource": "arn:${Partition}:states:::aws-sdk:cloudwatch:putMetricData",
            "Arguments": {
                "Namespace": "${MetricsNamespace}",
                "MetricData": f"{{% [{', '.join(metrics)}] %}}",
            },
            "Output": {},
            "Retry": RETRY,
            "Next": then,
        },
    }


def _step(payload: dict[str, Any]) -> State:
    """Let the function do a step."""
    return {
        "Type": "Task",
        "Resource": "arn:${Partition}:states:::lambda:invoke",
        "Arguments": {"FunctionName": "${FunctionArn}", "Payload": payload},
        "Output": {},
        "Retry": RETRY,
    }


def _merge(table: Table) -> State:
    return statement(filled(statements.merge(table, "<first>", "<first>"), _MARKS))


def _caught(reason: str) -> list[State]:
    return [{"ErrorEquals": ["States.ALL"], "Assign": {"reason": reason}, "Output": {}, "Next": "Record"}]
