"""The webhook's API takes signed events over TLS, and answers and logs nothing of a request."""

import json
from typing import Any

import aws_cdk as cdk
import botocore.session
import pytest
from aws_cdk import aws_route53 as route53

from genesys_firehose_cdk import GenesysFirehosePipeline, WebhookDomainProps, WebhookProps
from tests.library.synthesis import CERTIFICATE_ARN, Template, flat, new_stack, synthesize, template_of

ACCESS_LOG_FIELDS = {"id", "method", "status", "error", "function", "ms"}


def _stage(template: Template) -> dict[str, Any]:
    return template.properties("AWS::ApiGateway::Stage")


def test_api_is_regional_and_hands_over_bodies_byte_for_byte(default: Template) -> None:
    api = default.properties("AWS::ApiGateway::RestApi")
    assert api["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert api["BinaryMediaTypes"] == ["*/*"]


def test_api_has_two_methods_and_no_other(default: Template) -> None:
    paths = {
        resource["Metadata"]["aws:cdk:path"].removeprefix("Test/Pipeline/Ingress/Api/Default/")
        for resource in default.resources("AWS::ApiGateway::Method").values()
    }
    assert paths == {"ingest/genesys-events/POST/Resource", "health/GET/Resource"}
    for method in default.resources("AWS::ApiGateway::Method").values():
        assert method["Properties"]["Integration"]["Type"] == "AWS_PROXY"


def test_only_this_api_may_invoke_the_function(default: Template) -> None:
    permissions = default.resources("AWS::Lambda::Permission").values()
    assert len(permissions) == 2
    for permission in permissions:
        assert permission["Properties"]["Principal"] == "apigateway.amazonaws.com"
        assert "<PipelineIngressApi" in flat(permission["Properties"]["SourceArn"])
        assert "test-invoke-stage" not in flat(permission["Properties"]["SourceArn"])


def test_requests_are_throttled_traced_and_never_logged_in_full(default: Template) -> None:
    for settings in _stage(default)["MethodSettings"]:
        assert settings["ThrottlingRateLimit"] == 500
        assert settings["ThrottlingBurstLimit"] == 1000
        assert settings["DataTraceEnabled"] is False
        assert settings["LoggingLevel"] == "ERROR"
    assert _stage(default)["TracingEnabled"] is True


def test_only_the_method_that_takes_events_has_metrics_of_its_own_which_cost(default: Template) -> None:
    settings = _stage(default)["MethodSettings"]
    detailed = {(each["ResourcePath"], each["HttpMethod"]): each.get("MetricsEnabled", False) for each in settings}
    assert detailed == {("/*", "*"): False, ("/~1ingest~1genesys-events", "POST"): True}


def test_a_rule_of_its_own_says_how_many_requests_are_traced(default: Template) -> None:
    rule = default.properties("AWS::XRay::SamplingRule")["SamplingRule"]
    assert (rule["ReservoirSize"], rule["FixedRate"]) == (0, 0.002)
    assert "/restapis/<PipelineIngressApi" in flat(rule["ResourceARN"])
    assert "/stages/<PipelineIngressApiDeploymentStage" in flat(rule["ResourceARN"])
    assert len(rule["RuleName"]) <= 32
    # Within what X-Ray takes (AWS X-Ray API Reference, "SamplingRule").
    model = botocore.session.get_session().get_service_model("xray").shape_for("SamplingRule")
    assert rule.keys() <= model.members.keys()
    assert set(model.required_members) <= rule.keys()


def test_pipelines_of_one_stack_have_sampling_rules_of_different_names() -> None:
    stack = new_stack()
    for id in ("One", "Two"):
        GenesysFirehosePipeline(stack, id)
    rules = template_of(stack).resources("AWS::XRay::SamplingRule").values()
    assert len({each["Properties"]["SamplingRule"]["RuleName"] for each in rules}) == 2


def test_access_log_holds_no_address_header_query_or_body(default: Template) -> None:
    log_format = json.loads(_stage(default)["AccessLogSetting"]["Format"])
    assert set(log_format) == ACCESS_LOG_FIELDS
    assert not [value for value in log_format.values() if "identity" in value or "authorizer" in value]
    assert "AccessLogs" in flat(_stage(default)["AccessLogSetting"]["DestinationArn"])


def test_execution_log_group_is_ours_before_api_gateway_makes_one(default: Template) -> None:
    group = default.properties("AWS::Logs::LogGroup", "Ingress/ExecutionLogs")
    assert flat(group["LogGroupName"]).startswith("API-Gateway-Execution-Logs_<PipelineIngressApi")
    assert flat(group["LogGroupName"]).endswith(">/v1")
    assert any("ExecutionLogs" in name for name in default.one("AWS::ApiGateway::Stage")["DependsOn"])


def test_refusals_of_the_gateway_are_problem_documents_that_repeat_nothing(default: Template) -> None:
    responses = [resource["Properties"] for resource in default.resources("AWS::ApiGateway::GatewayResponse").values()]
    assert {response["ResponseType"] for response in responses} == {
        "DEFAULT_4XX",
        "DEFAULT_5XX",
        "REQUEST_TOO_LARGE",
    }
    for response in responses:
        [body] = response["ResponseTemplates"].values()
        assert set(json.loads(body)) == {"type", "title"}
        assert "$" not in body
        assert response["ResponseParameters"] == {"gatewayresponse.header.Content-Type": "'application/problem+json'"}
        assert "StatusCode" not in response


def test_account_wide_logging_role_is_set_unless_it_is_refused_and_stays(default: Template, maximal: Template) -> None:
    [account] = default.resources("AWS::ApiGateway::Account").values()
    assert account["DeletionPolicy"] == "RetainExceptOnCreate"
    assert maximal.resources("AWS::ApiGateway::Account") == {}


def test_networks_outside_the_allow_list_are_refused(default: Template, maximal: Template) -> None:
    assert "Policy" not in default.properties("AWS::ApiGateway::RestApi")
    [statement] = maximal.properties("AWS::ApiGateway::RestApi")["Policy"]["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Condition"] == {"IpAddress": {"aws:SourceIp": ["198.51.100.0/24", "2001:db8::/32"]}}


def test_urls_lead_to_execute_api_without_an_own_domain(default: Template) -> None:
    outputs = {key: flat(value["Value"]) for key, value in default.content["Outputs"].items()}
    [ingest_url] = [value for key, value in outputs.items() if "IngestUrl" in key]
    assert ingest_url.startswith("https://<PipelineIngressApi")
    assert ingest_url.endswith(".execute-api.<AWS::Region>.<AWS::URLSuffix>/v1/ingest/genesys-events")


def test_own_domain_serves_tls_1_2_and_execute_api_is_off(maximal: Template) -> None:
    domain = maximal.properties("AWS::ApiGateway::DomainName")
    assert domain["DomainName"] == "events.example.com"
    assert domain["SecurityPolicy"] == "TLS_1_2"
    assert domain["RegionalCertificateArn"] == CERTIFICATE_ARN
    assert maximal.properties("AWS::ApiGateway::RestApi")["DisableExecuteApiEndpoint"] is True
    outputs = {key: flat(value["Value"]) for key, value in maximal.content["Outputs"].items()}
    assert "https://events.example.com/open-messaging/events" in outputs.values()
    assert "https://events.example.com/health" in outputs.values()
    assert not [value for value in outputs.values() if "execute-api" in value]


def test_own_domain_gets_an_alias_record_in_its_zone(maximal: Template) -> None:
    record = maximal.properties("AWS::Route53::RecordSet")
    assert record["Name"] == "events.example.com."
    assert record["Type"] == "A"
    assert record["HostedZoneId"] == "Z0123456789ABC"
    assert "PipelineIngressApiDomain" in flat(record["AliasTarget"]["DNSName"])


@pytest.mark.parametrize("zone_name", ["example.com", "events.example.com"])
def test_a_zone_alone_is_enough_for_certificate_and_record(zone_name: str) -> None:
    stack = new_stack()
    zone = route53.HostedZone.from_hosted_zone_attributes(
        stack, "Zone", hosted_zone_id="Z0123456789ABC", zone_name=zone_name
    )
    GenesysFirehosePipeline(
        stack,
        "Pipeline",
        webhook=WebhookProps(domain=WebhookDomainProps(domain_name="events.example.com", hosted_zone=zone)),
    )
    template = template_of(stack)
    certificate = template.properties("AWS::CertificateManager::Certificate")
    assert certificate["ValidationMethod"] == "DNS"
    assert certificate["DomainName"] == "events.example.com"
    assert template.properties("AWS::Route53::RecordSet")["Name"] == "events.example.com."


def test_a_certificate_alone_leaves_the_record_to_the_owner() -> None:
    stack = new_stack()
    certificate = cdk.aws_certificatemanager.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE_ARN)
    pipeline = GenesysFirehosePipeline(
        stack,
        "Pipeline",
        webhook=WebhookProps(domain=WebhookDomainProps(domain_name="events.example.com", certificate=certificate)),
    )
    assert pipeline.api.domain is not None
    assert template_of(stack).resources("AWS::Route53::RecordSet") == {}


def test_web_acl_stands_in_front_of_the_stage(default: Template, maximal: Template) -> None:
    assert default.resources("AWS::WAFv2::WebACLAssociation") == {}
    [association] = maximal.resources("AWS::WAFv2::WebACLAssociation").values()
    assert "DeploymentStage" in flat(association["Properties"]["ResourceArn"])


def test_throttling_and_path_are_properties() -> None:
    template = synthesize(
        webhook=WebhookProps(path="/hooks/genesys/", throttling_rate_limit=20, throttling_burst_limit=40)
    )
    for settings in _stage(template)["MethodSettings"]:
        assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == (20, 40)
    assert {"hooks", "genesys", "health"} == {
        resource["Properties"]["PathPart"] for resource in template.resources("AWS::ApiGateway::Resource").values()
    }
