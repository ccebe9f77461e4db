"""The tables' state machine does what it must for the days that it is given, and no more than its role allows."""

import json
from datetime import date
from typing import Any

import jsonata
import pytest

from genesys_firehose_cdk import DeliveryProps, GenesysFirehosePipeline, LakeProps, TransformProps
from genesys_firehose_cdk.lake.tables.machine import definition
from genesys_firehose_cdk.lake.tables.model import TABLES, VIEWS
from tests.library.synthesis import Template, new_stack, template_of

STATES = definition()["States"]
STARTED = "2026-11-30T23:59:58.123Z"


def _pipeline(**properties: Any) -> Template:
    stack = new_stack()
    GenesysFirehosePipeline(stack, "Pipeline", **properties)
    return template_of(stack)


def _evaluated(expression: Any, given: dict[str, Any], variables: dict[str, Any]) -> Any:
    if not isinstance(expression, str):
        return expression
    states = {"input": given, "context": {"Execution": {"StartTime": STARTED, "Name": "run"}}}
    compiled = jsonata.Jsonata.jsonata(expression.removeprefix("{%").removesuffix("%}"))
    frame = compiled.create_frame()
    for name, value in {"states": states, **variables}.items():
        frame.bind(name, value)
    return compiled.evaluate({}, frame)


def _days(given: dict[str, Any]) -> dict[str, Any]:
    variables = {name: _evaluated(text, given, {}) for name, text in STATES["Days"]["Assign"].items()}
    chunks = _evaluated(STATES["Chunks"]["Assign"]["chunks"], given, variables)
    return {**variables, "chunks": chunks}


@pytest.mark.parametrize(
    ("given", "chunks"),
    [
        ({"days": 2}, [("2026-11-29", "2026-11-30")]),
        ({"days": 1}, [("2026-11-30", "2026-11-30")]),
        ({"from": "2026-03-01", "to": "2026-03-01"}, [("2026-03-01", "2026-03-01")]),
        ({"from": "2026-03-01", "to": "2026-03-02", "before": 2, "after": 1}, [("2026-02-27", "2026-03-03")]),
    ],
)
def test_the_days_are_those_of_the_input(given: dict[str, Any], chunks: list[tuple[str, str]]) -> None:
    assert [(each["first"], each["last"]) for each in _days(given)["chunks"]] == chunks


def test_many_days_come_in_pieces_that_one_statement_may_write() -> None:
    chunks = _days({"from": "2025-11-01", "to": "2026-10-31"})["chunks"]
    assert (chunks[0]["first"], chunks[-1]["last"]) == ("2025-11-01", "2026-10-31")
    widest = max(each.days_before + each.days_after for each in TABLES)
    days = [(date.fromisoformat(each["last"]) - date.fromisoformat(each["first"])).days + 1 for each in chunks]
    assert sum(days) == 365
    assert max(days) + widest <= 90


def test_the_last_days_end_with_the_day_on_which_the_run_began_however_long_it_waits() -> None:
    days = _days({"days": 2})
    assert (days["today"], days["yesterday"]) == ("2026-11-30", "2026-11-29")


def test_every_statement_is_short_enough_for_athena_and_none_holds_a_mark_that_nobody_fills() -> None:
    for text in _statements(STATES):
        # Amazon Athena User Guide, "Service Quotas".
        assert len(text.encode()) < 262_144
        assert not any(mark in text for mark in ("{first_day}", "{last_day}", "<first>", "<last>", "<closed>", "<run>"))


def _statements(state: Any) -> list[str]:
    match state:
        case {"QueryString": text}:
            return [text]
        case {"statement": text}:
            return [text]
        case dict():
            return [text for each in state.values() for text in _statements(each)]
        case list():
            return [text for each in state for text in _statements(each)]
    return []


def test_every_table_and_view_is_made_and_every_table_is_kept() -> None:
    inner = STATES["Refresh"]["ItemProcessor"]["States"]
    for table in TABLES:
        for name in ("Look", "Columns", "Create", "Vacuum"):
            assert f"{name} {table.name}" in STATES
        assert {f"Merge {table.name}", f"Optimize {table.name}"} <= inner.keys()
    assert len(STATES["Views"]["Items"]) == len(VIEWS)


def test_the_definition_is_far_below_what_step_functions_takes() -> None:
    # AWS Step Functions Developer Guide, "Quotas": 1 MB.
    assert len(json.dumps(definition()).encode()) < 500_000


def test_a_pipeline_without_partitions_or_without_tables_has_none() -> None:
    for template in (
        _pipeline(delivery=DeliveryProps(dynamic_partitioning=False)),
        _pipeline(lake=LakeProps(tables=None)),
    ):
        assert not any("Tables" in name for name in template.resources("AWS::StepFunctions::StateMachine"))


def test_the_weekly_run_reads_every_day_that_a_late_event_may_be_filed_under() -> None:
    template = _pipeline(transform=TransformProps(event_date_past_days=100))
    inputs = [
        json.loads(target["Input"])
        for rule in template.resources("AWS::Events::Rule").values()
        for target in rule["Properties"]["Targets"]
        if "days" in target.get("Input", "")
    ]
    assert sorted(each["days"] for each in inputs) == [2, 3, 102]


def test_a_rebuild_brings_the_tables_up_to_date_for_every_day_that_what_it_made_may_be_filed_under() -> None:
    template = _pipeline(transform=TransformProps(event_date_past_days=100, event_date_future_days=3))
    [machine] = [
        resource["Properties"]
        for name, resource in template.resources("AWS::StepFunctions::StateMachine").items()
        if "Rebuild" in name
    ]
    given = json.loads(machine["DefinitionString"])["States"]["Tables"]["Parameters"]["Input"]
    assert (given["before"], given["after"]) == (100, 3)


def test_the_role_of_the_tables_deletes_in_their_bucket_alone_and_reads_no_original() -> None:
    template = _pipeline()
    statements = [
        statement
        for name, policy in template.resources("AWS::IAM::ManagedPolicy").items()
        if name.startswith("PipelineTables")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]
    deleting = [each for each in statements if "s3:DeleteObject" in str(each["Action"])]
    assert [json.dumps(each["Resource"]) for each in deleting] == [
        json.dumps({"Fn::Join": ["", [{"Fn::GetAtt": ["PipelineTablesBucketCF8C23E1", "Arn"]}, "/*"]]})
    ]
    assert "raw/" not in json.dumps(statements)
    assert "RawKey" not in json.dumps(statements)
