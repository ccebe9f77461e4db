"""Templates lose what the embedded AWS can't create, and only when nothing needs it."""

from typing import Any

import pytest

from genesys_firehose_tools.local.adaptation import remove_unsupported
from genesys_firehose_tools.local.errors import LocalError

SUPPORTED = {"AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard", "AWS::S3::Bucket", "AWS::Route53::RecordSet"}
SIMPLE = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Errors"}}
MATH = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": []}}
BUCKET = {"Type": "AWS::S3::Bucket"}


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def test_what_is_not_supported_is_taken_out_and_the_rest_stays() -> None:
    template = {
        "Resources": {
            "Simple": SIMPLE,
            "Math": MATH,
            "Name": resource("AWS::Route53::RecordSet"),
            "Archive": resource("AWS::Events::Archive"),
            "Tried": resource("Custom::AnythingOfAFunction"),
            "Lake": BUCKET,
        }
    }
    assert remove_unsupported(template, SUPPORTED) == ["Math", "Name", "Archive"]
    assert template["Resources"].keys() == {"Simple", "Tried", "Lake"}


def test_what_watches_goes_with_what_it_watches() -> None:
    alarm = {"Fn::GetAtt": ["Math", "Arn"]}
    template = {
        "Resources": {
            "Math": MATH,
            "Board": resource("AWS::CloudWatch::Dashboard", DashboardBody={"Fn::Join": ["", ["{", alarm]]}),
            "Lake": BUCKET,
        }
    }
    assert remove_unsupported(template, SUPPORTED) == ["Math", "Board"]


def test_an_output_and_an_order_of_creation_keep_nothing() -> None:
    template = {
        "Resources": {"Math": MATH, "Lake": {**BUCKET, "DependsOn": ["Math", "Simple"]}, "Simple": SIMPLE},
        "Outputs": {"Alarm": {"Value": {"Ref": "Math"}}, "Bucket": {"Value": {"Ref": "Lake"}}},
    }
    assert remove_unsupported(template, SUPPORTED) == ["Math"]
    assert template["Resources"]["Lake"]["DependsOn"] == ["Simple"]
    assert template["Outputs"].keys() == {"Bucket"}


@pytest.mark.parametrize("reference", [{"Ref": "Math"}, {"Fn::GetAtt": ["Math", "Arn"]}, {"Fn::GetAtt": "Math.Arn"}])
def test_what_something_else_refers_to_can_not_be_taken_out(reference: Any) -> None:
    template = {"Resources": {"Math": MATH, "Lake": resource("AWS::S3::Bucket", Tags=[reference])}}
    with pytest.raises(LocalError, match="does not support Math, which Lake refers to"):
        remove_unsupported(template, SUPPORTED)
