"""The state machine that keeps the tables, in the Amazon States Language with JSONata.

CloudFormation fills in what stands in ${}: Partition, Database, Workgroup, TablesBucket, MetricsNamespace, Pipeline.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from genesys_firehose_cdk.lake.tables import statements
from genesys_firehose_cdk.lake.tables.model import TABLES, VIEWS, Table, View

State = dict[str, Any]
States = dict[str, State]

# One statement writes 100 partitions at most (Amazon Athena User Guide, "Considerations and limitations" of Iceberg
# tables; the number is seen in error messages).
_MOST_PARTITIONS = 90
_DAY_MILLISECONDS = 86_400_000
_DAY_FORMAT = "'[Y0001]-[M01]-[D01]'"
# Longer than Athena runs a statement unless its quota was raised (Amazon Athena User Guide, "Service Quotas").
_STATEMENT_SECONDS = 3600
_RUN_SECONDS = 12 * 3600
# What Athena or Glue refuse for now, and a commit that came second (ICEBERG_COMMIT_ERROR), succeed later.
RETRY: list[State] = [
    {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 10, "BackoffRate": 2, "MaxAttempts": 4, "JitterStrategy": "FULL"}
]
# VACUUM fails while there is more to remove (ICEBERG_VACUUM_MORE_RUNS_NEEDED, after 20,000 files).
VACUUM_RETRY: list[State] = [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 50}, *RETRY]
_MARKS: Mapping[str, str] = {
    "first": "$states.input.first",
    "last": "$states.input.last",
    "closed": "($states.input.last < $yesterday ? $states.input.last : $yesterday)",
    "run": "$states.context.Execution.Name",
}


def definition(tables: Sequence[Table] = TABLES, views: Sequence[View] = VIEWS) -> State:
    """Return the state machine; LakeTables says what it does.

    Args:
        tables: The tables, each after those that it reads.
        views: The views, each after those that it reads.
    """
    most_days = _MOST_PARTITIONS - max(each.days_before + each.days_after for each in tables)
    return {
        "QueryLanguage": "JSONata",
        "TimeoutSeconds": _RUN_SECONDS,
        "StartAt": "Days",
        "States": {
            **chain({"Days": _days(), "Chunks": _chunks(most_days)}, "Others"),
            **_alone(f"Look {tables[0].name}"),
            **presence(tables, "Views due"),
            "Views due": choice("$created or $optimize", "Views", otherwise="Refresh"),
            "Views": {
                "Type": "Map",
                "Items": [{"statement": statements.create_view(each)} for each in views],
                "MaxConcurrency": 1,
                "ItemProcessor": _inline({"Create view": statement("{% $states.input.statement %}")}),
                "Next": "Refresh",
            },
            "Refresh": {
                "Type": "Map",
                "Items": "{% $chunks %}",
                "MaxConcurrency": 1,
                "ItemProcessor": _refresh(tables),
                "Next": "Vacuum due",
            },
            "Vacuum due": choice("$vacuum", f"Vacuum {tables[0].name}", otherwise="Report"),
            **chain(
                {
                    f"Vacuum {each.name}": {**statement(statements.vacuum(each)), "Retry": VACUUM_RETRY}
                    for each in tables
                },
                "Report",
            ),
            "Report": _report(),
        },
    }


def _days() -> State:
    """Take the input: the days, and what else is to be done."""
    started = "$toMillis($states.context.Execution.StartTime)"

    def moved(day: str, direction: str, number: str) -> str:
        """A day of the input, moved by a number of the input, which may be missing."""
        moved_by = f"($exists($states.input.{number}) ? $states.input.{number} : 0) * {_DAY_MILLISECONDS}"
        return f"$fromMillis($toMillis($states.input.{day} & 'T00:00:00Z') {direction} {moved_by}, {_DAY_FORMAT})"

    first = f"$fromMillis({started} - ($states.input.days - 1) * {_DAY_MILLISECONDS}, {_DAY_FORMAT})"
    today = f"$fromMillis({started}, {_DAY_FORMAT})"
    return {
        "Type": "Pass",
        "Assign": {
            "started": f"{{% {started} %}}",
            "today": f"{{% {today} %}}",
            "yesterday": f"{{% $fromMillis({started} - {_DAY_MILLISECONDS}, {_DAY_FORMAT}) %}}",
            "first": f"{{% $exists($states.input.from) ? {moved('from', '-', 'before')} : {first} %}}",
            "last": f"{{% $exists($states.input.to) ? {moved('to', '+', 'after')} : {today} %}}",
            "optimize": "{% $states.input.optimize = true %}",
            "vacuum": "{% $states.input.vacuum = true %}",
            "yields": "{% $states.input.yield = true %}",
            "created": False,
        },
    }


def _chunks(days: int) -> State:
    """Cut the days into pieces that one statement may write."""
    step = days * _DAY_MILLISECONDS
    of_chunk = f"$fromMillis($first_at + $number * {step}, {_DAY_FORMAT})"
    end_of_chunk = f"$fromMillis($first_at + $number * {step} + {step - _DAY_MILLISECONDS}, {_DAY_FORMAT})"
    return {
        "Type": "Pass",
        "Assign": {
            "chunks": (
                "{% ("
                "$first_at := $toMillis($first & 'T00:00:00Z');"
                f"$number_of := $floor(($toMillis($last & 'T00:00:00Z') - $first_at) / {step});"
                "[$map([0..$number_of], function($number) {("
                f"$end := {end_of_chunk};"
                f"{{'first': {of_chunk}, 'last': $end < $last ? $end : $last}}"
                ")})]) %}"
            )
        },
    }


def _alone(then: str) -> States:
    """Wait for the runs before this one, or end where another is at work.

    ListExecutions is eventually consistent (AWS Step Functions API Reference, "ListExecutions"), so two runs that start
    in one moment may both go on. Iceberg then refuses one of two commits.
    """
    return {
        "Others": {
            "Type": "Task",
            "Resource": "arn:${Partition}:states:::aws-sdk:sfn:listExecutions",
            "Arguments": {"StateMachineArn": "{% $states.context.StateMachine.Id %}", "StatusFilter": "RUNNING"},
            "Assign": {
                "others": (
                    "{% $count($states.result.Executions[ExecutionArn != $states.context.Execution.Id and "
                    "($toMillis(StartDate) < $started or "
                    "($toMillis(StartDate) = $started and ExecutionArn < $states.context.Execution.Id))]) %}"
                )
            },
            "Output": {},
            "Retry": RETRY,
            "Next": "Alone",
        },
        "Alone": {
            "Type": "Choice",
            "Choices": [
                {"Condition": "{% $others = 0 %}", "Next": then},
                {"Condition": "{% $yields %}", "Next": "Yield"},
            ],
            "Default": "Wait",
        },
        "Yield": {"Type": "Succeed"},
        "Wait": {"Type": "Wait", "Seconds": 60, "Next": "Others"},
    }


def presence(tables: Sequence[Table], then: str) -> States:
    """Create the tables and columns that are missing.

    A new table gets a place of its own, because Athena creates none where objects lie, such as those of a table that
    somebody dropped in Glue alone (seen in error messages: ICEBERG_FILESYSTEM_ERROR).
    """
    states: States = {}
    for table, following in zip(tables, [*(f"Look {each.name}" for each in tables[1:]), then], strict=True):
        expected = ", ".join(
            f"{{'name': '{each.name}', 'statement': {json.dumps(statements.add_column(table, each.name))}}}"
            for each in table.columns
        )
        states[f"Look {table.name}"] = {
            "Type": "Task",
            "Resource": "arn:${Partition}:states:::aws-sdk:glue:getTable",
            "Arguments": {"DatabaseName": "${Database}", "Name": table.name},
            "Output": {
                "missing": (
                    "{% ($present := $states.result.Table.StorageDescriptor.Columns.Name;"
                    f"[[{expected}][$not(name in $present)]]) %}}"
                )
            },
            "Retry": [{"ErrorEquals": ["Glue.EntityNotFoundException"], "MaxAttempts": 0}, *RETRY],
            "Catch": [{"ErrorEquals": ["Glue.EntityNotFoundException"], "Next": f"Create {table.name}"}],
            "Next": f"Columns {table.name}",
        }
        states[f"Columns {table.name}"] = {
            "Type": "Map",
            "Items": "{% $states.input.missing %}",
            "MaxConcurrency": 1,
            "ItemProcessor": _inline({f"Add column {table.name}": statement("{% $states.input.statement %}")}),
            "Output": {},
            "Next": following,
        }
        create = statements.create_table(table, f"s3://${{TablesBucket}}/{table.name}/<run>/")
        states[f"Create {table.name}"] = {
            **statement(filled(create)),
            "Assign": {"created": True},
            "Next": following,
        }
    return states


def _refresh(tables: Sequence[Table]) -> State:
    """Bring the events of one piece of days into every table, and rewrite what is over."""
    merging = {f"Merge {each.name}": statement(filled(statements.merge(each, "<first>", "<last>"))) for each in tables}
    optimizing = {
        f"Optimize {each.name}": statement(filled(statements.optimize(each, "<first>", "<closed>"))) for each in tables
    }
    return {
        "ProcessorConfig": {"Mode": "INLINE"},
        "StartAt": f"Merge {tables[0].name}",
        "States": {
            **chain(merging, "Optimize due"),
            "Optimize due": choice(
                "$optimize and $states.input.first <= $yesterday", f"Optimize {tables[0].name}", otherwise="Refreshed"
            ),
            **chain(optimizing, "Refreshed"),
            "Refreshed": {"Type": "Succeed", "Output": {}},
        },
    }


def _report() -> State:
    """Say that the tables are fresh: 1 where today was among the days, 0 for history."""
    return {
        "Type": "Task",
        "Resource": "arn:${Partition}:states:::aws-sdk:cloudwatch:putMetricData",
        "Arguments": {
            "Namespace": "${MetricsNamespace}",
            "MetricData": [
                {
                    "MetricName": "TablesRefreshed",
                    "Dimensions": [{"Name": "Pipeline", "Value": "${Pipeline}"}],
                    "Value": "{% $last >= $today ? 1 : 0 %}",
                    "Unit": "Count",
                }
            ],
        },
        "Output": {"from": "{% $first %}", "to": "{% $last %}"},
        "Retry": RETRY,
        "End": True,
    }


def statement(text: str) -> State:
    """Let Athena run a statement, and hand the state's input on."""
    return {
        "Type": "Task",
        "Resource": "arn:${Partition}:states:::athena:startQueryExecution.sync",
        "Arguments": {
            "QueryString": text,
            "WorkGroup": "${Workgroup}",
            "QueryExecutionContext": {"Database": "${Database}"},
        },
        "TimeoutSeconds": _STATEMENT_SECONDS,
        "Output": "{% $states.input %}",
        "Retry": RETRY,
    }


def filled(text: str, marks: Mapping[str, str] = _MARKS) -> str:
    """Return an expression that puts what is known at run time in the place of the marks.

    Args:
        text: A statement with marks such as <first>.
        marks: What takes the place of each, as an expression. Default: those of the tables' state machine.
    """
    parts = re.split(f"<({'|'.join(marks)})>", text)
    texts = [json.dumps(part, ensure_ascii=False) for part in parts[::2]]
    values = [*(marks[name] for name in parts[1::2]), ""]
    joined = " & ".join(piece for pair in zip(texts, values, strict=True) for piece in pair if piece)
    return f"{{% {joined} %}}"


def choice(condition: str, then: str, *, otherwise: str) -> State:
    """Choose between two states."""
    return {
        "Type": "Choice",
        "Choices": [{"Condition": f"{{% {condition} %}}", "Next": then}],
        "Default": otherwise,
    }


def chain(states: Mapping[str, State], then: str) -> States:
    """Let each state lead to the one after it, and the last to `then`."""
    following: Iterable[str] = [*list(states)[1:], then]
    return {name: {**state, "Next": each} for (name, state), each in zip(states.items(), following, strict=True)}


def _inline(states: Mapping[str, State]) -> State:
    """A processor of one state."""
    [(name, state)] = states.items()
    return {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": name, "States": {name: {**state, "End": True}}}
