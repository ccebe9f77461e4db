"""The webhook behind a load balancer: HTTPS at one host, path and method each, and nothing else reaches the function."""

import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_route53 as route53

from genesys_firehose_cdk import (
    GenesysFirehosePipeline,
    IpAllowListProps,
    LoadBalancerProps,
    RateLimitProps,
    WebhookDomainProps,
    WebhookProps,
)
from tests.library.genesys.test_ip_allow_list import genesys
from tests.library.synthesis import Template, flat, new_stack, statements, template_of

HOST = "events.example.com"
ELB = "AWS::ElasticLoadBalancingV2"
SUBNETS = [f"subnet-0123456789abcdef{number}" for number in range(4)]


def _pipeline(
    stack: cdk.Stack, front_door: LoadBalancerProps | None = None, more: dict[str, Any] | None = None, **webhook: Any
) -> GenesysFirehosePipeline:
    zone = route53.HostedZone.from_hosted_zone_attributes(
        stack, "Zone", hosted_zone_id="Z0123456789ABC", zone_name="example.com"
    )
    domain = WebhookDomainProps(domain_name=HOST, hosted_zone=zone)
    props = WebhookProps(front_door=front_door or LoadBalancerProps(), domain=domain, **webhook)
    return GenesysFirehosePipeline(stack, "Pipeline", webhook=props, **(more or {}))


def _template(front_door: LoadBalancerProps | None = None, **webhook: Any) -> Template:
    stack = new_stack()
    _pipeline(stack, front_door, **webhook)
    return template_of(stack)


@pytest.fixture(scope="module")
def balanced() -> Template:
    return _template()


def _attributes(properties: dict[str, Any], name: str) -> dict[str, Any]:
    return {each["Key"]: each["Value"] for each in properties[name]}


def test_it_takes_the_place_of_the_rest_api(balanced: Template) -> None:
    assert balanced.resources("AWS::ApiGateway::RestApi") == {}
    assert balanced.resources("AWS::XRay::SamplingRule") == {}
    outputs = {key: flat(value["Value"]) for key, value in balanced.content["Outputs"].items()}
    assert {f"https://{HOST}/ingest/genesys-events", f"https://{HOST}/health"} <= set(outputs.values())
    record = balanced.properties("AWS::Route53::RecordSet")
    assert "LoadBalancer" in flat(record["AliasTarget"]["HostedZoneId"])


def test_it_listens_to_https_alone_with_tls_1_2_and_1_3_that_outlast_a_quantum_computer(balanced: Template) -> None:
    [listener] = [each["Properties"] for each in balanced.resources(f"{ELB}::Listener").values()]
    assert (listener["Port"], listener["Protocol"]) == (443, "HTTPS")
    assert listener["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
    assert "Certificate" in flat(listener["Certificates"][0]["CertificateArn"])
    assert _attributes(listener, "ListenerAttributes") == {"routing.http.response.server.enabled": "false"}


def test_only_this_host_path_and_method_reach_the_function_and_all_else_is_404(balanced: Template) -> None:
    rules = {}
    for each in balanced.resources(f"{ELB}::ListenerRule").values():
        conditions = {
            condition["Field"]: next(value for key, value in condition.items() if key.endswith("Config"))["Values"]
            for condition in each["Properties"]["Conditions"]
        }
        [action] = each["Properties"]["Actions"]
        rules[each["Properties"]["Priority"]] = (conditions, action["Type"])
    methods = {1: ("/ingest/genesys-events", "POST"), 2: ("/health", "GET")}
    assert rules == {
        priority: ({"host-header": [HOST], "path-pattern": [path], "http-request-method": [method]}, "forward")
        for priority, (path, method) in methods.items()
    }
    [default] = balanced.properties(f"{ELB}::Listener")["DefaultActions"]
    assert (default["Type"], default["FixedResponseConfig"]["StatusCode"]) == ("fixed-response", "404")
    assert json.loads(default["FixedResponseConfig"]["MessageBody"])["title"] == "Not Found"


def test_requests_that_could_be_read_in_two_ways_are_refused_and_it_is_not_deleted_by_mistake(
    balanced: Template,
) -> None:
    attributes = _attributes(balanced.properties(f"{ELB}::LoadBalancer"), "LoadBalancerAttributes")
    assert attributes["routing.http.desync_mitigation_mode"] == "strictest"
    assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert attributes["deletion_protection.enabled"] == "true"
    stack = new_stack()
    _pipeline(stack, more={"removal_policy": cdk.RemovalPolicy.DESTROY})
    thrown_away = template_of(stack).properties(f"{ELB}::LoadBalancer")
    assert _attributes(thrown_away, "LoadBalancerAttributes")["deletion_protection.enabled"] == "false"


def test_a_target_group_hands_over_every_value_of_a_header_and_asks_for_no_health(balanced: Template) -> None:
    groups = [each["Properties"] for each in balanced.resources(f"{ELB}::TargetGroup").values()]
    assert len(groups) == 2
    for group in groups:
        assert (group["TargetType"], group["HealthCheckEnabled"]) == ("lambda", False)
        assert "IngestFunction" in flat(group["Targets"][0]["Id"])
        assert _attributes(group, "TargetGroupAttributes") == {"lambda.multi_value_headers.enabled": "true"}


def test_only_load_balancers_of_this_account_may_invoke_the_function(balanced: Template) -> None:
    [permission] = [
        each["Properties"]
        for each in balanced.resources("AWS::Lambda::Permission").values()
        if each["Properties"]["Principal"] == "elasticloadbalancing.amazonaws.com"
    ]
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert "IngestFunction" in flat(permission["FunctionName"])


def test_access_logs_go_to_an_encrypted_bucket_in_whatever_region(balanced: Template) -> None:
    bucket = balanced.properties("AWS::S3::Bucket", "LoadBalancer/AccessLogs")
    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    policy = statements(
        balanced.properties("AWS::S3::BucketPolicy", "LoadBalancer/AccessLogs/Policy")["PolicyDocument"]
    )
    statement = policy["LoadBalancerLogs"]
    assert statement["Principal"] == {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}
    assert flat(statement["Resource"]).endswith(".Arn>/load-balancer/AWSLogs/<AWS::AccountId>/*")
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    attributes = _attributes(balanced.properties(f"{ELB}::LoadBalancer"), "LoadBalancerAttributes")
    assert (attributes["access_logs.s3.enabled"], attributes["access_logs.s3.prefix"]) == ("true", "load-balancer")
    assert any("AccessLogsPolicy" in name for name in balanced.one(f"{ELB}::LoadBalancer")["DependsOn"])


def test_a_network_of_its_own_has_two_public_subnets_and_nothing_that_costs(balanced: Template) -> None:
    zones = [each["Properties"]["AvailabilityZone"] for each in balanced.resources("AWS::EC2::Subnet").values()]
    assert zones == [{"Fn::Select": [number, {"Fn::GetAZs": ""}]} for number in (0, 1)]
    kinds = {each["Type"] for each in balanced.content["Resources"].values() if each["Type"].startswith("AWS::EC2::")}
    assert kinds == {
        "AWS::EC2::InternetGateway",
        "AWS::EC2::Route",
        "AWS::EC2::RouteTable",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::Subnet",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPC",
        "AWS::EC2::VPCGatewayAttachment",
    }
    assert any("NetworkRoute" in name for name in balanced.one(f"{ELB}::LoadBalancer")["DependsOn"])


def _ingress(template: Template) -> list[dict[str, Any]]:
    group = template.properties("AWS::EC2::SecurityGroup", "LoadBalancer/SecurityGroup")
    rules = [each["Properties"] for each in template.resources("AWS::EC2::SecurityGroupIngress").values()]
    return [*group.get("SecurityGroupIngress", []), *rules]


def test_everybody_may_call_https_unless_there_is_a_list_of_networks_or_a_prefix_list(balanced: Template) -> None:
    [everybody] = _ingress(balanced)
    assert (everybody["CidrIp"], everybody["FromPort"], everybody["ToPort"]) == ("0.0.0.0/0", 443, 443)
    listed = _ingress(_template(allowed_cidrs=["198.51.100.0/24", "203.0.113.7/32"]))
    assert [each["CidrIp"] for each in listed] == ["198.51.100.0/24", "203.0.113.7/32"]
    stack = new_stack()
    _pipeline(stack, LoadBalancerProps(prefix_list=ec2.PrefixList(stack, "Networks", max_entries=60)))
    [prefixed] = _ingress(template_of(stack))
    assert "Networks" in flat(prefixed["SourcePrefixListId"])
    assert "CidrIp" not in prefixed


def test_web_acls_stand_in_front_of_the_load_balancer() -> None:
    [limited] = _template(rate_limit=RateLimitProps(requests=6000)).resources("AWS::WAFv2::WebACLAssociation").values()
    assert "PipelineLoadBalancer" in flat(limited["Properties"]["ResourceArn"])
    stack = new_stack()
    _pipeline(stack, more={"genesys": genesys(stack, ip_allow_list=IpAllowListProps())})
    [listed] = template_of(stack).resources("AWS::WAFv2::WebACLAssociation").values()
    assert "PipelineLoadBalancer" in flat(listed["Properties"]["ResourceArn"])
    assert "IpAllowList" in flat(listed["Properties"]["WebACLArn"])


def test_a_vpc_of_the_owners_takes_it_in_one_public_subnet_of_each_zone() -> None:
    stack = new_stack()
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-0123456789abcdef0",
        availability_zones=["eu-west-1a", "eu-west-1b"],
        public_subnet_ids=SUBNETS,
        public_subnet_names=["One", "Two"],
    )
    _pipeline(stack, LoadBalancerProps(vpc=vpc))
    template = template_of(stack)
    assert template.properties(f"{ELB}::LoadBalancer")["Subnets"] == SUBNETS[:2]
    assert template.resources("AWS::EC2::VPC") == {}


def test_the_function_takes_what_a_load_balancer_hands_over(balanced: Template) -> None:
    variables = balanced.properties("AWS::Lambda::Function", "Ingest/Function")["Environment"]["Variables"]
    assert variables["MAX_BODY_BYTES"] == "1048576"


@pytest.mark.parametrize("function", ["Ingest", "Transform"])
def test_a_function_has_the_rights_that_it_has_behind_the_rest_api_but_for_traces(
    balanced: Template, default: Template, function: str
) -> None:
    """So what the embedded AWS shows of the one role, with IAM evaluated, holds for the other."""

    def rights(template: Template) -> dict[str, Any]:
        return statements(template.properties("AWS::IAM::ManagedPolicy", f"{function}/Policy")["PolicyDocument"])

    expected = rights(default)
    if function == "Ingest":
        assert "xray:PutTraceSegments" in expected.pop("Tracing")["Action"]
    assert rights(balanced) == expected
