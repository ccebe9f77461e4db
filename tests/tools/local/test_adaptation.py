"""Templates lose what the embedded AWS can't create, and only when nothing needs it."""

import json
from pathlib import Path
from typing import Any

import pytest

from genesys_firehose_tools.local.adaptation import adapt
from genesys_firehose_tools.local.errors import LocalError

SIMPLE = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Errors"}}
MATH = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": []}}


def write(directory: Path, resources: dict[str, Any]) -> Path:
    path = directory / "Stack.template.json"
    path.write_text(json.dumps({"Resources": resources}))
    return path


def test_what_is_not_supported_is_taken_out_and_the_rest_stays(tmp_path: Path) -> None:
    path = write(tmp_path, {"Simple": SIMPLE, "Math": MATH, "Lake": {"Type": "AWS::S3::Bucket"}})

    assert adapt(tmp_path, {}) == ["Math"]
    assert json.loads(path.read_text())["Resources"].keys() == {"Simple", "Lake"}


def test_what_something_else_refers_to_can_not_be_taken_out(tmp_path: Path) -> None:
    write(tmp_path, {"Math": MATH, "Dashboard": {"Type": "AWS::X", "Properties": {"Alarm": {"Ref": "Math"}}}})

    with pytest.raises(LocalError, match="does not support Math, which other resources refer to"):
        adapt(tmp_path, {})


def test_what_is_known_only_there_takes_the_place_of_what_stands_for_it(tmp_path: Path) -> None:
    role = {"Type": "AWS::IAM::Role", "Properties": {"Secret": "arn:genesys-000000", "Other": "arn:other-000000"}}
    path = write(tmp_path, {"Role": role})

    adapt(tmp_path, {"arn:genesys-000000": "arn:genesys-1a2b3c"})
    properties = json.loads(path.read_text())["Resources"]["Role"]["Properties"]
    assert properties == {"Secret": "arn:genesys-1a2b3c", "Other": "arn:other-000000"}
