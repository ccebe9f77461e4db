"""Metrics are lines that CloudWatch reads, logs are lines without anything personal."""

import json
import time

import pytest
from botocore.exceptions import ClientError

from shared.telemetry import Metrics, log, log_exception
from tests.functions.observing import lines_of

SECRET = "zq-personal"


def test_a_metric_line_is_in_the_embedded_metric_format(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = Metrics()
    metrics.count("EventsReceived", 3)
    metrics.count("EventsReceived")
    metrics.highest("PutLatency", 12.5)
    before = time.time() * 1000
    metrics.flush()
    output = capsys.readouterr().out
    assert output.count("\n") == 1
    line = json.loads(output)
    assert abs(line["_aws"].pop("Timestamp") - before) < 5000
    assert line == {
        "_aws": {
            "CloudWatchMetrics": [
                {
                    "Namespace": "GenesysFirehose",
                    "Dimensions": [["Pipeline"]],
                    "Metrics": [
                        {"Name": "EventsReceived", "Unit": "Count"},
                        {"Name": "PutLatency", "Unit": "Milliseconds"},
                    ],
                }
            ]
        },
        "Pipeline": "test",
        "EventsReceived": 4,
        "PutLatency": 12.5,
    }


def test_a_pipeline_may_be_called_what_looks_like_a_part_of_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPELINE_NAME", 'null/%d/%r"')
    metrics = Metrics()
    metrics.of("EventType", "call").count("OfThisTestAlone", 2)
    metrics.flush()
    [line] = lines_of(capsys.readouterr().out)
    assert (line["Pipeline"], line["EventType"], line["OfThisTestAlone"]) == ('null/%d/%r"', "call", 2)
    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Pipeline"], ["Pipeline", "EventType"]]


def test_the_highest_of_several_times_is_kept_even_below_zero(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = Metrics()
    for milliseconds in (-5.0, -7.0):
        metrics.highest("EventAge", milliseconds)
    metrics.flush()
    assert lines_of(capsys.readouterr().out)[0]["EventAge"] == -5.0


def test_nothing_is_written_twice_and_nothing_for_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = Metrics()
    metrics.flush()
    metrics.count("EventsReceived")
    metrics.flush()
    metrics.flush()
    assert len(lines_of(capsys.readouterr().out)) == 1


def test_a_log_line_is_json_with_level_message_and_facts(capsys: pytest.CaptureFixture[str]) -> None:
    log("WARN", "Firehose refused part of a batch", refused=2)
    assert lines_of(capsys.readouterr().out) == [
        {"level": "WARN", "message": "Firehose refused part of a batch", "refused": 2}
    ]


def test_an_exception_is_logged_by_its_type_and_place_not_by_its_message(
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        {}[SECRET]  # type: ignore[index]
    except KeyError as error:
        log_exception("unexpected error", error)
    [line] = lines_of(capsys.readouterr().out)
    assert (line["level"], line["message"], line["error"]) == ("ERROR", "unexpected error", "KeyError")
    assert line["at"].startswith("test_telemetry.py:")
    assert SECRET not in json.dumps(line)


def test_of_an_aws_error_the_code_is_logged_too(capsys: pytest.CaptureFixture[str]) -> None:
    error = ClientError({"Error": {"Code": "ThrottlingException", "Message": SECRET}}, "PutRecordBatch")
    log_exception("Firehose refused a batch", error)
    [line] = lines_of(capsys.readouterr().out)
    assert line["code"] == "ThrottlingException"
    assert SECRET not in json.dumps(line)
