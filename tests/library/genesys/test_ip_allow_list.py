"""Only Genesys Cloud reaches the webhook; an empty or outdated list of its networks raises an alarm."""

import re
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager

from genesys.propagation import PATIENCE_SECONDS
from genesys_firehose_cdk import (
    GenesysFirehosePipeline,
    GenesysProps,
    GenesysRegion,
    InvalidPropertyError,
    IpAllowListProps,
    SignatureProps,
    WebhookProps,
)
from genesys_ipranges.function import DELETION_SECONDS, RESOURCE_TYPE, WORK_SECONDS
from tests.library.acknowledgement_checks import unacknowledged, unneeded
from tests.library.synthesis import WEB_ACL_ARN, Template, as_list, flat, new_stack, statements, template_of

SECRET_ARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:genesys-AbCdEf"


def genesys(stack: cdk.Stack, region: GenesysRegion = GenesysRegion.EU_CENTRAL_1, **properties: Any) -> GenesysProps:
    secret = secretsmanager.Secret.from_secret_attributes(
        stack,
        "Credentials",
        secret_complete_arn=SECRET_ARN,
        encryption_key=kms.Key.from_key_arn(stack, "CredentialsKey", "arn:aws:kms:eu-central-1:111122223333:key/a-b"),
    )
    return GenesysProps(region=region, credentials=secret, **properties)


def _pipeline(stack: cdk.Stack, **properties: Any) -> GenesysFirehosePipeline:
    allowed = IpAllowListProps(**{"additional_cidrs": ["198.51.100.0/24", "2001:db8::/32"], **properties})
    return GenesysFirehosePipeline(stack, "Pipeline", genesys=genesys(stack, ip_allow_list=allowed))


@pytest.fixture(scope="module")
def listed() -> Template:
    stack = new_stack()
    _pipeline(stack)
    return template_of(stack)


def test_everything_is_blocked_but_the_networks_of_genesys_cloud_and_the_owner(listed: Template) -> None:
    acl = listed.properties("AWS::WAFv2::WebACL")
    assert (acl["Scope"], acl["DefaultAction"]) == ("REGIONAL", {"Block": {}})
    [rule] = acl["Rules"]
    assert rule["Action"] == {"Allow": {}}
    references = [
        flat(each["IPSetReferenceStatement"]["Arn"]) for each in rule["Statement"]["OrStatement"]["Statements"]
    ]
    [genesys_sets] = listed.resources("Custom::GenesysIpSets")
    own_sets = listed.resources("AWS::WAFv2::IPSet")
    assert len(own_sets) == 2
    assert references == [
        f"<{genesys_sets}.IPv4SetArn>",
        f"<{genesys_sets}.IPv6SetArn>",
        *(f"<{name}.Arn>" for name in own_sets),
    ]


def test_requests_are_counted_and_no_header_of_one_is_kept(listed: Template) -> None:
    acl = listed.properties("AWS::WAFv2::WebACL")
    for visible in (acl["VisibilityConfig"], acl["Rules"][0]["VisibilityConfig"]):
        assert (visible["CloudWatchMetricsEnabled"], visible["SampledRequestsEnabled"]) == (True, False)


def test_cloudformation_writes_the_owners_networks_and_nobody_else_does(listed: Template) -> None:
    own = {
        each["Properties"]["IPAddressVersion"]: each["Properties"]["Addresses"]
        for each in listed.resources("AWS::WAFv2::IPSet").values()
    }
    assert own == {"IPV4": ["198.51.100.0/24"], "IPV6": ["2001:db8::/32"]}
    function = listed.properties("AWS::Lambda::Function", "Refresh/Function")
    assert "198.51.100.0" not in str(function)
    assert "198.51.100.0" not in str(listed.properties("Custom::GenesysIpSets"))


def test_an_ip_version_without_own_networks_has_no_own_set() -> None:
    stack = new_stack()
    pipeline = _pipeline(stack, additional_cidrs=["2001:db8::/32"])
    assert pipeline.ip_allow_list is not None
    assert list(pipeline.ip_allow_list.own_sets) == [6]
    assert len(template_of(stack).resources("AWS::WAFv2::IPSet")) == 1


def test_six_hundred_own_networks_fit() -> None:
    stack = new_stack()
    _pipeline(stack, additional_cidrs=[f"10.{number // 256}.{number % 256}.0/24" for number in range(600)])
    template = template_of(stack)
    assert len(template.properties("AWS::WAFv2::IPSet")["Addresses"]) == 600
    variables = template.properties("AWS::Lambda::Function", "Refresh/Function")["Environment"]["Variables"]
    assert len(str(variables)) < 2500


def _depends(template: Template, name: str) -> set[str]:
    """Everything that a resource waits for."""
    resource = template.content["Resources"][name]
    found = set(resource.get("DependsOn", []))
    for other in template.content["Resources"]:
        if f'"{other}"' in str(resource.get("Properties", {})).replace("'", '"'):
            found.add(other)
    return found | {deeper for each in found for deeper in _depends(template, each) if each != name}


def test_the_door_is_not_closed_before_the_list_holds_who_may_pass(listed: Template) -> None:
    [association] = listed.resources("AWS::WAFv2::WebACLAssociation")
    waits_for = {listed.content["Resources"][name]["Type"] for name in _depends(listed, association)}
    assert {"Custom::GenesysIpSets", "AWS::WAFv2::WebACL", "AWS::ApiGateway::Stage"} <= waits_for
    [web_acl] = listed.resources("AWS::WAFv2::WebACL")
    assert "Custom::GenesysIpSets" in {listed.content["Resources"][name]["Type"] for name in _depends(listed, web_acl)}


def test_the_function_has_its_rights_before_the_sets_are_made_and_until_they_are_deleted(listed: Template) -> None:
    [genesys_sets] = listed.resources("Custom::GenesysIpSets")
    waits_for = _depends(listed, genesys_sets)
    assert "AWS::IAM::ManagedPolicy" in {listed.content["Resources"][name]["Type"] for name in waits_for}
    assert "AWS::Events::Rule" not in {listed.content["Resources"][name]["Type"] for name in waits_for}


def test_the_schedule_begins_when_the_sets_are_there_and_ends_before_they_go(listed: Template) -> None:
    [genesys_sets] = listed.resources("Custom::GenesysIpSets")
    assert genesys_sets in listed.one("AWS::Events::Rule", "Refresh/Schedule")["DependsOn"]


def test_cloudformation_waits_longer_than_the_function_takes(listed: Template) -> None:
    properties = listed.properties("Custom::GenesysIpSets")
    function = listed.properties("AWS::Lambda::Function", "Refresh/Function")
    assert "RefreshFunction" in flat(properties["ServiceToken"])
    assert int(properties["ServiceTimeout"]) > function["Timeout"] >= DELETION_SECONDS + 30
    assert function["Timeout"] >= PATIENCE_SECONDS + WORK_SECONDS + 30


def test_the_function_and_cloudformation_mean_the_same_type_of_resource(listed: Template) -> None:
    assert len(listed.resources(RESOURCE_TYPE)) == 1


def test_another_choice_of_networks_is_another_run_in_the_deployment(listed: Template) -> None:
    stack = new_stack()
    _pipeline(stack, directions=["both"], max_shrink_ratio=1)
    changed = template_of(stack).properties("Custom::GenesysIpSets")
    before = listed.properties("Custom::GenesysIpSets")
    assert {name for name in before if before[name] != changed[name]} == {"Directions", "MaxShrinkRatio"}


def test_the_names_of_the_functions_sets_are_the_stacks_own_and_of_waf_s_form(listed: Template) -> None:
    name = listed.properties("Custom::GenesysIpSets")["SetName"]
    delimiter, [stem, stack_id] = name["Fn::Join"]
    assert stack_id == {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}
    longest = f"{stem}{delimiter}{'0' * 36}-IPv6"
    assert re.fullmatch(r"[\w-]{1,128}", longest)


def test_the_function_may_read_its_credentials_and_keep_sets_of_its_own_names(listed: Template) -> None:
    policy = statements(listed.properties("AWS::IAM::ManagedPolicy", "Refresh/Policy")["PolicyDocument"])
    assert policy.keys() == {
        "Logs",
        "Tracing",
        "ReadGenesysCredentials",
        "DecryptGenesysCredentials",
        "FindSets",
        "KeepSets",
    }
    assert (policy["FindSets"]["Action"], policy["FindSets"]["Resource"]) == ("wafv2:ListIPSets", "*")
    assert set(policy["KeepSets"]["Action"]) == {
        "wafv2:CreateIPSet",
        "wafv2:GetIPSet",
        "wafv2:UpdateIPSet",
        "wafv2:DeleteIPSet",
    }
    arns = [str(arn) for arn in as_list(policy["KeepSets"]["Resource"])]
    assert len(arns) == 2
    for arn, version in zip(arns, (4, 6), strict=True):
        assert "regional/ipset/TestPipelineIpAllowList" in arn
        assert "AWS::StackId" in arn
        assert f"-IPv{version}/*" in arn
    assert policy["ReadGenesysCredentials"]["Resource"] == SECRET_ARN


def test_the_function_runs_every_hour_for_its_region_and_choice(listed: Template) -> None:
    assert listed.properties("AWS::Events::Rule", "Refresh/Schedule")["ScheduleExpression"] == "rate(1 hour)"
    variables = listed.properties("AWS::Lambda::Function", "Refresh/Function")["Environment"]["Variables"]
    assert variables["GENESYS_HOST"] == "mypurecloud.de"
    assert variables["GENESYS_AWS_REGION"] == "eu-central-1"
    assert (variables["SERVICES"], variables["DIRECTIONS"]) == ("open-messaging", "outbound,both")


def test_a_refused_list_and_a_list_that_is_not_checked_are_alarms(listed: Template) -> None:
    refused = listed.properties("AWS::CloudWatch::Alarm", "IpAllowList/IpRangesRefused")
    assert (refused["MetricName"], refused["Threshold"], refused["TreatMissingData"]) == (
        "IpRangesRefused",
        1,
        "notBreaching",
    )
    unchecked = listed.properties("AWS::CloudWatch::Alarm", "IpAllowList/IpRangesUnchecked")
    metrics = [each["MetricStat"] for each in unchecked["Metrics"] if "MetricStat" in each]
    assert {(each["Metric"]["MetricName"], each["Period"]) for each in metrics} == {("IpRangesChecked", 3600)}
    assert (unchecked["ComparisonOperator"], unchecked["DatapointsToAlarm"]) == ("LessThanThreshold", 3)
    for alarm in (refused, unchecked):
        assert "AlarmTopic" in flat(alarm["AlarmActions"][0])


def test_every_finding_is_acknowledged_and_no_acknowledgement_is_left_over() -> None:
    assert unacknowledged(_pipeline) == []
    assert unneeded(_pipeline) == set()


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown service": (
        {"services": ["webhooks"]},
        "genesys.ip_allow_list.services is 'webhooks': allowed are api, audio-connector, audiohook, bot-connector, byo-smpp, "
        "byot-stt, data-actions, encryption, graphapi, imap, open-messaging, smtp, tts-connector.",
    ),
    "no service": (
        {"services": []},
        "genesys.ip_allow_list.services is empty: allowed are api, audio-connector, audiohook, bot-connector, byo-smpp, "
        "byot-stt, data-actions, encryption, graphapi, imap, open-messaging, smtp, tts-connector.",
    ),
    "unknown direction": (
        {"directions": ["up"]},
        "genesys.ip_allow_list.directions is 'up': allowed are both, inbound, outbound.",
    ),
    "host bits": (
        {"additional_cidrs": ["198.51.100.1/24"]},
        "genesys.ip_allow_list.additional_cidrs holds '198.51.100.1/24': a network in CIDR notation with its host bits zero "
        "is allowed, such as 198.51.100.0/24.",
    ),
    "everybody": (
        {"additional_cidrs": ["0.0.0.0/0"]},
        "genesys.ip_allow_list.additional_cidrs holds '0.0.0.0/0': a network narrower than everything is allowed, AWS WAF's "
        "limit.",
    ),
    "more own networks than a set takes": (
        {"additional_cidrs": [f"10.{n // 65536}.{n // 256 % 256}.{n % 256}/32" for n in range(10_001)]},
        "genesys.ip_allow_list.additional_cidrs is 10,001 IPv4 networks: 0 to 10,000 IPv4 networks are allowed, to fit an IP "
        "set of AWS WAF.",
    ),
    "more than all": (
        {"max_shrink_ratio": 1.5},
        "genesys.ip_allow_list.max_shrink_ratio is 1.5 as a share: 0 to 1 as a share are allowed, from none to all.",
    ),
    "every minute": (
        {"interval": cdk.Duration.minutes(1)},
        "genesys.ip_allow_list.interval is 1 minutes: 5 to 1,440 minutes are allowed, within the rate limits of Genesys Cloud.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_property_that_cannot_work_is_refused(case: str) -> None:
    properties, message = REFUSED[case]
    with pytest.raises(InvalidPropertyError) as refusal:
        IpAllowListProps(**properties)
    assert str(refusal.value) == message


@pytest.mark.parametrize("other", [{"web_acl_arn": WEB_ACL_ARN}, {"allowed_cidrs": ["198.51.100.0/24"]}])
def test_two_lists_at_once_are_refused(other: dict[str, Any]) -> None:
    stack = new_stack()
    with pytest.raises(InvalidPropertyError) as refusal:
        GenesysFirehosePipeline(
            stack,
            "Pipeline",
            webhook=WebhookProps(**other),
            genesys=genesys(stack, ip_allow_list=IpAllowListProps()),
        )
    assert str(refusal.value) == (
        f"webhook.{next(iter(other))} is given with genesys.ip_allow_list: one of the two is allowed."
    )


def test_data_actions_are_refused_where_the_sender_has_to_sign() -> None:
    stack = new_stack()
    with pytest.raises(InvalidPropertyError) as refusal:
        _pipeline(stack, services=["data-actions"])
    assert str(refusal.value) == (
        "genesys.ip_allow_list.services holds 'data-actions' with webhook.signature.kind HMAC: it is allowed with "
        "SHARED_KEY and BASIC alone, because a data action signs nothing."
    )


@pytest.mark.parametrize("signature", [SignatureProps.shared_key(), SignatureProps.basic()])
def test_data_actions_are_allowed_where_the_key_is_in_a_header(signature: SignatureProps) -> None:
    stack = new_stack()
    allowed = IpAllowListProps(services=["data-actions", "open-messaging"])
    GenesysFirehosePipeline(
        stack, "Pipeline", webhook=WebhookProps(signature=signature), genesys=genesys(stack, ip_allow_list=allowed)
    )
