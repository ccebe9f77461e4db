"""The pipeline behind a load balancer, deployed: signed posts at one host and path land, and nothing else is taken."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import urllib3

from genesys_firehose_tools.local.drills.catalogue import DRILLS
from genesys_firehose_tools.local.drills.run import run
from genesys_firehose_tools.local.drills.stage import Stage
from genesys_firehose_tools.local.events import EventGenerator
from genesys_firehose_tools.local.front_door import FrontDoorKind
from genesys_firehose_tools.local.pipeline import LocalPipeline, temporary_pipeline
from genesys_firehose_tools.operations.deployed_resources import find_resources
from genesys_firehose_tools.operations.doctor.diagnosis import diagnose
from genesys_firehose_tools.operations.doctor.findings import State
from genesys_firehose_tools.operations.doctor.inspection import Inspection
from tests.e2e.conftest import Sender
from tests.e2e.test_least_privilege import Function, allow_plain_http, answered, name_secrets_by_arn

HOST = "events.example.com"


@pytest.fixture(scope="module")
def balanced() -> Iterator[LocalPipeline]:
    with temporary_pipeline("test", front_door=FrontDoorKind.LOAD_BALANCER) as pipeline:
        yield pipeline


@pytest.fixture
def sender(balanced: LocalPipeline) -> Sender:
    return Sender(balanced.deployment)


def _total(pipeline: LocalPipeline, namespace: str, name: str, **dimensions: str) -> float:
    now = datetime.now(UTC)
    points = pipeline.deployment.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=86_400,
        Statistics=["Sum"],
    )["Datapoints"]
    return sum(point["Sum"] for point in points)


def _invocations(pipeline: LocalPipeline) -> float:
    function = pipeline.deployment.deployed().output("IngestFunctionName")
    return _total(pipeline, "AWS/Lambda", "Invocations", FunctionName=function)


def _group(pipeline: LocalPipeline, word: str) -> dict[str, str]:
    """The dimensions of the metrics of a target group."""
    resources = find_resources(pipeline.deployment.client("cloudformation"), pipeline.deployment.deployed())
    [balancer] = resources.of_type("AWS::ElasticLoadBalancingV2::LoadBalancer")
    [group] = [
        each for each in resources.of_type("AWS::ElasticLoadBalancingV2::TargetGroup") if word in each.logical_id
    ]
    return {
        "LoadBalancer": balancer.physical_id.partition(":loadbalancer/")[2],
        "TargetGroup": group.physical_id.rpartition(":")[2],
    }


def test_a_signed_event_lands_whatever_its_content_type_and_is_counted_as_accepted(
    balanced: LocalPipeline, sender: Sender
) -> None:
    before = _total(balanced, "AWS/ApplicationELB", "HTTPCode_Target_2XX_Count", **_group(balanced, "Events"))
    events = EventGenerator(17).generate("call"), EventGenerator(18).generate("chat")
    for event, content_type in zip(events, ("application/json", "application/octet-stream"), strict=True):
        answer = sender.post(json.dumps(event.body).encode(), Host=HOST, **{"Content-Type": content_type})
        assert (answer.status, answer.json()) == (200, {"accepted": 1, "duplicates": 0})
        assert answer.headers["Content-Type"] == "application/json"
        assert len(sender.landings(event)) == 1
    after = _total(balanced, "AWS/ApplicationELB", "HTTPCode_Target_2XX_Count", **_group(balanced, "Events"))
    assert after - before == 2


def test_a_forgery_is_refused_and_nothing_of_it_is_stored(sender: Sender) -> None:
    event = EventGenerator(19).generate("call")
    answer = sender.post(json.dumps(event.body).encode(), signature="0" * 64, Host=HOST)
    assert answer.status == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [line for prefix in sender.lakes for line in sender.landed(prefix) if event.marker in line] == []


@pytest.mark.parametrize(
    ("method", "path", "host"),
    [
        pytest.param("POST", "/ingest/genesys-events", "other.example.com", id="another host"),
        pytest.param("POST", "/ingest/genesys-events/more", HOST, id="another path"),
        pytest.param("GET", "/ingest/genesys-events", HOST, id="another method"),
        pytest.param("POST", "/health", HOST, id="a post to the health check"),
        pytest.param("GET", "/", HOST, id="nothing"),
    ],
)
def test_everything_else_is_answered_404_and_invokes_nothing(
    balanced: LocalPipeline, method: str, path: str, host: str
) -> None:
    base = str(balanced.deployment.ingest_url).removesuffix("/ingest/genesys-events")
    before = _invocations(balanced)
    answer = urllib3.request(method, f"{base}{path}", headers={"Host": host}, retries=False)
    assert (answer.status, answer.json()["title"]) == (404, "Not Found")
    assert _invocations(balanced) == before


def test_the_health_check_answers_and_is_no_accepted_event(balanced: LocalPipeline) -> None:
    before = _total(balanced, "AWS/ApplicationELB", "RequestCount", **_group(balanced, "Events"))
    answer = urllib3.request("GET", str(balanced.deployment.health_url), headers={"Host": HOST})
    assert (answer.status, answer.json()) == (200, {"status": "ok"})
    assert _total(balanced, "AWS/ApplicationELB", "RequestCount", **_group(balanced, "Events")) == before


def _faults(pipeline: LocalPipeline) -> dict[str, Any]:
    deployment = pipeline.deployment
    deployed = deployment.deployed()
    inspection = Inspection(
        deployment, deployed, find_resources(deployment.client("cloudformation"), deployed), is_local=True
    )
    reported = (State.FAULT, State.WARNING)
    return {check: finding for check, finding in diagnose(inspection) if finding.state in reported}


def test_the_doctor_finds_no_fault_and_sees_a_load_balancer_that_was_changed_by_hand(balanced: LocalPipeline) -> None:
    assert not _faults(balanced).keys() & {"health", "load-balancer", "allow-list"}
    client = balanced.deployment.client("elbv2")
    [balancer] = client.describe_load_balancers()["LoadBalancers"]
    name = "routing.http.drop_invalid_header_fields.enabled"
    for value, found in (("false", True), ("true", False)):
        client.modify_load_balancer_attributes(
            LoadBalancerArn=balancer["LoadBalancerArn"], Attributes=[{"Key": name, "Value": value}]
        )
        faults = _faults(balanced)
        assert ("load-balancer" in faults) == found
        if found:
            assert name in faults["load-balancer"].seen


@pytest.mark.soak
@pytest.mark.parametrize("name", ["dead-webhook", "wrong-key"])
def test_a_drill_at_the_front_door_sets_off_the_alarms_on_its_own_metrics(balanced: LocalPipeline, name: str) -> None:
    outcome = run(Stage(balanced), DRILLS[name])
    assert outcome.passed, outcome
    assert DRILLS[name].alarms <= {each.name for each in outcome.alarms}


def test_with_iam_evaluated_a_signed_event_is_taken_and_without_the_key_none(balanced: LocalPipeline) -> None:
    """The last of the module: from here on every call is evaluated."""
    deployment = balanced.deployment
    ingest = Function(deployment, "ingest")
    name_secrets_by_arn(ingest.role)
    allow_plain_http(deployment)
    ingest.start_anew(AWS_ENDPOINT_URL_FIREHOSE=deployment.endpoint_url)
    balanced.aws.enforce_iam()
    sender = Sender(deployment)

    body = json.dumps(EventGenerator(20).generate("call").body).encode()
    assert answered(lambda: sender.post(body, Host=HOST)) == 200
    with ingest.without("secretsmanager:GetSecretValue"):
        assert answered(lambda: sender.post(body, Host=HOST)) == 503
