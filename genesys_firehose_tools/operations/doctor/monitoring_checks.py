"""Checks of the functions, the alarms, the stack and the rebuild."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from genesys_firehose_tools.operations.doctor.findings import Finding, fault, not_applicable, ok, warning
from genesys_firehose_tools.operations.doctor.inspection import Inspection, Metric

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_AGAIN = "Deploy the stack again; CloudFormation puts back what drift detection shows."
# Amazon CloudWatch API Reference, "DescribeAlarms": 100 names at once.
_NAMES = 100
_PASSING = ("Pending", "InProgress")
_FAILED = ("FAILED", "TIMED_OUT", "ABORTED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function of the pipeline.

    Attributes:
        name: Its name.
        state: Its state, and that of its last update, where either is not as it should be.
        differences: Settings that differ from the template's, by name and without their values.
        errors: Errors within an hour.
    """

    name: str
    state: str
    differences: tuple[str, ...]
    errors: int


def look_at_functions(inspection: Inspection) -> list[Function]:
    """Ask for every function of the template."""
    functions = inspection.resources.of_type("AWS::Lambda::Function")
    metrics = [Metric("AWS/Lambda", "Errors", (("FunctionName", each.physical_id),)) for each in functions]
    errors = inspection.metric_values(metrics, "Sum", _HOUR)
    found = []
    for function, failed in zip(functions, errors, strict=True):
        actual = inspection.client("lambda").get_function_configuration(FunctionName=function.physical_id)
        states = (actual.get("State", "Active"), actual.get("LastUpdateStatus", "Successful"))
        wanted = {
            name: function.properties[name]
            for name in ("Handler", "MemorySize", "Role", "Timeout", "Environment")
            if name in function.properties
        }
        differences = inspection.resources.differences(wanted, actual)
        found.append(
            Function(
                name=function.physical_id,
                # Inactive is a function that nobody has called for weeks.
                state=" and ".join(each for each in states if each not in ("Active", "Inactive", "Successful")),
                # An environment may hold what is nobody else's business.
                differences=tuple(each.split(" is ", 1)[0] for each in differences),
                errors=int(sum(failed)),
            )
        )
    return found


def judge_function_settings(functions: Iterable[Function]) -> Iterator[Finding]:
    """Every function must be able to run, with the template's settings."""
    for function in functions:
        if function.state and all(each in _PASSING for each in function.state.split(" and ")):
            yield warning(
                f"The function {function.name} is {function.state}.",
                means="Somebody is changing it.",
                fix="Wait, then run this again.",
            )
        elif function.state:
            yield fault(
                f"The function {function.name} is {function.state}.",
                means="It can't run, or runs as it was before its last change.",
                fix="aws lambda get-function-configuration says why.",
            )
        if function.differences:
            yield fault(
                f"Settings of {function.name} are not the template's: {', '.join(function.differences)}.",
                means="Somebody changed it by hand; the next deployment may or may not change it back.",
                fix=_AGAIN,
            )


def judge_function_errors(functions: Iterable[Function]) -> Iterator[Finding]:
    """No function may have failed within an hour."""
    for function in functions:
        if function.errors:
            yield fault(
                f"The function {function.name} failed {function.errors} times within an hour.",
                means="What it does is late, or not done.",
                fix="Read its log group: each error names its type and place.",
            )


@dataclass(frozen=True, slots=True)
class Counted:
    """What the transform function counted within a day.

    Attributes:
        found: How often it met what is looked for; None without data.
        transformed: Records that it transformed; None without data.
    """

    found: float | None
    transformed: float | None


def look_at_drift(inspection: Inspection) -> Counted:
    """Ask how many fields and types were unknown."""
    return _count(inspection, "SchemaDrift")


def look_at_unknown_shapes(inspection: Inspection) -> Counted:
    """Ask how many events had no known shape."""
    return _count(inspection, "UnknownShape")


def _count(inspection: Inspection, name: str) -> Counted:
    found = inspection.total(inspection.own_metric(name), _DAY)
    return Counted(found, inspection.total(inspection.own_metric("RecordsTransformed"), _DAY))


def judge_drift(counted: Counted) -> Iterator[Finding]:
    """No field or type should be unknown."""
    if counted.found:
        yield warning(
            f"{counted.found:,.0f} unknown fields and changed types came within a day.",
            means="Nothing is lost; unknown fields are closed, and queries may miss something.",
            fix="docs/runbook.md, `SchemaDrift`: let `genesys-firehose shapes` learn them, class the fields, rebuild.",
        )
    elif counted.transformed is None:
        yield not_applicable("no metric tells of a record that was transformed within a day")


def judge_unknown_shapes(counted: Counted) -> Iterator[Finding]:
    """Every event should have a known shape."""
    if counted.found:
        yield warning(
            f"{counted.found:,.0f} events of no known shape came within a day.",
            means="Nothing is lost; all of their fields but plain forms are closed.",
            fix="The metric UnknownShape by EventType says which; `genesys-firehose shapes` learns from examples.",
        )
    elif counted.transformed is None:
        yield not_applicable("no metric tells of a record that was transformed within a day")


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm of the pipeline.

    Attributes:
        name: Its name.
        state: OK, ALARM, INSUFFICIENT_DATA, or empty if it is gone.
        tells: Whether its actions are on.
        description: What its author says of it.
    """

    name: str
    state: str
    tells: bool
    description: str


def look_at_alarms(inspection: Inspection) -> list[Alarm]:
    """Ask for every alarm of the template."""
    names = [
        alarm.physical_id
        for kind in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
        for alarm in inspection.resources.of_type(kind)
    ]
    answers = {}
    pages = inspection.client("cloudwatch").get_paginator("describe_alarms")
    for start in range(0, len(names), _NAMES):
        chosen = names[start : start + _NAMES]
        for page in pages.paginate(AlarmNames=chosen, AlarmTypes=["MetricAlarm", "CompositeAlarm"]):
            for each in page.get("MetricAlarms", []) + page.get("CompositeAlarms", []):
                answers[each["AlarmName"]] = each
    return [
        Alarm(
            name,
            answers.get(name, {}).get("StateValue", ""),
            answers.get(name, {}).get("ActionsEnabled", False),
            answers.get(name, {}).get("AlarmDescription", ""),
        )
        for name in names
    ]


def judge_alarm_states(alarms: Iterable[Alarm]) -> Iterator[Finding]:
    """No alarm may be on."""
    for alarm in alarms:
        if alarm.state == "ALARM":
            means, _, fix = alarm.description.partition(". ")
            yield fault(
                f"The alarm {alarm.name} is on.",
                means=f"{means.rstrip('.')}." if means else "",
                fix=fix or f"docs/runbook.md, `{alarm.name.rsplit('/', 1)[-1]}`.",
            )


def judge_alarm_settings(alarms: Iterable[Alarm]) -> Iterator[Finding]:
    """Every alarm of the template must be there, and tell somebody."""
    alarms = list(alarms)
    for seen, names in (
        ("are gone", [alarm.name for alarm in alarms if not alarm.state]),
        ("have their actions off", [alarm.name for alarm in alarms if alarm.state and not alarm.tells]),
    ):
        if names:
            yield fault(
                f"Alarms {seen}: {', '.join(names)}.",
                means="Nobody is told.",
                fix="aws cloudwatch enable-alarm-actions, or deploy the stack again.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribers:
    """Who hears the alarms.

    Attributes:
        topic: The topic.
        confirmed: Subscriptions that are confirmed.
        pending: Those that wait for an answer.
        is_local: Whether the topic is in an embedded AWS.
    """

    topic: str
    confirmed: int
    pending: int
    is_local: bool


def look_at_subscribers(inspection: Inspection) -> Subscribers:
    """Ask who has subscribed to the alarms' topic."""
    topic = inspection.pipeline.output("AlarmTopicArn")
    arns = [
        each["SubscriptionArn"]
        for page in inspection.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        for each in page["Subscriptions"]
    ]
    confirmed = [arn for arn in arns if arn.startswith("arn:")]
    return Subscribers(
        topic=topic, confirmed=len(confirmed), pending=len(arns) - len(confirmed), is_local=inspection.is_local
    )


def judge_subscribers(found: Subscribers) -> Iterator[Finding]:
    """Somebody must hear an alarm."""
    if found.confirmed:
        yield ok(f"{found.confirmed} subscriptions hear the alarms.")
    elif found.is_local:
        yield not_applicable("an embedded AWS sends no messages")
    else:
        waiting = f"; {found.pending} wait for a confirmation" if found.pending else ""
        yield warning(
            f"Nobody has subscribed to {found.topic}{waiting}.",
            means="Alarms go off unheard.",
            fix="aws sns subscribe --topic-arn, and confirm the message that comes.",
        )


@dataclass(frozen=True, slots=True)
class StackState:
    """The stack.

    Attributes:
        name: Its name.
        status: Its status.
    """

    name: str
    status: str


def look_at_stack(inspection: Inspection) -> StackState:
    """Ask for the stack."""
    name = inspection.pipeline.stack
    [stack] = inspection.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    return StackState(name, stack["StackStatus"])


def judge_stack(stack: StackState) -> Iterator[Finding]:
    """The last deployment must have ended well."""
    if stack.status.endswith("_IN_PROGRESS"):
        yield warning(
            f"The stack {stack.name} is {stack.status}.",
            means="A deployment runs; what the other checks find may pass.",
            fix="Wait, then run this again.",
        )
    elif "FAILED" in stack.status or "ROLLBACK" in stack.status:
        yield fault(
            f"The stack {stack.name} is {stack.status}.",
            means="The last deployment failed; what is deployed is not the newest template.",
            fix="aws cloudformation describe-stack-events says why; mend it and deploy again.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StateMachine:
    """A state machine of the pipeline.

    Attributes:
        arn: Its ARN.
        status: Its status.
        last: The status of its last execution; None if it has none.
    """

    arn: str
    status: str
    last: str | None


def look_at_rebuild(inspection: Inspection) -> StateMachine | None:
    """Ask for the state machine of rebuilds."""
    return _state_machine(inspection, "RebuildStateMachineArn")


def look_at_lake_tables(inspection: Inspection) -> StateMachine | None:
    """Ask for the state machine of the tables."""
    return _state_machine(inspection, "TablesStateMachineArn")


def look_at_reconciliation(inspection: Inspection) -> StateMachine | None:
    """Ask for the state machine that holds days against Genesys Cloud."""
    return _state_machine(inspection, "ReconciliationStateMachineArn")


def look_at_backfill(inspection: Inspection) -> StateMachine | None:
    """Ask for the state machine that takes details records from Genesys Cloud."""
    return _state_machine(inspection, "BackfillStateMachineArn")


def _state_machine(inspection: Inspection, output: str) -> StateMachine | None:
    arn = inspection.pipeline.outputs.get(output)
    if arn is None:
        return None
    client = inspection.client("stepfunctions")
    status = client.describe_state_machine(stateMachineArn=arn)["status"]
    executions = client.list_executions(stateMachineArn=arn, maxResults=1)["executions"]
    return StateMachine(arn=arn, status=status, last=executions[0]["status"] if executions else None)


def _judge_machine(
    machine: StateMachine | None, *, without: str, stopped: str, last: str, failed: str, fix: str, ready: str
) -> Finding:
    """Judge a state machine, which must be able to run, and by its last execution.

    Args:
        machine: What was seen of it; None where the pipeline has none.
        without: Why the pipeline has none.
        stopped: What it means that it can't run.
        last: What an execution is called, as in `The last rebuild`.
        failed: What it means that the last one failed.
        fix: What to do then.
        ready: What is said when all is well; `{last}` is how the last one ended.
    """
    if machine is None:
        return not_applicable(without)
    if machine.status != "ACTIVE":
        return fault(f"The state machine {machine.arn} is {machine.status}.", means=stopped, fix=_AGAIN)
    if machine.last in _FAILED:
        return warning(f"{last} is {machine.last}.", means=failed, fix=fix)
    return ok(ready.format(last=machine.last or "none yet"))


def judge_rebuild(machine: StateMachine | None) -> Iterator[Finding]:
    """A rebuild must be possible, and the last one done."""
    yield _judge_machine(
        machine,
        without="a pipeline without dynamic partitioning has no rebuild",
        stopped="clean/ can't be made anew.",
        last="The last rebuild",
        failed="clean/ has not been made anew in whole.",
        fix="Read the logs of state machine and worker, then start it again: it goes on where it stopped.",
        ready="A rebuild can start; the last one: {last}.",
    )


def judge_lake_tables(machine: StateMachine | None) -> Iterator[Finding]:
    """The tables' state machine must be able to run, and the last run have ended well."""
    yield _judge_machine(
        machine,
        without="the pipeline has no lake.tables",
        stopped="No more events come into the tables; clean/ has them.",
        last="The last run of the tables",
        failed="The tables do not have the newest events; clean/ has them.",
        fix="`genesys-firehose tables status` says why; mend it, then `genesys-firehose tables refresh`.",
        ready="The tables can be brought up to date; the last run: {last}.",
    )


def judge_backfill(machine: StateMachine | None) -> Iterator[Finding]:
    """A backfill must be possible, and the last one have ended well."""
    yield _judge_machine(
        machine,
        without="the pipeline has no genesys.backfill",
        stopped="No conversation can be taken from Genesys Cloud.",
        last="The last backfill",
        failed="The days from the one at which it stopped on are not in the lake.",
        fix="Read the cause of the execution, and take these days with `genesys-firehose backfill`.",
        ready="Conversations can be taken from Genesys Cloud; the last backfill: {last}.",
    )


def judge_reconciliation(machine: StateMachine | None) -> Iterator[Finding]:
    """Days must be held against Genesys Cloud, and the last check have ended well; the table says what it found."""
    yield _judge_machine(
        machine,
        without="the pipeline has no genesys.reconciliation",
        stopped="Nobody checks whether all conversations are in the lake.",
        last="The last check against Genesys Cloud",
        failed="Whether that day is complete is not known.",
        fix="Read the run and the function's log; see DaysNotReconciled in docs/alarms.md.",
        ready="Days are held against Genesys Cloud; the last check: {last}. `genesys-firehose completeness` says what "
        "was found.",
    )
